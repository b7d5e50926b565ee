"""Pre-norm transformer layers over rows of real frames."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.dropout import dropout
from xlsr_sb.encoder.packing import Packing

HALF = (torch.bfloat16, torch.float16)


class SelfAttention(nn.Module):
    """Multi-head attention inside each utterance; no [B, heads, F, F] tensor anywhere.

    Parameters
    ----------
    config : XLSRConfig
    """

    def __init__(self, config: XLSRConfig):
        super().__init__()
        self.num_heads, self.dropout = config.num_heads, config.attention_dropout
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.output = nn.Linear(config.dim, config.dim)

    def forward(self, rows: Tensor, packing: Packing) -> Tensor:
        """Map rows [N, D] to rows [N, D]."""
        qkv = self.qkv(rows).view(len(rows), 3, self.num_heads, -1)
        p = self.dropout if self.training else 0.0
        attend = _attend_packed if _has_varlen(qkv, p) else _attend_by_utterance
        return self.output(attend(qkv, packing, p).reshape(len(rows), -1))


def _has_varlen(qkv: Tensor, p: float) -> bool:
    """Whether PyTorch's variable-length attention takes these rows (CUDA, 16 bits)."""
    return qkv.is_cuda and qkv.dtype in HALF and p == 0


def _attend_packed(qkv: Tensor, packing: Packing, _p: float) -> Tensor:
    """All utterances in one call, [N, 3, H, d] -> [N, H, d]."""
    from torch.nn.attention.varlen import varlen_attn  # needs CUDA only when called

    longest = max(packing.num_frames)
    bounds = packing.boundaries
    return varlen_attn(*qkv.unbind(1), bounds, bounds, longest, longest)


def _attend_by_utterance(qkv: Tensor, packing: Packing, p: float) -> Tensor:
    """One call an utterance, [N, 3, H, d] -> [N, H, d]."""
    outputs = []
    for piece in qkv.split(packing.num_frames):
        query, key, value = piece.permute(1, 2, 0, 3)[:, None].unbind()  # [1, H, n, d]
        attended = F.scaled_dot_product_attention(query, key, value, dropout_p=p)
        outputs.append(attended[0].transpose(0, 1))
    return torch.cat(outputs)


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
        self.attention_norm = nn.LayerNorm(config.dim)
        self.attention = SelfAttention(config)
        self.ffn_norm = nn.LayerNorm(config.dim)
        self.ffn_in = nn.Linear(config.dim, config.ffn_dim)
        self.ffn_out = nn.Linear(config.ffn_dim, config.dim)

    def forward(self, rows: Tensor, packing: Packing) -> Tensor:
        """Map rows [N, D] to rows [N, D]."""
        attended = self.attention(self.attention_norm(rows), packing)
        rows = rows + self._drop(attended, self.dropout)
        hidden = F.gelu(self.ffn_in(self.ffn_norm(rows)))
        hidden = self._drop(hidden, self.activation_dropout)
        return rows + self._drop(self.ffn_out(hidden), self.dropout)

    def _drop(self, values: Tensor, p: float) -> Tensor:
        return dropout(values, p, training=self.training)


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

    def forward(self, rows: Tensor, packing: Packing) -> list[Tensor]:
        """States [N, D] before each layer, then the normalised output of the last.

        They are what transformers calls ``hidden_states``: ``num_layers + 1`` of them.
        """
        states = []
        for layer in self.layers:
            states.append(rows)
            if not self._skips():
                rows = self._run(layer, rows, packing)
        return [*states, self.norm(rows)]

    def _skips(self) -> bool:
        """Draw whether the next layer is dropped; every rank draws the same.

        The generator is apart from the one that dropout and masks use, and the training
        loop seeds it alike on all ranks, so they always drop the same layers.
        """
        if not self.training or self.layerdrop == 0:
            return False
        draw = torch.rand((), generator=self.layerdrop_generator)
        return draw.item() < self.layerdrop

    def _run(self, layer: nn.Module, rows: Tensor, packing: Packing) -> Tensor:
        if self.activation_checkpointing and torch.is_grad_enabled():
            return checkpoint(layer, rows, packing, use_reentrant=False)
        return layer(rows, packing)
