"""Speech in, text in another language out: encoder and head as one model."""

from xlsr_sb.translation.initialising import load_text_decoder
from xlsr_sb.translation.translator import SpeechTranslator

__all__ = ["SpeechTranslator", "load_text_decoder"]
