"""A layer of mBART's decoder; where its attention looks is the business of others."""

from collections.abc import Callable
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.encoder.dropout import dropout

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": F.gelu, "relu": F.relu}


class Context(Protocol):
    """What the rows of a layer attend to.

    Teacher forcing has whole texts (``attention.WholeTexts``), decoding the tokens
    that came before (``incremental.DecoderState``).
    """

    def attend_tokens(self, layer: "DecoderLayer", qkv: Tensor) -> Tensor:
        """Values [N, D] for queries, keys and values [N, 3 D] of tokens."""

    def attend_memory(self, layer: "DecoderLayer", query: Tensor) -> Tensor:
        """Values [N, D] of the memory for queries [N, D] of tokens."""


class SelfAttention(nn.Module):
    """What stands before and behind attention among tokens.

    Parameters
    ----------
    dim : int
    """

    def __init__(self, dim: int):
        super().__init__()
        self.qkv, self.output = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)


class CrossAttention(nn.Module):
    """What stands before and behind attention from tokens to the memory.

    Parameters
    ----------
    dim : int
    """

    def __init__(self, dim: int):
        super().__init__()
        self.q, self.kv = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
        self.output = nn.Linear(dim, dim)


class DecoderLayer(nn.Module):
    """Attention to tokens, attention to the memory, feed-forward; norms come first.

    Parameters
    ----------
    config : TranslatorConfig
    index : int
        Number of the layer, counted from 0.
    """

    def __init__(self, config, index: int):
        super().__init__()
        dim = config.dim
        self.index, self.num_heads = index, config.num_heads
        self.activation = ACTIVATIONS[config.activation]
        self.dropout, self.activation_dropout = (
            config.dropout,
            config.activation_dropout,
        )
        self.attention_dropout = config.attention_dropout
        self.attention_norm, self.attention = nn.LayerNorm(dim), SelfAttention(dim)
        self.cross_norm, self.cross_attention = nn.LayerNorm(dim), CrossAttention(dim)
        self.ffn_norm = nn.LayerNorm(dim)
        self.ffn_in = nn.Linear(dim, config.ffn_dim)
        self.ffn_out = nn.Linear(config.ffn_dim, dim)

    def forward(self, rows: Tensor, context: Context) -> Tensor:
        """Map rows [N, D] of tokens to rows [N, D]."""
        qkv = self.attention.qkv(self.attention_norm(rows))
        rows = self._added(
            rows, self.attention.output(context.attend_tokens(self, qkv))
        )
        query = self.cross_attention.q(self.cross_norm(rows))
        values = context.attend_memory(self, query)
        rows = self._added(rows, self.cross_attention.output(values))
        hidden = self.activation(self.ffn_in(self.ffn_norm(rows)))
        hidden = dropout(hidden, self.activation_dropout, training=self.training)
        return self._added(rows, self.ffn_out(hidden))

    def _added(self, rows: Tensor, update: Tensor) -> Tensor:
        return rows + dropout(update, self.dropout, training=self.training)
