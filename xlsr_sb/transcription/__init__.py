"""Recordings of any number and length to text of their language or another."""

from xlsr_sb.transcription.alignment import GivenText
from xlsr_sb.transcription.folder import TranscriptFolder
from xlsr_sb.transcription.formats import (
    SUBTITLES,
    SUFFIXES,
    TRANSLATED,
    json_line,
    written,
)
from xlsr_sb.transcription.recordings import Recording, check_names, find_recordings
from xlsr_sb.transcription.subtitles import Subtitle, SubtitleRules
from xlsr_sb.transcription.transcribing import Transcription
from xlsr_sb.transcription.transcript import SpokenWord, TimedText, Transcript
from xlsr_sb.transcription.translated import Translated
from xlsr_sb.transcription.translating import Translating

__all__ = [
    "SUBTITLES",
    "SUFFIXES",
    "TRANSLATED",
    "GivenText",
    "Recording",
    "SpokenWord",
    "Subtitle",
    "SubtitleRules",
    "TimedText",
    "Transcript",
    "TranscriptFolder",
    "Transcription",
    "Translated",
    "Translating",
    "check_names",
    "find_recordings",
    "json_line",
    "written",
]
