"""Checkpoints of any layout: recognised, read strictly and safely, written."""

from xlsr_sb.checkpoints.checkpoint import CLASSIFIER, CTC, PRETRAINING, Checkpoint
from xlsr_sb.checkpoints.preparing import LAYOUTS, Prepared, prepared
from xlsr_sb.checkpoints.reading import read_checkpoint
from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.checkpoints.writing import write_checkpoint, write_files

__all__ = [
    "CLASSIFIER",
    "CTC",
    "LAYOUTS",
    "PRETRAINING",
    "Checkpoint",
    "PeerVocabulary",
    "Prepared",
    "prepared",
    "read_checkpoint",
    "write_checkpoint",
    "write_files",
]
