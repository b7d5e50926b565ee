"""Recordings of any number and length to text, with the time of each word."""

from xlsr_sb.transcription.alignment import GivenText
from xlsr_sb.transcription.folder import TranscriptFolder
from xlsr_sb.transcription.formats import SUBTITLES, SUFFIXES, json_line, written
from xlsr_sb.transcription.recordings import Recording, check_names, find_recordings
from xlsr_sb.transcription.subtitles import Subtitle, SubtitleRules
from xlsr_sb.transcription.transcribing import Transcription
from xlsr_sb.transcription.transcript import SpokenWord, Transcript

__all__ = [
    "SUBTITLES",
    "SUFFIXES",
    "GivenText",
    "Recording",
    "SpokenWord",
    "Subtitle",
    "SubtitleRules",
    "Transcript",
    "TranscriptFolder",
    "Transcription",
    "check_names",
    "find_recordings",
    "json_line",
    "written",
]
