"""``xlsr-sb transcribe``: recordings to text."""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from xlsr_sb.cli.parsing import add_command, one_line
from xlsr_sb.data.audio import load_audio
from xlsr_sb.errors import InputError
from xlsr_sb.export import load_transcriber
from xlsr_sb.files import open_atomic
from xlsr_sb.lengths import RECEPTIVE_FIELD, SAMPLE_RATE

SECONDS_PER_BATCH = 60.0  # of speech; longer recordings have a batch of their own


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
    transcribe = add_command(commands, "transcribe", _transcribe)
    transcribe.add_argument(
        "source",
        help="a run; an exported or converted folder; a folder or hub id of "
        "transformers with a CTC head; a fine-tuned file of fairseq",
    )
    transcribe.add_argument("audio", nargs="+", help="WAV, FLAC, OGG, Opus or MP3")
    transcribe.add_argument("--csv", help="table to write as well: path,text")


def _transcribe(arguments: argparse.Namespace) -> None:
    """Print a line for each file that can be read; exit with 1 if one cannot."""
    transcriber = load_transcriber(arguments.source)
    transcriber.to("cuda" if torch.cuda.is_available() else "cpu")
    failures: list[InputError] = []
    table = nullcontext() if arguments.csv is None else open_atomic(arguments.csv)
    with table as file:
        writer = None if file is None else csv.writer(file, lineterminator="\n")
        if writer:
            writer.writerow(["path", "text"])
        for batch in _batches(arguments.audio, failures):
            texts = transcriber.transcribe([waveform for _, waveform in batch])
            for (path, _), text in zip(batch, texts, strict=True):
                print(f"{path}\t{text}", flush=True)
                if writer:
                    writer.writerow([path, text])
    if failures:
        sys.exit(1)


def _batches(
    paths: Sequence[str], failures: list[InputError]
) -> Iterator[list[tuple[str, Tensor]]]:
    """Paths and waveforms in their order; what cannot be read is told and collected."""
    batch: list[tuple[str, Tensor]] = []
    seconds = 0.0
    for path in paths:
        try:
            waveform = _load(path)
        except InputError as error:
            print(one_line(error), file=sys.stderr)
            failures.append(error)
            continue
        duration = len(waveform) / SAMPLE_RATE
        if batch and seconds + duration > SECONDS_PER_BATCH:
            yield batch
            batch, seconds = [], 0.0
        batch.append((path, waveform))
        seconds += duration
    if batch:
        yield batch


def _load(path: str) -> Tensor:
    """Waveform of a file, long enough for one frame."""
    waveform = load_audio(path)
    if len(waveform) < RECEPTIVE_FIELD:
        raise InputError(
            f"{path} has {len(waveform)} samples at {SAMPLE_RATE} Hz; at least "
            f"{RECEPTIVE_FIELD} are needed"
        )
    return waveform
