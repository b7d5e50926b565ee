"""Attention of whole texts: each token to those up to itself, and to the memory.

Rows are those of real tokens only, one text after another. Attention alone is computed
in a padded batch, where a causal mask keeps what is real from what is not; texts are
short, and it is a small part of the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from xlsr_sb.heads.translator.adaptor import Memory
from xlsr_sb.heads.translator.layers import DecoderLayer
from xlsr_sb.lengths import mask_of


@dataclass(frozen=True)
class Ragged:
    """Where the real rows of a padded batch lie.

    Parameters
    ----------
    shape : tuple of int
        Utterances, and rows of the longest one.
    index : LongTensor [N], optional
        Of each real row in [B * U]; None if all are real.

    Example
    -------
    >>> ragged = Ragged.of([2, 1], 2)
    >>> ragged.pack(torch.tensor([[3, 4], [5, 0]])).tolist()
    [3, 4, 5]
    >>> ragged.unpack(torch.tensor([[3.0], [4.0], [5.0]]))[..., 0].tolist()
    [[3.0, 4.0], [5.0, 0.0]]
    """

    shape: tuple[int, int]
    index: Tensor | None

    @classmethod
    def of(
        cls, counts: Sequence[int], longest: int, device: torch.device | str = "cpu"
    ) -> "Ragged":
        """Rows of utterances with so many rows each, padded to ``longest``."""
        shape = len(counts), longest
        if all(count == longest for count in counts):
            return cls(shape, None)
        firsts = range(0, len(counts) * longest, longest)
        pairs = zip(firsts, counts, strict=True)
        index = torch.cat([torch.arange(first, first + n) for first, n in pairs])
        return cls(shape, index.to(device, non_blocking=True))

    def pack(self, batch: Tensor) -> Tensor:
        """Real rows [N, ...] of a batch [B, U, ...]."""
        rows = batch.flatten(0, 1)
        return rows if self.index is None else rows.index_select(0, self.index)

    def unpack(self, rows: Tensor) -> Tensor:
        """Batch [B, U, ...] of rows [N, ...], zeros in the padding."""
        if self.index is not None:
            count = self.shape[0] * self.shape[1]
            padded = rows.new_zeros(count, *rows.shape[1:])
            rows = padded.index_copy(0, self.index, rows)
        return rows.unflatten(0, self.shape)


def split_heads(batch: Tensor, parts: int, num_heads: int) -> Sequence[Tensor]:
    """Parts that lie side by side, each with its heads apart.

    Parameters
    ----------
    batch : Tensor [B, U, parts * D]
    parts, num_heads : int

    Returns
    -------
    tuple of Tensor [B, H, U, d]

    Example
    -------
    >>> [part.shape for part in split_heads(torch.randn(2, 5, 24), 2, 3)]
    [torch.Size([2, 3, 5, 4]), torch.Size([2, 3, 5, 4])]
    """
    heads = batch.unflatten(-1, (parts, num_heads, -1))
    return heads.permute(2, 0, 3, 1, 4).unbind()


def join_heads(values: Tensor) -> Tensor:
    """Tensor [B, U, D] of values [B, H, U, d].

    Example
    -------
    >>> join_heads(torch.randn(2, 3, 5, 4)).shape
    torch.Size([2, 5, 12])
    """
    return values.transpose(1, 2).flatten(2)


class WholeTexts:
    """Context of the layers in teacher forcing.

    Parameters
    ----------
    tokens : Ragged
        Of the texts.
    memory : Memory
        What stands behind the real frames is not read.
    """

    def __init__(self, tokens: Ragged, memory: Memory):
        states, counts = memory
        shape = states.shape[:2]
        is_on_host = counts.device.type == "cpu"
        counts_on_host = counts.tolist() if is_on_host else [shape[1]] * shape[0]
        # Of counts on a GPU nothing is asked, for that would wait for it: what is no
        # frame is computed with the others there, and masked like here.
        self.frames = Ragged.of(counts_on_host, shape[1], states.device)
        self.tokens, self.memory = tokens, self.frames.pack(states)
        self.is_frame = None  # [B, 1, 1, M], unless all are real
        if not is_on_host or self.frames.index is not None:
            counts = counts.to(states.device)
            self.is_frame = mask_of(counts, shape[1])[:, None, None]

    def attend_tokens(self, layer: DecoderLayer, qkv: Tensor) -> Tensor:
        """Values [N, D] for queries, keys and values [N, 3 D]."""
        parts = split_heads(self.tokens.unpack(qkv), 3, layer.num_heads)
        p = layer.attention_dropout if layer.training else 0.0
        values = F.scaled_dot_product_attention(*parts, dropout_p=p, is_causal=True)
        return self.tokens.pack(join_heads(values))

    def attend_memory(self, layer: DecoderLayer, query: Tensor) -> Tensor:
        """Values [N, D] of the memory for queries [N, D]."""
        pairs = self.frames.unpack(layer.cross_attention.kv(self.memory))
        (query,) = split_heads(self.tokens.unpack(query), 1, layer.num_heads)
        key, value = split_heads(pairs, 2, layer.num_heads)
        p = layer.attention_dropout if layer.training else 0.0
        values = F.scaled_dot_product_attention(
            query, key, value, attn_mask=self.is_frame, dropout_p=p
        )
        return self.tokens.pack(join_heads(values))
