"""Trained recognisers outside their run: exported, loaded, transcribing."""

from xlsr_sb.export.folder import RESULTS, export_recogniser
from xlsr_sb.export.loading import load_transcriber
from xlsr_sb.export.recogniser import Characters, Recogniser
from xlsr_sb.export.runs import run_encoder, settings_folder
from xlsr_sb.export.sizes import write_sizes
from xlsr_sb.export.transcriber import Transcriber

__all__ = [
    "RESULTS",
    "Characters",
    "Recogniser",
    "Transcriber",
    "export_recogniser",
    "load_transcriber",
    "run_encoder",
    "settings_folder",
    "write_sizes",
]
