"""Hyperparameter files: read, checked to the last key, built and kept."""

from xlsr_sb.hparams.command_line import parse_command_line
from xlsr_sb.hparams.load import check_keys, load_hparams, unused_keys, write_flat
from xlsr_sb.hparams.reads import Hparams

__all__ = [
    "Hparams",
    "check_keys",
    "load_hparams",
    "parse_command_line",
    "unused_keys",
    "write_flat",
]
