"""Transcripts made comparable, and the characters or symbols that they consist of."""

from xlsr_sb.data.text.languages import LanguageVocabularies
from xlsr_sb.data.text.normalising import normalise_text
from xlsr_sb.data.text.units import (
    CHARACTERS,
    TOKENS,
    UNITS,
    one_character_each,
    transcript_of,
)
from xlsr_sb.data.text.vocabulary import Vocabulary, unknown_characters

__all__ = [
    "CHARACTERS",
    "TOKENS",
    "UNITS",
    "LanguageVocabularies",
    "Vocabulary",
    "normalise_text",
    "one_character_each",
    "transcript_of",
    "unknown_characters",
]
