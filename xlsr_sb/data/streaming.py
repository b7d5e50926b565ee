"""Audio files piece by piece, so that hours of audio take the memory of seconds."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from xlsr_sb.data.audio import check_complete, opened
from xlsr_sb.data.resampling import NUM_ZEROS, ROLLOFF, resample
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE


def stream_audio(path: str | Path, *, block_seconds: float = 10.0) -> Iterator[Tensor]:
    """Read a file from its beginning to its end, as one channel at 16 kHz.

    Parameters
    ----------
    path : str or Path
        As for ``load_audio``.
    block_seconds : float
        About how much is read at a time.

    Yields
    ------
    Tensor [n], float32
        Laid end to end they are what ``load_audio`` gives, whatever the sample rate.

    Raises
    ------
    InputError
        As ``load_audio``; that a file ends early may only be found at its end.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, np.zeros(44_100), 44_100)
    >>> [len(block) for block in stream_audio(path, block_seconds=0.4)]
    [6240, 6400, 3200, 160]
    """
    with opened(path) as file:
        size = max(1, round(block_seconds * file.samplerate))
        blocks = _blocks(file, path, size)
        if file.samplerate == SAMPLE_RATE:
            yield from blocks
        else:
            yield from _resampled(blocks, file.samplerate)


def _blocks(file: soundfile.SoundFile, path: str | Path, size: int) -> Iterator[Tensor]:
    """Mean of the channels, ``size`` samples at a time, all of them checked."""
    present = 0
    while len(channels := file.read(size, dtype="float32", always_2d=True)):
        samples = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1)
        finite = np.isfinite(samples)
        if not finite.all():
            bad = int(np.argmin(finite))
            raise InputError(
                f"{path}: sample {present + bad} is {samples[bad]}; every sample must "
                f"be a finite number, so this recording must be left out or made anew"
            )
        present += len(samples)
        yield torch.from_numpy(samples)
    check_complete(file, file.frames, present, exact=False)


def _resampled(blocks: Iterator[Tensor], rate: int) -> Iterator[Tensor]:
    """Blocks at 16 kHz; each is computed with the samples around it that it needs.

    ``unit`` samples become ``outputs`` ones. Whole units are converted, so that every
    piece starts where a sample falls on a sample.
    """
    common = math.gcd(rate, SAMPLE_RATE)
    unit, outputs = rate // common, SAMPLE_RATE // common
    reach = math.ceil(NUM_ZEROS * rate / (min(rate, SAMPLE_RATE) * ROLLOFF)) + 1
    margin = -(-reach // unit)  # units
    held, done = torch.empty(0), 0  # the first `done` units of `held` are converted
    for block in blocks:
        held = torch.cat([held, block])
        ready = (len(held) - reach) // unit
        if ready > done:
            yield resample(held, rate)[done * outputs : ready * outputs]
            kept = max(0, ready - margin)
            held, done = held[kept * unit :], ready - kept
    yield resample(held, rate)[done * outputs :]
