"""A folder of transcripts that is filled bit by bit and never mixes two kinds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic
from xlsr_sb.transcription.formats import SUFFIXES, written
from xlsr_sb.transcription.recordings import Recording
from xlsr_sb.transcription.subtitles import SubtitleRules
from xlsr_sb.transcription.transcript import Transcript
from xlsr_sb.transcription.translated import Translated

SETTINGS = ".transcripts"  # JSON; hidden, as a recording may have any other name


@dataclass(frozen=True)
class TranscriptFolder:
    """Files of transcripts or translations, each whole or not there at all.

    Parameters
    ----------
    folder : Path
    kinds : sequence of str
        Formats that each recording is written in.
    rules : SubtitleRules

    Example
    -------
    >>> folder = TranscriptFolder(getfixture("tmp_path"), ["txt", "vtt"])
    >>> recording = Recording("x/a.wav", "x/a", "x/a.wav")
    >>> folder.holds(recording)
    False
    >>> folder.write(Transcript("x/a", "x/a.wav", 1.0, "oui", ()))
    >>> folder.holds(recording), folder.text_of(recording)
    (True, 'oui')
    """

    folder: Path
    kinds: Sequence[str]
    rules: SubtitleRules = field(default_factory=SubtitleRules)

    def settle(self, settings: Mapping[str, Any]) -> None:
        """Write down how the transcripts are made; refuse to mix two kinds.

        Parameters
        ----------
        settings : mapping
            Plain values.

        Raises
        ------
        InputError
            If those in the folder were made otherwise, or it cannot be written.
        """
        path = self.folder / SETTINGS
        if not path.exists():
            with open_atomic(path) as file:
                json.dump(settings, file, indent=2, ensure_ascii=False)
            return
        try:
            present = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} cannot be read: {error}; remove the folder"
            ) from error
        if present != json.loads(json.dumps(settings)):
            raise InputError(
                f"{self.folder} holds transcripts made with {present}, not with "
                f"{dict(settings)}; give another folder"
            )

    def holds(self, recording: Recording) -> bool:
        """Whether all of a recording is there."""
        return all(self._path(recording.name, kind).exists() for kind in self.kinds)

    def write(self, transcript: Transcript | Translated) -> None:
        """Write a transcript in all formats.

        Raises
        ------
        InputError
            If the file system refuses.
        """
        for kind in self.kinds:
            with open_atomic(self._path(transcript.name, kind)) as file:
                file.write(written(transcript, kind, self.rules))

    def text_of(self, recording: Recording) -> str:
        """Text of a recording that is there, as ``txt`` or as ``json``.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        kind = "txt" if "txt" in self.kinds else "json"
        path = self._path(recording.name, kind)
        try:
            content = path.read_text(encoding="utf-8")
            return (
                content.rstrip("\n") if kind == "txt" else json.loads(content)["text"]
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} cannot be read: {error}; remove it") from error

    def _path(self, name: str, kind: str) -> Path:
        """File of a recording."""
        return self.folder / f"{name}{SUFFIXES[kind]}"
