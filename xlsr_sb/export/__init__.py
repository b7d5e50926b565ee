"""Trained models outside their run: exported, loaded, at work."""

from xlsr_sb.export.classification import load_classifier, read_calibration
from xlsr_sb.export.classification_runs import is_classification_run
from xlsr_sb.export.classifier import UtteranceClassifier
from xlsr_sb.export.classifier_folder import export_classifier
from xlsr_sb.export.encoders import run_encoder
from xlsr_sb.export.folder import RESULTS, export_recogniser
from xlsr_sb.export.loading import load_transcriber
from xlsr_sb.export.recogniser import Characters, Recogniser
from xlsr_sb.export.runs import settings_folder
from xlsr_sb.export.sizes import write_sizes
from xlsr_sb.export.transcriber import Transcriber
from xlsr_sb.export.translation_folder import export_translator
from xlsr_sb.export.translation_runs import is_translation_run
from xlsr_sb.export.translator import Translator, load_translator

__all__ = [
    "RESULTS",
    "Characters",
    "Recogniser",
    "Transcriber",
    "Translator",
    "UtteranceClassifier",
    "export_classifier",
    "export_recogniser",
    "export_translator",
    "is_classification_run",
    "is_translation_run",
    "load_classifier",
    "load_transcriber",
    "load_translator",
    "read_calibration",
    "run_encoder",
    "settings_folder",
    "write_sizes",
]
