"""Positions from a grouped convolution over the frames of each utterance."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.convolution import grouped_convolution
from xlsr_sb.encoder.packing import Packing

# Chosen from single short runs on speech: width 3 with a gain of 8 learnt faster than
# width 4 with 4, and a gain of 20 a little faster than 8. It was not tuned further.
LOCAL_GAIN = 16.0
PIECE = 64  # channels


class PositionalConv(nn.Module):
    """Weight-normalised grouped convolution and GELU; its output is added to its input.

    Utterances lie in one long signal with ``kernel // 2`` zero frames between them,
    which is exactly the zero padding that each would have had alone.

    Parameters
    ----------
    config : XLSRConfig
    """

    def __init__(self, config: XLSRConfig):
        super().__init__()
        dim, kernel = config.dim, config.pos_conv_kernel
        self.groups, self.gap = config.pos_conv_groups, kernel // 2
        direction = torch.empty(dim, dim // self.groups, kernel)
        nn.init.normal_(direction, std=math.sqrt(4 / (kernel * dim)))
        magnitude = _norm_per_tap(direction)
        if config.pos_conv_width:
            magnitude *= local_window(kernel, config.pos_conv_width)
        self.direction = nn.Parameter(direction)  # "weight_v" of torch's weight_norm
        self.magnitude = nn.Parameter(magnitude)  # "weight_g"
        self.bias = nn.Parameter(torch.zeros(dim))
        self._folded: _Folded | None = None

    def weight(self) -> Tensor:
        """Kernel [D, D / groups, kernel]; one magnitude a tap, as in fairseq.

        Where it is not trained it is folded once and kept until its parts change.
        """
        parts = self.direction, self.magnitude
        if torch.is_grad_enabled() and any(part.requires_grad for part in parts):
            self._folded = None
            return _WeightNorm.apply(*parts)
        if parts[0].device.type != "cpu" or any(part.is_inference() for part in parts):
            return _WeightNorm.apply(*parts)  # cheap there; not to be told from others
        if self._folded is None or not self._folded.is_of(*parts):
            with torch.inference_mode(False), torch.no_grad():
                self._folded = _Folded(*parts, _WeightNorm.apply(*parts))
        return self._folded.weight

    def forward(self, rows: Tensor, packing: Packing) -> Tensor:
        """Map rows [N, D] of real frames to rows [N, D] with positions added."""
        places = packing.gapped(self.gap)
        length = len(rows) + self.gap * (len(packing.num_frames) - 1)
        signal = rows.new_zeros(length, rows.shape[1]).index_copy(0, places, rows)
        positions = grouped_convolution(
            signal.t()[None], self.weight(), self.bias, self.groups
        )[0, :, :length]  # an even kernel makes one frame too many
        # From here on rows are summed in the parameters' precision, layer after layer.
        return rows.to(self.bias.dtype) + F.gelu(positions.t().index_select(0, places))


class _Folded:
    """A kernel, and what tells that its parts are still those it was made of.

    PyTorch counts changes in place, except those through ``.data``, as some moving
    averages make them; a sample of the values shows these.
    """

    def __init__(self, direction: Tensor, magnitude: Tensor, weight: Tensor):
        self.weight = weight
        self.state = self._state(direction, magnitude)
        self.sample = self._sample(direction, magnitude)

    def is_of(self, direction: Tensor, magnitude: Tensor) -> bool:
        """Whether the kernel is that of these parts."""
        return self.state == self._state(direction, magnitude) and torch.equal(
            self.sample, self._sample(direction, magnitude)
        )

    @staticmethod
    def _state(*parts: Tensor) -> list[tuple]:
        return [(part.data_ptr(), part._version, part.dtype) for part in parts]

    @staticmethod
    def _sample(direction: Tensor, magnitude: Tensor) -> Tensor:
        values = direction.detach().view(-1)[:: max(1, direction.numel() // 64)]
        return torch.cat([values, magnitude.detach().flatten()])


class _WeightNorm(torch.autograd.Function):
    """``direction * magnitude / norm``; few passes over what is a large tensor."""

    @staticmethod
    def forward(ctx: FunctionCtx, direction: Tensor, magnitude: Tensor) -> Tensor:
        """Kernel [D, D / groups, kernel]."""
        norm = _norm_per_tap(direction)
        ctx.save_for_backward(direction, magnitude, norm)
        return direction * (magnitude / norm)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of direction and magnitude."""
        direction, magnitude, norm = ctx.saved_tensors
        along = _products_per_tap(grad, direction) / norm
        grad_direction = direction * (-along / norm)
        return grad_direction.add_(grad).mul_(magnitude / norm), along


def local_window(kernel: int, width: float) -> Tensor:
    """Factors [kernel] that make random taps look at near frames first.

    As fairseq draws them all 128 taps are alike, so a random encoder mixes 2.6 seconds
    evenly and is slow to find out that neighbouring frames belong together. Under this
    bell the taps start as a filter over about a phone; their energy together is
    ``LOCAL_GAIN ** 2`` times that of even ones.

    Parameters
    ----------
    kernel : int
        Taps.
    width : float
        Standard deviation of the bell in frames.

    Example
    -------
    >>> window = local_window(128, 3.0)
    >>> window.argmax().item(), round(window.square().mean().item(), 3)
    (64, 256.0)
    """
    distance = torch.arange(kernel) - kernel // 2
    bell = torch.exp(-0.5 * (distance / width) ** 2)
    return LOCAL_GAIN * bell / bell.square().mean().sqrt()


def _norm_per_tap(direction: Tensor) -> Tensor:
    """Norm over both channel axes, [1, 1, kernel]."""
    return _products_per_tap(direction, direction).sqrt_()


def _products_per_tap(left: Tensor, right: Tensor) -> Tensor:
    """Sum of products over both channel axes, in pieces that stay in the cache."""
    pieces = zip(left.split(PIECE), right.split(PIECE), strict=True)
    return sum((a * b).sum((0, 1), keepdim=True) for a, b in pieces)
