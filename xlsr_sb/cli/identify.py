"""``xlsr-sb identify``: which language or speaker recordings hold, and when."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from xlsr_sb.cli.outputs import AUDIO, Output, fingerprint
from xlsr_sb.cli.parsing import add_command
from xlsr_sb.errors import InputError
from xlsr_sb.export import load_classifier
from xlsr_sb.files import csv_writer
from xlsr_sb.identification import FORMATS, Answer, AnswerFolder, Identifying
from xlsr_sb.identification.answer import COLUMNS
from xlsr_sb.transcription import Recording, check_names, find_recordings

MODEL = (
    "a classification run; an exported folder; a folder or hub id of transformers' "
    "Wav2Vec2ForSequenceClassification; a file of fairseq's wav2vec_classification"
)


def add_to(commands) -> None:
    """Add the command ``identify`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args(["identify", "model", "a.wav", "--top", "5"]).top
    5
    """
    parser = add_command(commands, "identify", _identify)
    parser.add_argument("source", help=MODEL)
    parser.add_argument("audio", nargs="+", help=AUDIO)
    parser.add_argument(
        "--top",
        type=int,
        default=Identifying.top,
        help="classes of each recording, the likeliest first; default: %(default)s",
    )
    parser.add_argument(
        "--timeline",
        action=argparse.BooleanOptionalAction,
        help="tell when which class is heard; default: in recordings above a minute",
    )
    for name, text in (
        ("window", "longer recordings are looked at in windows"),
        ("hop", "from one window to the next; as finely changes are found"),
    ):
        default = getattr(Identifying, f"{name}_seconds")
        help_ = f"{text}; default: %(default)s"
        parser.add_argument(
            f"--{name}-seconds", type=float, default=default, help=help_
        )
    group = parser.add_argument_group("output")
    group.add_argument(
        "--output",
        metavar="FOLDER",
        help="to write a file into for each recording; what is there is left",
    )
    group.add_argument(
        "--format",
        nargs="+",
        choices=list(FORMATS),
        default=["txt"],
        help="one, or with --output several; default: txt",
    )


@dataclass(frozen=True)
class Answers(Output):
    """Where answers go.

    Parameters
    ----------
    folder, is_json, is_tabled
        See ``Output``.
    is_csv : bool
        Whether what is printed are rows of a table.

    Example
    -------
    >>> from xlsr_sb.identification import Guess
    >>> output = Answers(None, is_json=False, is_tabled=False, is_csv=True)
    >>> answer = Answer("a", "a.wav", 1.5, None, (Guess("fr", 0.6),), ())
    >>> output.put(Recording("a.wav", "a", "a.wav"), answer)
    a.wav,whole,0.0,1.5,fr,0.6
    """

    is_csv: bool = False

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "Answers":
        """Output that is asked for; an InputError if arguments do not go together."""
        kinds = list(dict.fromkeys(arguments.format))
        if not arguments.output and len(kinds) > 1:
            raise InputError("several formats need a folder: --output FOLDER")
        folder = None
        if arguments.output:
            folder = AnswerFolder(Path(arguments.output), kinds)
        return cls(folder, kinds == ["json"], is_tabled=False, is_csv=kinds == ["csv"])

    def put(self, recording: Recording, answer: Answer) -> None:
        """Write an answer."""
        if self.folder is None and self.is_csv:
            csv_writer(sys.stdout).writerows(answer.rows(recording.shown))
            sys.stdout.flush()
        else:
            super().put(recording, answer)


def _identify(arguments: argparse.Namespace) -> None:
    """Print which classes recordings are of, or write files with them.

    The exit code is 1 if one of them cannot be read.
    """
    output = Answers.of(arguments)
    recordings = find_recordings(arguments.audio)
    if output.folder:
        check_names(recordings)
    way = Identifying(
        load_classifier(arguments.source),
        top=arguments.top,
        window_seconds=arguments.window_seconds,
        hop_seconds=arguments.hop_seconds,
        timeline=arguments.timeline,
    )
    if output.folder:
        output.folder.settle(_settings(way))
    elif output.is_csv:
        csv_writer(sys.stdout).writerow(COLUMNS)
    way.classifier.to("cuda" if torch.cuda.is_available() else "cpu")
    output.fill(recordings, way.answers, done="identified", table=None)


def _settings(way: Identifying) -> dict:
    """Return all that answers depend on, as plain values."""
    classifier = way.classifier
    labels = "\n".join(classifier.labels).encode()
    return {
        "model": fingerprint((classifier.encoder, classifier.head), labels),
        "top": way.top,
        "timeline": way.timeline,
        "window_seconds": way.window_seconds,
        "hop_seconds": way.hop_seconds,
    }
