"""XLS-R for SpeechBrain.

Axes, the same everywhere: B batch, T samples, F frames, D features, V vocabulary,
U tokens; N rows of a packed batch (all real frames of all utterances).
"""

from xlsr_sb.encoder import XLSR, Encoded, XLSRConfig
from xlsr_sb.translation import SpeechTranslator

__all__ = ["XLSR", "Encoded", "SpeechTranslator", "XLSRConfig", "__version__"]
__version__ = "0.1.0"
