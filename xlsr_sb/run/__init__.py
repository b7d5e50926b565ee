"""From a command line to a trained model and its results."""

from xlsr_sb.run.main import main

__all__ = ["main"]
