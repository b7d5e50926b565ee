"""``xlsr-sb transcribe``: recordings to text, and to files with the time of words."""

import argparse
import sys
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

import torch
from tqdm import tqdm

from xlsr_sb.cli.decoding import (
    add_decoder_to,
    decoder_settings,
    given_decoder,
    plain_settings,
)
from xlsr_sb.cli.outputs import Output, add_output_to
from xlsr_sb.cli.parsing import add_command, add_language_to, one_line
from xlsr_sb.decoders.settings import DecoderSettings
from xlsr_sb.encoder.recordings import CONTEXTS
from xlsr_sb.errors import InputError
from xlsr_sb.export import Transcriber, load_transcriber, settings_folder
from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.transcription import (
    Recording,
    Transcription,
    check_names,
    find_recordings,
)


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
    parser.add_argument(
        "audio",
        nargs="+",
        help="WAV, FLAC, OGG, Opus or MP3; a folder of them; a list of paths "
        "(.txt, .lst, .list); a table (.csv) with a column wav or path",
    )
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
    table = nullcontext() if arguments.csv is None else open_atomic(arguments.csv)
    with table as file:
        texts = _run(way, recordings, output)
        if file:
            rows = [[one.shown, texts[one]] for one in recordings if one in texts]
            csv_writer(file).writerows([["path", "text"], *rows])
    if len(texts) < len(recordings):
        sys.exit(1)


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
    settings = {
        "model": _fingerprint(transcriber),
        "text": arguments.text or plain_settings(decoder),
        "line_characters": arguments.line_characters,
        "subtitle_seconds": arguments.subtitle_seconds,
        "context": arguments.context,
    }
    if arguments.context == "chunk":
        settings["chunk_seconds"] = arguments.chunk_seconds
        settings["overlap_seconds"] = arguments.overlap_seconds
    return settings


def _fingerprint(transcriber: Transcriber) -> str:
    """Check sum of all weights and tokens."""
    total = zlib.crc32("\n".join(transcriber.vocabulary.tokens).encode())
    for module in (transcriber.encoder, transcriber.head):
        for tensor in module.state_dict().values():
            data = tensor.contiguous().flatten().view(torch.uint8).numpy()
            total = zlib.crc32(data, total)
    return f"{total:08x}"


def _run(
    way: Transcription, recordings: Sequence[Recording], output: Output
) -> dict[Recording, str]:
    """Transcribe what is not there yet; texts of all that can be read."""
    found = {one: output.present(one) for one in recordings}
    texts = {one: text for one, text in found.items() if text is not None}
    missing = [one for one in recordings if one not in texts]
    num_present = len(texts)
    bar = tqdm(
        total=len(recordings),
        initial=num_present,
        unit="file",
        disable=None if output.folder else True,
    )
    with bar:
        for recording, outcome in way.transcripts(missing):
            bar.update()
            if isinstance(outcome, InputError):
                tqdm.write(one_line(outcome), file=sys.stderr)
                continue
            output.put(recording, outcome)
            texts[recording] = outcome.text
    if output.folder:
        print(
            f"{output.folder.folder}: {len(texts) - num_present} transcribed, "
            f"{num_present} there already, {len(recordings) - len(texts)} cannot be "
            "read"
        )
    return texts
