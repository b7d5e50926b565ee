"""A learned weighted sum of the encoder's layers."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LayerMix(nn.Module):
    """Sum of all states of an encoder, with weights that add up to one and are learnt.

    It is what transformers calls ``use_weighted_layer_sum``: a softmax over one number
    a state, all alike at first. States are added one by one, never stacked.

    Parameters
    ----------
    num_layers : int
        Of the encoder; there is one state more, the input of the first layer.
    normalise : bool
        Bring each frame of each state to mean 0 and variance 1 before: later layers are
        louder than early ones and would drown them.

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> lobe = XLSR(XLSRConfig.preset("tiny")).eval()
    >>> lobe.freeze()
    >>> mix = LayerMix(lobe.config.num_layers)
    >>> waveforms, num_samples = torch.randn(2, 16_000), torch.tensor([16_000, 8_000])
    >>> encoded = lobe.encode(waveforms, num_samples, all_layers=True)
    >>> mix(encoded.layers).shape
    torch.Size([2, 49, 384])
    >>> mix.shares.tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    def __init__(self, num_layers: int, *, normalise: bool = False):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(num_layers + 1))
        self.normalise = normalise

    @property
    def shares(self) -> Tensor:
        """Share of each state in the sum, [num_layers + 1]."""
        return self.weights.float().softmax(0)

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        """Sum of the states.

        Parameters
        ----------
        layers : sequence of Tensor [B, F, D]
            ``Encoded.layers``.

        Returns
        -------
        Tensor [B, F, D]
            Zeros in the padding, where the states have zeros.
        """
        return mixed(layers, shares=self.shares, normalise=self.normalise)


def mixed(
    layers: Sequence[Tensor], *, shares: Tensor, normalise: bool = False
) -> Tensor:
    """Sum of states, each times its share.

    Parameters
    ----------
    layers : sequence of Tensor [B, F, D]
    shares : Tensor [L]
        One for each state.
    normalise : bool
        See ``LayerMix``.

    Returns
    -------
    Tensor [B, F, D]

    Example
    -------
    >>> states = [torch.ones(1, 2, 3), torch.zeros(1, 2, 3)]
    >>> mixed(states, shares=torch.tensor([0.25, 0.75])).unique().item()
    0.25
    """
    total = torch.zeros_like(layers[0])
    for share, state in zip(shares, layers, strict=True):
        if normalise:
            state = F.layer_norm(state, state.shape[-1:])
        total = total + share.to(state.dtype) * state
    return total
