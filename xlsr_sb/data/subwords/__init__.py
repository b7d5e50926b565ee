"""Subwords of translations: ids as mBART-50's, trained or read, codes of languages."""

from xlsr_sb.data.subwords.codes import (
    BORROWED,
    MBART_CODES,
    RELEASED_TARGETS,
    language_token,
    language_tokens,
    target_token,
)
from xlsr_sb.data.subwords.tokeniser import SubwordTokeniser
from xlsr_sb.data.subwords.training import NORMALISATIONS, train_tokeniser

__all__ = [
    "BORROWED",
    "MBART_CODES",
    "NORMALISATIONS",
    "RELEASED_TARGETS",
    "SubwordTokeniser",
    "language_token",
    "language_tokens",
    "target_token",
    "train_tokeniser",
]
