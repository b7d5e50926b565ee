"""Where transcripts go: lines on the screen, or a folder of files."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.transcription import (
    SUFFIXES,
    Recording,
    SubtitleRules,
    Transcript,
    TranscriptFolder,
    json_line,
)

PLAIN = ("txt", "json")  # formats that need no folder, and hold the text as it is


def add_output_to(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of an output.

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_output_to(parser)
    >>> parser.parse_args(["--output", "texts", "--format", "srt", "json"]).format
    ['srt', 'json']
    """
    group = parser.add_argument_group("output")
    group.add_argument(
        "--output",
        metavar="FOLDER",
        help="to write a file into for each recording; what is there is left",
    )
    group.add_argument(
        "--format",
        nargs="+",
        choices=SUFFIXES,
        default=["txt"],
        help="one or several; all but txt and json need --output; default: txt",
    )
    group.add_argument("--csv", help="table to write as well: path,text")
    rules = SubtitleRules()
    for name, kind in (("line-characters", int), ("subtitle-seconds", float)):
        default = getattr(rules, name.replace("-", "_"))
        group.add_argument(
            f"--{name}", type=kind, default=default, help="default: %(default)s"
        )


@dataclass(frozen=True)
class Output:
    """Where transcripts go.

    Parameters
    ----------
    folder : TranscriptFolder, optional
        Without it they are printed.
    is_json : bool
        Whether what is printed is JSON, and not path and text.
    is_tabled : bool
        Whether the texts are wanted for a table as well.

    Example
    -------
    >>> recording = Recording("a.wav", "a", "a.wav")
    >>> output = Output(None, is_json=False, is_tabled=False)
    >>> output.put(recording, Transcript("a", "a.wav", 1.0, "oui", ()))
    a.wav	oui
    """

    folder: TranscriptFolder | None
    is_json: bool
    is_tabled: bool

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "Output":
        """Output that is asked for.

        Raises
        ------
        InputError
            If arguments do not go together.
        """
        _check(arguments)
        rules = SubtitleRules(arguments.line_characters, arguments.subtitle_seconds)
        kinds = list(dict.fromkeys(arguments.format))
        folder = None
        if arguments.output:
            folder = TranscriptFolder(Path(arguments.output), kinds, rules)
        return cls(folder, kinds == ["json"], arguments.csv is not None)

    def present(self, recording: Recording) -> str | None:
        """Text of what is there already, if a table needs it; None if it is not."""
        if self.folder is None or not self.folder.holds(recording):
            return None
        return self.folder.text_of(recording) if self.is_tabled else ""

    def put(self, recording: Recording, transcript: Transcript) -> None:
        """Write a transcript."""
        if self.folder:
            self.folder.write(transcript)
        elif self.is_json:
            print(json_line(transcript), flush=True)
        else:
            print(f"{recording.shown}\t{transcript.text}", flush=True)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse arguments that do not go together."""
    kinds = set(arguments.format)
    if not arguments.output:
        if others := sorted(kinds - set(PLAIN)):
            raise InputError(f"--format {others[0]} needs a folder: --output FOLDER")
        if len(kinds) > 1:
            raise InputError("several formats need a folder: --output FOLDER")
    elif arguments.csv and not kinds & set(PLAIN):
        raise InputError(
            f"--csv beside --output needs {' or '.join(PLAIN)} among the formats, to "
            "have the texts of what is there already"
        )
