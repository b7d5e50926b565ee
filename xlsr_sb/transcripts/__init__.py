"""Recordings of any number and length to text, with the time of each word."""

from xlsr_sb.transcripts.alignment import GivenText
from xlsr_sb.transcripts.folder import TranscriptFolder
from xlsr_sb.transcripts.formats import SUBTITLES, SUFFIXES, json_line, written
from xlsr_sb.transcripts.recordings import Recording, check_names, find_recordings
from xlsr_sb.transcripts.subtitles import Subtitle, SubtitleRules
from xlsr_sb.transcripts.transcribing import Transcription
from xlsr_sb.transcripts.transcript import SpokenWord, Transcript

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
