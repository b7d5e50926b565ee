"""Arithmetic between samples and frames, and between counts and masks.

Everything here is exact: frames are counted from samples by the arithmetic of the
seven convolutions, never from rounded fractions of a padded length.
"""

import math

import torch
from torch import Tensor

SAMPLE_RATE = 16_000  # Hz
KERNELS = (10, 3, 3, 3, 3, 2, 2)  # of XLS-R's seven convolutions
STRIDES = (5, 2, 2, 2, 2, 2, 2)
HOP = math.prod(STRIDES)  # 320 samples between two frames
FRAME_RATE = SAMPLE_RATE // HOP  # 50 frames a second


def receptive_field(kernels=KERNELS, strides=STRIDES) -> int:
    """Number of samples that one frame is computed from.

    Example
    -------
    >>> receptive_field()
    400
    """
    field, hop = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        field += (kernel - 1) * hop
        hop *= stride
    return field


RECEPTIVE_FIELD = receptive_field()  # 400 samples, 25 ms


def num_frames(num_samples, *, kernels=KERNELS, strides=STRIDES):
    """Frames that a stack of valid convolutions makes out of ``num_samples``.

    Parameters
    ----------
    num_samples : int or LongTensor of any shape
        Samples of each utterance.
    kernels, strides : sequence of int
        One entry a convolution; XLS-R's by default.

    Returns
    -------
    int or LongTensor of the same shape
        Zero where an utterance is shorter than the receptive field.

    Example
    -------
    >>> num_frames(16_000), num_frames(399), num_frames(400)
    (49, 0, 1)
    >>> num_frames(torch.tensor([400, 720, 16_000])).tolist()
    [1, 2, 49]
    """
    count = num_samples
    for kernel, stride in zip(kernels, strides, strict=True):
        count = (count - kernel) // stride + 1
    return count.clamp(min=0) if isinstance(count, Tensor) else max(0, count)


def samples_from_fractions(wav_lens: Tensor, max_samples: int) -> Tensor:
    """Turn SpeechBrain's relative lengths back into sample counts.

    Parameters
    ----------
    wav_lens : Tensor [B]
        Fractions of ``max_samples`` in (0, 1], as ``PaddedBatch`` makes them.
    max_samples : int
        Padded length of the batch, in samples.

    Returns
    -------
    LongTensor [B]
        The counts that the fractions were made of (exact up to eight minutes).

    Example
    -------
    >>> fractions = torch.tensor([12_345 / 160_000, 1.0])
    >>> samples_from_fractions(fractions, 160_000).tolist()
    [12345, 160000]
    """
    return (wav_lens.double() * max_samples).round().long().clamp(0, max_samples)


def mask_of(counts: Tensor, max_count: int) -> Tensor:
    """Boolean mask that is True on the first ``counts[i]`` places of row ``i``.

    Parameters
    ----------
    counts : LongTensor [B]
    max_count : int

    Returns
    -------
    BoolTensor [B, max_count]

    Example
    -------
    >>> mask_of(torch.tensor([1, 3]), 3).tolist()
    [[True, False, False], [True, True, True]]
    """
    return torch.arange(max_count, device=counts.device) < counts[:, None]
