"""The XLS-R encoder."""

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.xlsr import XLSR, Encoded

__all__ = ["XLSR", "Encoded", "XLSRConfig"]
