"""Sample rate conversion to 16 kHz by windowed sinc interpolation, for any rate."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional
from torchaudio.transforms import Resample

from xlsr_sb.lengths import SAMPLE_RATE

NUM_ZEROS = 6  # zero crossings on each side of the sinc, torchaudio's default
ROLLOFF = (
    0.99  # cut-off as a share of the lower Nyquist frequency, torchaudio's default
)
MAX_KERNEL = 1_000_000  # weights; common rates need less than 300,000
CHUNK = 1 << 14  # samples interpolated at a time


def resample(samples: Tensor, rate: int) -> Tensor:
    """Convert one channel to 16 kHz.

    Parameters
    ----------
    samples : Tensor [T], float32
    rate : int
        Its sample rate in Hz.

    Returns
    -------
    Tensor [ceil(T x 16,000 / rate)], float32

    Example
    -------
    >>> resample(torch.zeros(44_101), 44_100).shape
    torch.Size([16001])
    """
    if rate == SAMPLE_RATE:
        return samples
    num_samples = -(-len(samples) * SAMPLE_RATE // rate)
    common = math.gcd(rate, SAMPLE_RATE)
    if (SAMPLE_RATE // common) * (rate // common) > MAX_KERNEL:
        return _interpolate(samples, rate, num_samples)
    # torchaudio rounds the length in float32, short from 2**24 samples on: hence 10 ms
    # of the zeros that it adds anyway.
    longer = functional.pad(samples, (0, rate // 100))
    with one_thread():
        return _resampler(rate)(longer)[:num_samples]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch work in one thread, as data workers do.

    Its convolutions of a second or less round otherwise with more, so that a clip
    would have other bits where it is read without workers.

    Example
    -------
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@lru_cache(maxsize=16)
def _resampler(rate: int) -> Resample:
    """Return torchaudio's resampler, whose kernel is computed once a rate."""
    # Left to itself, torchaudio places the filters' weights in float32.
    return Resample(rate, SAMPLE_RATE, dtype=torch.float64).to(torch.float32)


def _interpolate(samples: Tensor, rate: int, num_samples: int) -> Tensor:
    """Compute what torchaudio does for rates whose kernel would fill the memory.

    Of 44,099 Hz torchaudio keeps 16,000 filters of 44,113 weights, 5 GB; nearly all
    are zero. Here each output sample gathers its own few neighbours.
    """
    cutoff = min(rate, SAMPLE_RATE) * ROLLOFF  # Hz, of both sides of the spectrum
    reach = math.ceil(NUM_ZEROS * rate / cutoff)  # input samples on each side
    padded = functional.pad(samples, (reach, reach + 1))
    offsets = torch.arange(-reach, reach + 1)
    chunks = []
    for outputs in torch.arange(num_samples).split(CHUNK):
        nearest = outputs * rate // SAMPLE_RATE
        fraction = (outputs * rate % SAMPLE_RATE).double() / SAMPLE_RATE
        zeros = (offsets - fraction[:, None]) * (cutoff / rate)  # sinc's zeros passed
        zeros = zeros.clamp(-NUM_ZEROS, NUM_ZEROS)
        window = torch.cos(zeros * (math.pi / NUM_ZEROS / 2)).square()
        weights = (torch.sinc(zeros) * window * (cutoff / rate)).float()
        neighbours = padded[nearest[:, None] + offsets + reach]
        chunks.append((neighbours * weights).sum(dim=1))
    return torch.cat(chunks)
