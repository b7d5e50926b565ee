"""Dropout that costs little on a CPU.

A CPU draws random numbers one after another, so each draw of 64 bits serves four
values: a value is dropped if its 15 bits fall below the threshold. The probability is
that of the nearest of 32,768 levels, and the scale is its exact inverse. Which values
are kept is held as bytes of ones or zeros, for a bitwise "and" with the values is
several times as fast as a product with booleans.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 2**15
BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes


def dropout(values: Tensor, p: float, *, training: bool) -> Tensor:
    """Zero each value with probability ``p`` and rescale the others; exact in the mean.

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
    if values.device.type != "cpu" or torch.compiler.is_compiling():
        return F.dropout(values, p)
    return _Dropout.apply(values, p)


class _Dropout(torch.autograd.Function):
    """Keeps a byte a value for the backward pass."""

    @staticmethod
    def forward(ctx, values: Tensor, p: float) -> Tensor:
        kept = draw_kept(values.shape, p)
        ctx.save_for_backward(kept)
        ctx.scale = kept_scale(p)
        return zero_dropped_(values * ctx.scale, kept)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        return zero_dropped_(grad * ctx.scale, *ctx.saved_tensors), None


def draw_kept(shape: torch.Size, p: float) -> Tensor:
    """Draw what is kept.

    Parameters
    ----------
    shape : torch.Size
    p : float
        Probability of zero, in (0, 1).

    Returns
    -------
    CharTensor of ``shape``
        All bits set where a value is kept, none where it is dropped.

    Example
    -------
    >>> draw_kept(torch.Size([2, 3]), 0.5).unique().tolist() in ([-1, 0], [-1], [0])
    True
    """
    words = torch.empty(-(-shape.numel() // 4), dtype=torch.int64)
    levels = words.random_(-(2**63), None).view(torch.int16)[: shape.numel()]
    # The sign of (highest dropped level - level), spread over all bits.
    levels.bitwise_and_(LEVELS - 1).neg_().add_(_threshold(p) - 1)
    return levels.bitwise_right_shift_(15).to(torch.int8).view(shape)


def zero_dropped_(values: Tensor, kept: Tensor | None = None) -> Tensor:
    """Set values to zero in place where ``kept`` has no bits; all are kept by default.

    Example
    -------
    >>> zero_dropped_(torch.ones(3), torch.tensor([-1, 0, -1], dtype=torch.int8))
    tensor([1., 0., 1.])
    """
    if kept is not None:
        bits = BITS[values.element_size()]
        values.view(bits).bitwise_and_(kept.to(bits))
    return values


def kept_scale(p: float) -> float:
    """Factor that makes up in the mean for what is dropped with probability ``p``.

    Example
    -------
    >>> kept_scale(0.0), kept_scale(0.5)
    (1.0, 2.0)
    """
    return LEVELS / (LEVELS - _threshold(p))


def _threshold(p: float) -> int:
    """Lowest level that is kept."""
    return min(round(p * LEVELS), LEVELS - 1)
