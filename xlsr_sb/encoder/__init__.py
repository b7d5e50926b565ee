"""The XLS-R encoder."""

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.encoded import Encoded, MaskedFrames
from xlsr_sb.encoder.xlsr import XLSR

__all__ = ["XLSR", "Encoded", "MaskedFrames", "XLSRConfig"]
