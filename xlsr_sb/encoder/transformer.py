"""Pre-norm transformer layers over rows of real frames."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from xlsr_sb.encoder.attention import attend
from xlsr_sb.encoder.blocks import AttentionBlock, FeedForwardBlock
from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.dropout import dropout
from xlsr_sb.encoder.freezing import recording
from xlsr_sb.encoder.packing import Packing


class SelfAttention(nn.Module):
    """What stands before and behind multi-head attention inside each utterance.

    Parameters
    ----------
    config : XLSRConfig
    """

    def __init__(self, config: XLSRConfig):
        super().__init__()
        self.num_heads, self.dropout = config.num_heads, config.attention_dropout
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.output = nn.Linear(config.dim, config.dim)


class TransformerLayer(nn.Module):
    """LayerNorm, attention, residual; LayerNorm, feed-forward, residual.

    Parameters
    ----------
    config : XLSRConfig
    """

    def __init__(self, config: XLSRConfig):
        super().__init__()
        self.dropout, self.activation_dropout = (
            config.dropout,
            config.activation_dropout,
        )
        self.is_compiled = config.compile_layers
        self.attention_norm = nn.LayerNorm(config.dim)
        self.attention = SelfAttention(config)
        self.ffn_norm = nn.LayerNorm(config.dim)
        self.ffn_in = nn.Linear(config.dim, config.ffn_dim)
        self.ffn_out = nn.Linear(config.ffn_dim, config.dim)

    def forward(
        self, rows: Tensor, packing: Packing, frames: Tensor | None = None
    ) -> Tensor:
        """Map rows [N, D] to rows [N, D], or to [M, D]: those of M frames only."""
        if self._has_blocks(rows):
            return self._in_blocks(rows, packing, frames)
        halves = before_attention, after_attention
        before, after = map(_compiled, halves) if self.is_compiled else halves
        p = self.attention.dropout if self.training else 0.0
        attended = attend(before(self, rows), packing, dropout=p)
        return after(self, _only(rows, frames), _only(attended, frames))

    def _has_blocks(self, rows: Tensor) -> bool:
        """Whether the two halves can be computed as blocks.

        They are written for CPUs, for plain linear layers (no adapters on them) and
        without the two dropouts that are zero in the paper.
        """
        linears = self.attention.qkv, self.attention.output, self.ffn_in, self.ffn_out
        drops = self.training and (self.dropout or self.attention.dropout)
        return (
            rows.device.type == "cpu"
            and not (self.is_compiled or drops)
            and all(type(linear) is nn.Linear for linear in linears)
        )

    def _in_blocks(
        self, rows: Tensor, packing: Packing, frames: Tensor | None
    ) -> Tensor:
        dtype = rows.dtype
        if torch.is_autocast_enabled("cpu"):
            dtype = torch.get_autocast_dtype("cpu")
        with torch.autocast("cpu", enabled=False):
            rows = AttentionBlock.apply(
                rows,
                *self.attention_norm.parameters(),
                *self.attention.parameters(),
                packing.num_frames,
                self.attention.num_heads,
                dtype,
            )
            return FeedForwardBlock.apply(
                _only(rows, frames),
                *self.ffn_norm.parameters(),
                *self.ffn_in.parameters(),
                *self.ffn_out.parameters(),
                self.activation_dropout if self.training else 0.0,
                dtype,
            )


def _only(rows: Tensor, frames: Tensor | None) -> Tensor:
    """Rows of some frames; all of them for None."""
    return rows if frames is None else rows.index_select(0, frames)


def before_attention(layer: TransformerLayer, rows: Tensor) -> Tensor:
    """Queries, keys and values [N, 3, H, d] of rows [N, D]."""
    qkv = layer.attention.qkv(layer.attention_norm(rows))
    return qkv.view(len(rows), 3, layer.attention.num_heads, -1)


def after_attention(layer: TransformerLayer, rows: Tensor, attended: Tensor) -> Tensor:
    """Output [N, D] of a layer, from its input and attended values [N, H, d]."""
    attended = layer.attention.output(attended.flatten(1))
    rows = rows + dropout(attended, layer.dropout, training=layer.training)
    hidden = F.gelu(layer.ffn_in(layer.ffn_norm(rows)))
    hidden = dropout(hidden, layer.activation_dropout, training=layer.training)
    outputs = layer.ffn_out(hidden)
    return rows + dropout(outputs, layer.dropout, training=layer.training)


@cache
def _compiled(half: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A half that is compiled once for all layers and any number of rows.

    Parameters are arguments of the compiled graph, so layers share it; attention, whose
    utterances differ from batch to batch, stays between the halves as it is.
    """
    return torch.compile(half, dynamic=True)


class Transformer(nn.Module):
    """The stack of layers and the LayerNorm behind it.

    Parameters
    ----------
    config : XLSRConfig
    """

    def __init__(self, config: XLSRConfig):
        super().__init__()
        self.layerdrop = config.layerdrop
        self.activation_checkpointing = config.activation_checkpointing
        self.layers = nn.ModuleList(
            TransformerLayer(config) for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(config.dim)
        self.layerdrop_generator = torch.Generator()

    def forward(
        self,
        rows: Tensor,
        packing: Packing,
        *,
        wanted: Sequence[int] | None = None,
        frames: Tensor | None = None,
    ) -> list[Tensor]:
        """States [N, D] before each layer, then the normalised output of the last.

        They are what transformers calls ``hidden_states``: ``num_layers + 1`` of them
        (of which its versions 5 give the last before the final LayerNorm).
        Where only some are wanted, in rising order, no other is kept and no layer above
        them is run. Where only some ``frames`` (LongTensor [M]) of the last layer are,
        its output is [M, D], and what follows its attention is computed for these.
        """
        depth = len(self.layers)
        wanted = range(depth + 1) if wanted is None else wanted
        states = []
        for i, layer in enumerate(islice(self.layers, wanted[-1])):
            if i in wanted:
                states.append(rows)
            chosen = frames if i == depth - 1 else None
            if self._skips(layer):
                rows = _only(rows, chosen)
                continue
            with recording(layer, rows):
                rows = self._run(layer, rows, packing, chosen)
        return [*states, self.norm(rows) if wanted[-1] == depth else rows]

    def _skips(self, layer: nn.Module) -> bool:
        """Draw whether a layer is dropped; every rank draws the same.

        The generator is apart from the one that dropout and masks use, and the training
        loop seeds it alike on all ranks, so they always drop the same layers.
        """
        if not layer.training or self.layerdrop == 0:
            return False
        draw = torch.rand((), generator=self.layerdrop_generator)
        return draw.item() < self.layerdrop

    def _run(
        self, layer: nn.Module, rows: Tensor, packing: Packing, frames: Tensor | None
    ) -> Tensor:
        if self.activation_checkpointing and torch.is_grad_enabled():
            return checkpoint(layer, rows, packing, frames, use_reentrant=False)
        return layer(rows, packing, frames)
