"""From features to text in another language: length adaptor and mBART's decoder."""

from xlsr_sb.heads.translator.adaptor import LengthAdaptor, Memory, num_memory
from xlsr_sb.heads.translator.config import TranslatorConfig
from xlsr_sb.heads.translator.decoder import TextDecoder
from xlsr_sb.heads.translator.head import TranslationHead
from xlsr_sb.heads.translator.incremental import DecoderState
from xlsr_sb.heads.translator.text_encoder import TextEncoder

__all__ = [
    "DecoderState",
    "LengthAdaptor",
    "Memory",
    "TextDecoder",
    "TextEncoder",
    "TranslationHead",
    "TranslatorConfig",
    "num_memory",
]
