"""mBART's encoder: noisy text to what its decoder reads."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.encoder.dropout import dropout
from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator.attention import Ragged, join_heads, split_heads
from xlsr_sb.heads.translator.config import TranslatorConfig
from xlsr_sb.heads.translator.decoder import OFFSET, init_as_fairseq
from xlsr_sb.heads.translator.layerdrop import LayerDrop
from xlsr_sb.heads.translator.layers import ACTIVATIONS, SelfAttention
from xlsr_sb.lengths import mask_of


class TextEncoder(nn.Module):
    """Encoder of mBART (Liu et al. 2020, arXiv 2001.08210), its embeddings apart.

    These are the decoder's and belong to it; a call is given them. No operation but
    attention sees padding, and that is masked.

    Parameters
    ----------
    config : TranslatorConfig
        Its sizes are here those of the encoder.

    Example
    -------
    >>> encoder = TextEncoder(TranslatorConfig.preset("small"))
    >>> tokens, num_tokens = torch.full((2, 5), 7), torch.tensor([5, 3])
    >>> encoder(tokens, num_tokens, nn.Embedding(4_000, 256)).shape
    torch.Size([2, 5, 256])
    """

    def __init__(self, config: TranslatorConfig):
        super().__init__()
        self.config = config
        self.is_frozen = False
        self.layerdrop = LayerDrop(config.layerdrop)
        self.scale = math.sqrt(config.dim) if config.scale_embeddings else 1.0
        self.positions = nn.Embedding(config.max_positions + OFFSET, config.dim)
        self.embedding_norm = nn.LayerNorm(config.dim)
        self.layers = nn.ModuleList(
            TextEncoderLayer(config) for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(config.dim)
        self.apply(init_as_fairseq)

    def forward(
        self, tokens: Tensor, num_tokens: Tensor, embeddings: nn.Embedding
    ) -> Tensor:
        """Features of texts.

        Parameters
        ----------
        tokens : LongTensor [B, S]
            What stands behind a text is not read.
        num_tokens : LongTensor [B]
            On the host, a GPU need not be waited for.
        embeddings : Embedding
            Of the decoder.

        Returns
        -------
        Tensor [B, S, D]
            Zeros behind each text.

        Raises
        ------
        InputError
            If a text is longer than there are positions.
        """
        length = tokens.shape[1]
        if length > self.config.max_positions:
            raise InputError(
                f"text encoder: {length} tokens are too many for a text; it has "
                f"positions for {self.config.max_positions} (max_positions)"
            )
        texts = Ragged.of(num_tokens.tolist(), length, tokens.device)
        positions = torch.arange(length, device=tokens.device).expand_as(tokens)
        rows = embeddings(texts.pack(tokens)) * self.scale
        rows = rows + self.positions(texts.pack(positions) + OFFSET)
        rows = self.embedding_norm(rows)
        rows = dropout(rows, self.config.dropout, training=self.training)
        is_token = None
        if texts.index is not None:
            counts = num_tokens.to(tokens.device)
            is_token = mask_of(counts, length)[:, None, None]
        for layer in self.layers:
            if not self.layerdrop.skips(layer):
                rows = layer(rows, texts, is_token)
        return texts.unpack(self.norm(rows))

    def seed_layerdrop(self, seed: int) -> None:
        """Fix which layers are dropped next; give all ranks the same seed."""
        self.layerdrop.seed(seed)

    def freeze(self) -> None:
        """Stop training: no gradient, no dropout."""
        self.is_frozen = True
        self.requires_grad_(False).eval()

    def unfreeze(self) -> None:
        """Train again."""
        self.is_frozen = False
        self.requires_grad_(True).train()

    def train(self, mode: bool = True):
        """Set training mode; what is frozen stays in evaluation mode."""
        return super().train(mode and not self.is_frozen)


class TextEncoderLayer(nn.Module):
    """Attention among the tokens of a text, feed-forward; norms come first.

    Parameters
    ----------
    config : TranslatorConfig
    """

    def __init__(self, config: TranslatorConfig):
        super().__init__()
        self.config, dim = config, config.dim
        self.activation = ACTIVATIONS[config.activation]
        self.attention_norm, self.attention = nn.LayerNorm(dim), SelfAttention(dim)
        self.ffn_norm = nn.LayerNorm(dim)
        self.ffn_in = nn.Linear(dim, config.ffn_dim)
        self.ffn_out = nn.Linear(config.ffn_dim, dim)

    def forward(self, rows: Tensor, texts: Ragged, is_token: Tensor | None) -> Tensor:
        """Map rows [N, D] of tokens to rows [N, D].

        ``is_token`` [B, 1, 1, S] says where they lie, unless there is no padding.
        """
        qkv = self.attention.qkv(self.attention_norm(rows))
        parts = split_heads(texts.unpack(qkv), 3, self.config.num_heads)
        p = self.config.attention_dropout if self.training else 0.0
        values = F.scaled_dot_product_attention(*parts, attn_mask=is_token, dropout_p=p)
        values = texts.pack(join_heads(values))
        rows = rows + self._dropped(self.attention.output(values), self.config.dropout)
        hidden = self.activation(self.ffn_in(self.ffn_norm(rows)))
        hidden = self._dropped(hidden, self.config.activation_dropout)
        return rows + self._dropped(self.ffn_out(hidden), self.config.dropout)

    def _dropped(self, rows: Tensor, p: float) -> Tensor:
        return dropout(rows, p, training=self.training)
