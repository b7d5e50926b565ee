"""Where transcripts and translations go: lines on the screen, or a folder of files."""

import argparse
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from xlsr_sb.cli.parsing import one_line
from xlsr_sb.errors import InputError
from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.transcription import (
    SUFFIXES,
    Recording,
    SubtitleRules,
    Transcript,
    TranscriptFolder,
    Translated,
    json_line,
)

AUDIO = (
    "WAV, FLAC, OGG, Opus or MP3; a folder of them; a list of paths (.txt, .lst, "
    ".list); a table (.csv) with a column wav or path"
)
Make = Callable[
    [Sequence[Recording]],
    Iterator[tuple[Recording, Transcript | Translated | InputError]],
]
PLAIN = ("txt", "json")  # formats that need no folder, and hold the text as it is


def add_output_to(
    parser: argparse.ArgumentParser, *, kinds: Iterable[str] = SUFFIXES
) -> None:
    """Add the arguments of an output in one of some formats.

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
        choices=list(kinds),
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

    def put(self, recording: Recording, transcript: Transcript | Translated) -> None:
        """Write a transcript or a translation."""
        if self.folder:
            self.folder.write(transcript)
        elif self.is_json:
            print(json_line(transcript), flush=True)
        else:
            print(f"{recording.shown}\t{transcript.text}", flush=True)

    def fill(
        self,
        recordings: Sequence[Recording],
        make: Make,
        *,
        done: str,
        table: str | None,
    ) -> None:
        """Write what is not there yet; ends with exit code 1 if some cannot be read.

        Parameters
        ----------
        recordings : sequence of Recording
        make : callable
            Gives each of some recordings with what is written of it, or an error.
        done : str
            What was done with them, such as "transcribed".
        table : str or None
            File for the path and text of all.
        """
        with nullcontext() if table is None else open_atomic(table) as file:
            texts = self._texts(recordings, make, done=done)
            if file:
                rows = [[one.shown, texts[one]] for one in recordings if one in texts]
                csv_writer(file).writerows([["path", "text"], *rows])
        if len(texts) < len(recordings):
            sys.exit(1)

    def _texts(
        self, recordings: Sequence[Recording], make: Make, *, done: str
    ) -> dict[Recording, str]:
        """Texts of all recordings that can be read."""
        found = {one: self.present(one) for one in recordings}
        texts = {one: text for one, text in found.items() if text is not None}
        missing = [one for one in recordings if one not in texts]
        num_present = len(texts)
        bar = tqdm(
            total=len(recordings),
            initial=num_present,
            unit="file",
            disable=None if self.folder else True,
        )
        with bar:
            for recording, outcome in make(missing):
                bar.update()
                if isinstance(outcome, InputError):
                    tqdm.write(one_line(outcome), file=sys.stderr)
                    continue
                self.put(recording, outcome)
                texts[recording] = outcome.text
        if self.folder:
            print(
                f"{self.folder.folder}: {len(texts) - num_present} {done}, "
                f"{num_present} there already, {len(recordings) - len(texts)} cannot "
                "be read"
            )
        return texts


def fingerprint(modules: Iterable[nn.Module], tokens: bytes) -> str:
    """Check sum of all weights, on the CPU, and of the tokens.

    Example
    -------
    >>> layer = nn.Linear(2, 2)
    >>> fingerprint([layer], b"ab") == fingerprint([layer], b"ac")
    False
    """
    total = zlib.crc32(tokens)
    for module in modules:
        for tensor in module.state_dict().values():
            data = tensor.contiguous().flatten().view(torch.uint8).numpy()
            total = zlib.crc32(data, total)
    return f"{total:08x}"


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
