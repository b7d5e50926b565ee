"""mBART's decoder: tokens and a memory to hidden states, and those to logits."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from xlsr_sb.data.targets import decoder_inputs
from xlsr_sb.encoder.dropout import dropout
from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator.adaptor import Memory
from xlsr_sb.heads.translator.attention import Ragged, WholeTexts
from xlsr_sb.heads.translator.config import TranslatorConfig
from xlsr_sb.heads.translator.embedding import embedded
from xlsr_sb.heads.translator.layerdrop import LayerDrop
from xlsr_sb.heads.translator.layers import Context, DecoderLayer
from xlsr_sb.heads.translator.onednn import OneDNNLinear, with_onednn
from xlsr_sb.losses import TranslationLoss, label_smoothed_loss

OFFSET = 2  # rows of the table of positions before that of the first token


class TextDecoder(nn.Module):
    """Decoder of mBART (Liu et al. 2020, arXiv 2001.08210).

    Learned positions, a LayerNorm behind the embedding, norms before each part of a
    layer and behind the last one. Random weights are drawn as fairseq draws them.

    Parameters
    ----------
    config : TranslatorConfig

    Example
    -------
    >>> decoder = TextDecoder(TranslatorConfig.preset("small"))
    >>> memory = Memory(torch.randn(2, 9, 256), torch.tensor([9, 4]))
    >>> tokens, num_tokens = torch.full((2, 5), 2), torch.tensor([5, 3])
    >>> decoder(memory, tokens, num_tokens).shape
    torch.Size([2, 5, 256])
    """

    def __init__(self, config: TranslatorConfig):
        super().__init__()
        self.config = config
        self.layerdrop = LayerDrop(config.layerdrop)
        self.scale = math.sqrt(config.dim) if config.scale_embeddings else 1.0
        self.embeddings = nn.Embedding(config.vocab_size, config.dim)
        self.positions = nn.Embedding(config.max_positions + OFFSET, config.dim)
        self.embedding_norm = nn.LayerNorm(config.dim)
        self.layers = nn.ModuleList(
            DecoderLayer(config, index) for index in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(config.dim)
        self.output = None
        if not config.tied_embeddings:
            self.output = nn.Linear(config.dim, config.vocab_size, bias=False)
        self.apply(init_as_fairseq)

    @property
    def output_weight(self) -> nn.Parameter:
        """Weight [V, D] of the output layer, which has no bias."""
        return (self.output or self.embeddings).weight

    def forward(self, memory: Memory, tokens: Tensor, num_tokens: Tensor) -> Tensor:
        """Hidden states of whole texts.

        Parameters
        ----------
        memory : Memory
        tokens : LongTensor [B, U]
            From the start token on; what stands behind a text is not read.
        num_tokens : LongTensor [B]
            On the host, a GPU need not be waited for.

        Returns
        -------
        Tensor [B, U, D]
            Zeros behind each text.

        Raises
        ------
        InputError
            If a text is longer than there are positions.
        """
        texts, positions = self._places(tokens, num_tokens)
        rows = self.embed(texts.pack(tokens), positions)
        return texts.unpack(self.run(rows, WholeTexts(texts, memory)))

    def loss(
        self, memory: Memory, targets: Tensor, num_targets: Tensor, *, smoothing: float
    ) -> TranslationLoss:
        """Loss of whole texts, given the tokens before each of theirs.

        Parameters
        ----------
        memory : Memory
        targets : LongTensor [B, U]
            From the first token behind the start token on.
        num_targets : LongTensor [B]
            On the host, a GPU need not be waited for.
        smoothing : float
            See ``label_smoothed_loss``.

        Returns
        -------
        TranslationLoss
            Summed over the tokens of all texts.

        Raises
        ------
        InputError
            If a text is longer than there are positions.
        """
        texts, positions = self._places(targets, num_targets)
        tokens = texts.pack(decoder_inputs(targets, start=self.config.start))
        if self.output is None:
            rows, matrix = embedded(self.embeddings.weight, tokens)
        else:
            rows, matrix = self.embeddings(tokens), self.output_weight
        rows = self.run(self._placed(rows, positions), WholeTexts(texts, memory))
        return label_smoothed_loss(
            rows, matrix, texts.pack(targets), smoothing=smoothing
        )

    def _places(self, tokens: Tensor, num_tokens: Tensor) -> tuple[Ragged, Tensor]:
        """Where real tokens lie in a batch [B, U]; the position [N] of each."""
        length = tokens.shape[1]
        self.check_length(length)
        texts = Ragged.of(num_tokens.tolist(), length, tokens.device)
        positions = torch.arange(length, device=tokens.device).expand_as(tokens)
        return texts, texts.pack(positions)

    def check_length(self, num_tokens: int) -> None:
        """Raise if so many tokens are too many."""
        if num_tokens > self.config.max_positions:
            raise InputError(
                f"translation head: {num_tokens} tokens are too many for a text; the "
                f"decoder has positions for {self.config.max_positions} (max_positions)"
            )

    def embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Rows [N, D] that enter the first layer, of tokens [N] and their positions."""
        return self._placed(self.embeddings(tokens), positions)

    def _placed(self, rows: Tensor, positions: Tensor) -> Tensor:
        """Rows that enter the first layer, from embeddings alone."""
        rows = rows * self.scale + self.positions(positions + OFFSET)
        rows = self.embedding_norm(rows)
        return dropout(rows, self.config.dropout, training=self.training)

    def run(self, rows: Tensor, context: Context) -> Tensor:
        """Rows [N, D] behind the last norm, from those that enter the first layer."""
        is_saving = self.config.activation_checkpointing and rows.requires_grad
        for layer in self.layers:
            if self.layerdrop.skips(layer):
                continue
            if is_saving:
                rows = checkpoint(layer, rows, context, use_reentrant=False)
            else:
                rows = layer(rows, context)
        return self.norm(rows)

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits [..., V] of hidden states [..., D], in fp32."""
        if self.output is not None:
            return self.output(hidden).float()
        return F.linear(hidden, self.output_weight).float()

    def for_decoding(self) -> "TextDecoder":
        """A twin with the same weights, faster where a product has few rows.

        The decoder itself where there is none, as with gradients or on a GPU.
        """
        twin = with_onednn(self)
        if twin is not self and self.output is None:
            twin.output = OneDNNLinear(self.output_weight)
        return twin


def init_as_fairseq(module: nn.Module) -> None:
    """Draw the weights as fairseq's transformer does."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
