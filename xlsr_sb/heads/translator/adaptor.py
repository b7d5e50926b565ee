"""The length adaptor: strided convolutions that make a memory of the features."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.heads.translator.layerdrop import LayerDrop
from xlsr_sb.lengths import mask_of

KERNEL, PADDING = 3, 1  # of each convolution; the lengths below hold for these


class Memory(NamedTuple):
    """What the decoder reads of an utterance.

    Parameters
    ----------
    memory : Tensor [B, M, D]
        What stands behind an utterance's own frames is not read.
    num_memory : LongTensor [B]
        Frames of each that are real.
    """

    memory: Tensor
    num_memory: Tensor


def num_memory(num_frames, *, num_layers: int = 3, stride: int = 2):
    """Frames that the adaptor makes out of ``num_frames``.

    Parameters
    ----------
    num_frames : int or LongTensor of any shape
    num_layers, stride : int
        Its convolutions, and the stride of each.

    Returns
    -------
    int or LongTensor of the same shape

    Example
    -------
    >>> num_memory(49), num_memory(1), num_memory(8, num_layers=1)
    (7, 1, 4)
    >>> num_memory(torch.tensor([8, 9, 499])).tolist()
    [1, 2, 63]
    """
    count = num_frames
    for _ in range(num_layers):
        count = (count + 2 * PADDING - KERNEL) // stride + 1
    return count


class LengthAdaptor(nn.Module):
    """Convolutions of kernel 3, each with a GLU behind it, exact in any batch.

    What stands behind an utterance's own frames is set to zero before each of them, as
    it is for an utterance alone.

    Parameters
    ----------
    input_dim : int
        Width of the features.
    dim : int
        Width inside and behind. If it is another, a linear layer and a LayerNorm stand
        before the convolutions.
    num_layers, stride : int
    layerdrop : float
        Probability of skipping a convolution in training.

    Example
    -------
    >>> adaptor = LengthAdaptor(16, 8)
    >>> features, num_frames = torch.randn(2, 49, 16), torch.tensor([49, 20])
    >>> adapted = adaptor(features, num_frames)
    >>> adapted.memory.shape, adapted.num_memory.tolist()
    (torch.Size([2, 7, 8]), [7, 3])
    """

    def __init__(
        self,
        input_dim: int,
        dim: int,
        *,
        num_layers: int = 3,
        stride: int = 2,
        layerdrop: float = 0.0,
    ):
        super().__init__()
        self.stride, self.layerdrop = stride, LayerDrop(layerdrop)
        self.projection = self.norm = None
        if input_dim != dim:
            self.projection, self.norm = nn.Linear(input_dim, dim), nn.LayerNorm(dim)
        self.layers = nn.ModuleList(
            nn.Conv1d(dim, 2 * dim, KERNEL, stride=stride, padding=PADDING)
            for _ in range(num_layers)
        )

    def forward(self, features: Tensor, num_frames: Tensor) -> Memory:
        """Memory of features [B, F, D], of which ``num_frames`` [B] are real."""
        counts = num_frames.to(features.device)
        if self.projection is not None:
            features = self.norm(self.projection(features))
        channels = _zeroed(features.transpose(1, 2), counts)  # [B, D, F]
        for layer in self.layers:
            if self.layerdrop.skips(layer):
                continue
            counts = num_memory(counts, num_layers=1, stride=self.stride)
            channels = _zeroed(F.glu(layer(channels), dim=1), counts)
        return Memory(channels.transpose(1, 2), counts)


def _zeroed(channels: Tensor, counts: Tensor) -> Tensor:
    """Channels [B, D, F] with zeros behind the frames that are real."""
    is_real = mask_of(counts, channels.shape[2])[:, None]
    return torch.where(is_real, channels, 0)
