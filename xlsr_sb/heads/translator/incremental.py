"""Decoding token by token, with what came before in a cache.

Beams of an utterance share one cache. When hypotheses change places, nothing in it is
moved: each row keeps a table of the places whose tokens are its own.

    place        0   1   2 | 3   4   5 | 6   7   8      three beams, three positions
    beam 0       x   .   . | .   x   . | x   .   .      x: a token of its hypothesis
    beam 1       x   .   . | x   .   . | .   x   .
    beam 2       .   .   x | .   x   . | .   .   x

Attention goes from the beams of an utterance to all its places under this mask. That is
a little more to multiply, and a cache that is as large as the model is not copied for
every token. Memory has one row an utterance, for all its beams.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from xlsr_sb.heads.translator.adaptor import Memory
from xlsr_sb.heads.translator.attention import join_heads, split_heads
from xlsr_sb.heads.translator.decoder import TextDecoder
from xlsr_sb.heads.translator.layers import DecoderLayer
from xlsr_sb.lengths import mask_of


class DecoderState:
    """Context of the layers in decoding: caches, and how far it has come.

    Parameters
    ----------
    decoder : TextDecoder
    memory : Memory
    beam_size : int
        Rows of each utterance, which lie side by side.
    max_tokens : int
        Most steps that will be taken.

    Attributes
    ----------
    decoder : TextDecoder
        With the same weights, in the form that is fastest for few rows.
    keys, values : Tensor [layers, B, H, max_tokens * beam_size, d]
        Of the tokens so far.
    memory_keys, memory_values : Tensor [layers, B, H, M, d]
    is_frame : BoolTensor [B, M]
        Frames of the memory that are real.
    is_own : BoolTensor [B, beam_size, max_tokens * beam_size]
        Places whose tokens belong to a beam's hypothesis.
    position : int
        Tokens that each row has been given.
    """

    def __init__(
        self, decoder: TextDecoder, memory: Memory, *, beam_size: int, max_tokens: int
    ):
        self.decoder = decoder.for_decoding()
        config, weight = decoder.config, decoder.embedding_norm.weight
        states, counts = memory
        states = states.to(weight.dtype)
        batch, places = len(states), max_tokens * beam_size
        shape = batch, config.num_heads, places, config.dim // config.num_heads
        self.position, self.max_tokens = 0, max_tokens
        self.keys = states.new_empty(config.num_layers, *shape)
        self.values = torch.empty_like(self.keys)
        pairs = [
            split_heads(layer.cross_attention.kv(states), 2, config.num_heads)
            for layer in decoder.layers
        ]
        self.memory_keys = torch.stack([key for key, _ in pairs])
        self.memory_values = torch.stack([value for _, value in pairs])
        self.is_frame = mask_of(counts.to(states.device), states.shape[1])
        self.is_own = states.new_zeros(batch, beam_size, places, dtype=torch.bool)
        self._own_bias = self._frame_bias = None
        self._set_frame_bias()

    @property
    def beam_size(self) -> int:
        """Rows of an utterance."""
        return self.is_own.shape[1]

    @property
    def num_places(self) -> int:
        """Places in the cache that are filled."""
        return self.position * self.beam_size

    def begin_step(self) -> None:
        """Take a place for the next token of each row.

        Raises
        ------
        IndexError
            If there is none left.
        """
        if self.position == self.max_tokens:
            raise IndexError(f"the cache has room for {self.max_tokens} tokens a row")
        first, self.position = self.num_places, self.position + 1
        beams = torch.eye(self.beam_size, dtype=torch.bool, device=self.is_own.device)
        self.is_own[:, :, first : self.num_places] = beams
        if self.beam_size > 1:
            mask = self.is_own[:, None, :, : self.num_places]
            self._own_bias = self._bias(mask)

    def attend_tokens(self, layer: DecoderLayer, qkv: Tensor) -> Tensor:
        """Values [R, D] of the tokens so far; those of ``qkv`` [R, 3 D] join them."""
        query, key, value = split_heads(self._by_utterance(qkv), 3, layer.num_heads)
        keys, values = self.keys[layer.index], self.values[layer.index]
        places = slice(self.num_places - self.beam_size, self.num_places)
        keys[:, :, places], values[:, :, places] = key, value
        keys, values = keys[:, :, : places.stop], values[:, :, : places.stop]
        return _attended(query, keys, values, self._own_bias)

    def attend_memory(self, layer: DecoderLayer, query: Tensor) -> Tensor:
        """Values [R, D] of the memory for queries [R, D]."""
        (query,) = split_heads(self._by_utterance(query), 1, layer.num_heads)
        keys, values = self.memory_keys[layer.index], self.memory_values[layer.index]
        return _attended(query, keys, values, self._frame_bias)

    def reorder(self, rows: Tensor) -> None:
        """Let row ``i`` go on from the hypothesis of row ``rows[i]``.

        Parameters
        ----------
        rows : LongTensor [R]
            Each of the same utterance as its new place.
        """
        table = self.is_own.flatten(0, 1)[:, : self.num_places]
        table.copy_(table.index_select(0, rows))

    def keep(self, utterances: Tensor) -> None:
        """Leave out all utterances but these.

        Parameters
        ----------
        utterances : LongTensor [B']
            Counted among those that are left.
        """
        for name in ("keys", "values"):
            old = getattr(self, name)
            shape = list(old.shape)
            shape[1] = len(utterances)
            new, filled = old.new_empty(shape), self.num_places
            new[:, :, :, :filled] = old[:, :, :, :filled].index_select(1, utterances)
            setattr(self, name, new)
        self.is_own = self.is_own.index_select(0, utterances)
        self.is_frame = self.is_frame.index_select(0, utterances)
        for name in ("memory_keys", "memory_values"):
            setattr(self, name, getattr(self, name).index_select(1, utterances))
        self._set_frame_bias()

    def _set_frame_bias(self) -> None:
        # A GPU is not asked whether all frames are real: that would wait for it.
        is_whole = not self.is_frame.is_cuda and bool(self.is_frame.all())
        mask = self.is_frame[:, None, None]
        self._frame_bias = None if is_whole else self._bias(mask)

    def _bias(self, mask: Tensor) -> Tensor:
        """What is added to scores: 0 where the mask is True."""
        return self.keys.new_zeros(mask.shape).masked_fill_(~mask, -torch.inf)

    def _by_utterance(self, rows: Tensor) -> Tensor:
        return rows.unflatten(0, (-1, self.beam_size))


def _attended(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """Values [R, D] for queries [B, H, beams, d]."""
    values = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    return join_heads(values).flatten(0, 1)
