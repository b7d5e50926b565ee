"""Dropout that costs little on a CPU."""

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 2**16


def dropout(values: Tensor, p: float, *, training: bool) -> Tensor:
    """Zero each value with probability ``p`` and rescale the others; exact in the mean.

    A CPU draws random numbers one after another, so each 64-bit draw serves four
    values: a value is dropped if its 16 bits fall below ``p``. The probability is that
    of the nearest level of 65,536, and the scale is its exact inverse.

    Parameters
    ----------
    values : Tensor
    p : float
        In [0, 1).
    training : bool
        False returns ``values`` untouched.

    Example
    -------
    >>> _ = torch.manual_seed(0)
    >>> kept = dropout(torch.ones(100_000), 0.1, training=True)
    >>> round(kept.mean().item(), 2), round((kept == 0).float().mean().item(), 2)
    (1.0, 0.1)
    """
    if not training or p == 0:
        return values
    if values.device.type != "cpu":
        return F.dropout(values, p)
    threshold = min(round(p * LEVELS), LEVELS - 1)
    words = torch.empty(-(-values.numel() // 4), dtype=torch.int64).random_(
        -(2**63), None
    )
    levels = words.view(torch.int16)[: values.numel()].view(values.shape)
    keep = levels >= threshold - LEVELS // 2
    return values * keep * (LEVELS / (LEVELS - threshold))
