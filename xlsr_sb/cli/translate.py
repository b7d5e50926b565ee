"""``xlsr-sb translate``: recordings to text of another language, and to subtitles."""

import argparse
from dataclasses import replace

import torch

from xlsr_sb.cli.outputs import AUDIO, Output, add_output_to, fingerprint
from xlsr_sb.cli.parsing import add_command
from xlsr_sb.export import Translator, load_translator
from xlsr_sb.transcription import (
    TRANSLATED,
    Translating,
    check_names,
    find_recordings,
)

SEARCH = {  # options of the search: their type, and what they are
    "beam_size": (int, "translations that are followed at once"),
    "max_tokens": (int, "of a piece, the code of its language and its end counted"),
    "length_penalty": (float, "above 1 long translations gain"),
    "no_repeat_ngram": (int, "no run of so many tokens comes twice; 0 allows all"),
}


def add_to(commands) -> None:
    """Add the command ``translate`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args(["translate", "model", "a.wav", "--to", "en"]).to
    'en'
    """
    parser = add_command(commands, "translate", _translate)
    parser.add_argument(
        "source",
        help="a run; an exported folder; a folder or hub id of transformers' "
        "SpeechEncoderDecoderModel, as XLS-R's released translators are",
    )
    parser.add_argument("audio", nargs="+", help=AUDIO)
    parser.add_argument(
        "--to",
        metavar="LANGUAGE",
        help="to write, such as en; needed where the model knows several",
    )
    parser.add_argument(
        "--piece-seconds",
        type=float,
        default=Translating.piece_seconds,
        help="longer recordings are cut where they are quietest; default: %(default)s",
    )
    add_output_to(parser, kinds=TRANSLATED)
    group = parser.add_argument_group(
        "search", "by default as the model's test sets were translated"
    )
    for name, (kind, text) in SEARCH.items():
        group.add_argument(f"--{name.replace('_', '-')}", type=kind, help=text)


def _translate(arguments: argparse.Namespace) -> None:
    """Print translations of recordings, or write files with the times of pieces.

    The exit code is 1 if one of them cannot be read.
    """
    output = Output.of(arguments)
    recordings = find_recordings(arguments.audio)
    if output.folder:
        check_names(recordings)
    translator = load_translator(arguments.source)
    given = {name: getattr(arguments, name) for name in SEARCH}
    given = {name: value for name, value in given.items() if value is not None}
    translator = replace(translator, search={**translator.search, **given})
    way = Translating(
        translator, translator.language(arguments.to), arguments.piece_seconds
    )
    if output.folder:
        output.folder.settle(_settings(way, arguments))
    translator.to("cuda" if torch.cuda.is_available() else "cpu")
    output.fill(recordings, way.transcripts, done="translated", table=arguments.csv)


def _settings(way: Translating, arguments: argparse.Namespace) -> dict:
    """Return all that translations depend on, as plain values."""
    translator: Translator = way.translator
    return {
        "model": fingerprint([translator.model], translator.tokeniser.model),
        "to": way.to,
        "search": dict(translator.search),
        "piece_seconds": way.piece_seconds,
        "line_characters": arguments.line_characters,
        "subtitle_seconds": arguments.subtitle_seconds,
    }
