"""``xlsr-sb transcribe``: recordings to text, and to files with the time of words."""

import argparse
from dataclasses import replace

import torch

from xlsr_sb.cli.decoding import (
    add_decoder_to,
    decoder_settings,
    given_decoder,
    plain_settings,
)
from xlsr_sb.cli.outputs import AUDIO, Output, add_output_to, fingerprint
from xlsr_sb.cli.parsing import add_command, add_language_to
from xlsr_sb.decoders.settings import DecoderSettings
from xlsr_sb.encoder.recordings import CONTEXTS
from xlsr_sb.errors import InputError
from xlsr_sb.export import Transcriber, load_transcriber, settings_folder
from xlsr_sb.transcription import Transcription, check_names, find_recordings


def add_to(commands) -> None:
    """Add the command ``transcribe`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args(["transcribe", "model", "a.wav"]).audio
    ['a.wav']
    """
    parser = add_command(commands, "transcribe", _transcribe)
    parser.add_argument(
        "source",
        help="a run; an exported or converted folder; a folder or hub id of "
        "transformers with a CTC head; a fine-tuned file of fairseq",
    )
    parser.add_argument("audio", nargs="+", help=AUDIO)
    add_language_to(parser)
    add_output_to(parser)
    _add_computing(parser)
    add_decoder_to(parser)


def _add_computing(parser: argparse.ArgumentParser) -> None:
    """Add how long recordings are computed, and what is known of them."""
    group = parser.add_argument_group("long recordings and known texts")
    group.add_argument(
        "--context",
        choices=CONTEXTS,
        default="chunk",
        help="what attention sees of a recording longer than a chunk: the chunk and "
        "its overlaps, or all (exact, slow for hours); default: %(default)s",
    )
    for name in ("chunk-seconds", "overlap-seconds"):
        default = getattr(Transcription, name.replace("-", "_"))
        group.add_argument(
            f"--{name}", type=float, default=default, help="default: %(default)s"
        )
    group.add_argument(
        "--text",
        metavar="COLUMN",
        help="of the tables: texts that are known, of which only the times are wanted",
    )


def _transcribe(arguments: argparse.Namespace) -> None:
    """Print the text of recordings, or write files with the time of each word.

    The exit code is 1 if one of them cannot be read.
    """
    output = Output.of(arguments)
    recordings = find_recordings(arguments.audio, text_column=arguments.text)
    if output.folder:
        check_names(recordings)
    decoder = _decoder(arguments)
    transcriber = load_transcriber(arguments.source, language=arguments.language)
    transcriber = replace(transcriber, decoder=decoder.build(transcriber.vocabulary))
    way = Transcription(
        transcriber,
        context=arguments.context,
        chunk_seconds=arguments.chunk_seconds,
        overlap_seconds=arguments.overlap_seconds,
    )
    if output.folder:
        output.folder.settle(_settings(transcriber, decoder, arguments))
    transcriber.to("cuda" if torch.cuda.is_available() else "cpu")
    output.fill(recordings, way.transcripts, done="transcribed", table=arguments.csv)


def _decoder(arguments: argparse.Namespace) -> DecoderSettings:
    """How text is searched for, if it is not known."""
    if not arguments.text:
        folder = settings_folder(arguments.source, arguments.language)
        return decoder_settings(arguments, str(folder))
    if given := given_decoder(arguments):
        raise InputError(
            f"--text {arguments.text}: a text that is known is not searched for; leave "
            f"{', '.join(given)} away"
        )
    return DecoderSettings()


def _settings(
    transcriber: Transcriber, decoder: DecoderSettings, arguments: argparse.Namespace
) -> dict:
    """Return all that transcripts depend on, as plain values."""
    tokens = "\n".join(transcriber.vocabulary.tokens).encode()
    settings = {
        "model": fingerprint((transcriber.encoder, transcriber.head), tokens),
        "text": arguments.text or plain_settings(decoder),
        "line_characters": arguments.line_characters,
        "subtitle_seconds": arguments.subtitle_seconds,
        "context": arguments.context,
    }
    if arguments.context == "chunk":
        settings["chunk_seconds"] = arguments.chunk_seconds
        settings["overlap_seconds"] = arguments.overlap_seconds
    return settings
