"""Recordings of any number and length to classes, and to answers whose voice it is."""

from xlsr_sb.identification.answer import Answer, Guess, Stretch
from xlsr_sb.identification.folder import FORMATS, AnswerFolder
from xlsr_sb.identification.identifying import Identifying
from xlsr_sb.identification.pairs import Pairs, read_pairs
from xlsr_sb.identification.verifying import Verifying

__all__ = [
    "FORMATS",
    "Answer",
    "AnswerFolder",
    "Guess",
    "Identifying",
    "Pairs",
    "Stretch",
    "Verifying",
    "read_pairs",
]
