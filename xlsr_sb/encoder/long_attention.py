"""A transformer layer over any number of frames, in memory that grows with them.

Keys and values of all frames are kept; everything else is computed for a block of
frames at a time, which is then replaced by its output.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.encoder.transformer import after_attention, before_attention

ROWS = 1_024  # frames in a block


def pass_layer(layer: nn.Module, states: Tensor, store: Tensor) -> None:
    """Replace all states by what a transformer layer makes of them.

    Parameters
    ----------
    layer : TransformerLayer
        In evaluation mode.
    states : Tensor [F, D]
        Changed in place.
    store : Tensor [3, F, D]
        Room for queries, keys and values.

    Example
    -------
    >>> import torch
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> layer = XLSR(XLSRConfig.preset("tiny")).eval().transformer.layers[0]
    >>> states = torch.randn(7, 384)
    >>> before = states.clone()
    >>> with torch.no_grad():
    ...     pass_layer(layer, states, torch.empty(3, 7, 384))
    >>> torch.equal(states, before)
    False
    """
    for piece, place in zip(states.split(ROWS), store.split(ROWS, dim=1), strict=True):
        place.copy_(before_attention(layer, piece).flatten(2).transpose(0, 1))
    # [3, F, D] -> [3, H, F, d]
    heads = store.unflatten(-1, (layer.attention.num_heads, -1)).transpose(1, 2)
    queries, keys, values = heads[:, None].unbind()
    for piece, query in zip(
        states.split(ROWS), queries.split(ROWS, dim=2), strict=True
    ):
        attended = F.scaled_dot_product_attention(query, keys, values)
        piece.copy_(after_attention(layer, piece, attended[0].transpose(0, 1)))
