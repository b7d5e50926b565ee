"""Positions from a grouped convolution over the frames of each utterance."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.convolution import grouped_convolution
from xlsr_sb.encoder.packing import Packing

# Chosen from single short runs on speech: width 3 with a gain of 8 learnt faster than
# width 4 with 4, and a gain of 20 a little faster than 8. It was not tuned further.
LOCAL_GAIN = 16.0


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

    def weight(self) -> Tensor:
        """Kernel [D, D / groups, kernel]; one magnitude a tap, as in fairseq."""
        return self.direction * (self.magnitude / _norm_per_tap(self.direction))

    def forward(self, rows: Tensor, packing: Packing) -> Tensor:
        """Map rows [N, D] of real frames to rows [N, D] with positions added."""
        places = packing.gapped(self.gap)
        length = len(rows) + self.gap * (len(packing.num_frames) - 1)
        signal = rows.new_zeros(length, rows.shape[1]).index_copy(0, places, rows)
        positions = grouped_convolution(
            signal.t()[None], self.weight(), self.bias, self.groups
        )[0, :, :length]  # an even kernel makes one frame too many
        return rows + F.gelu(positions.t().index_select(0, places))


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
    return torch.linalg.vector_norm(direction, dim=(0, 1), keepdim=True)
