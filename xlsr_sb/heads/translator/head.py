"""The whole head: features to the logits of a text in another language."""

import torch
from torch import Tensor, nn

from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator.adaptor import LengthAdaptor, Memory
from xlsr_sb.heads.translator.config import TranslatorConfig
from xlsr_sb.heads.translator.decoder import TextDecoder
from xlsr_sb.heads.translator.incremental import DecoderState


class TranslationHead(nn.Module):
    """Length adaptor and text decoder, as XLS-R has them for speech translation.

    It is also what the beam search steps through: ``start``, ``step``, ``reorder`` and
    ``keep``.

    Parameters
    ----------
    encoder_dim : int
        Width of the features.
    config : TranslatorConfig

    Raises
    ------
    InputError
        If the adaptor is as wide as neither the encoder nor the decoder.

    Example
    -------
    >>> head = TranslationHead(384, TranslatorConfig.preset("small")).eval()
    >>> features, num_frames = torch.randn(2, 49, 384), torch.tensor([49, 20])
    >>> tokens, num_tokens = torch.full((2, 5), 2), torch.tensor([5, 3])
    >>> hidden = head(features, num_frames, tokens, num_tokens)
    >>> hidden.shape, head.logits(hidden).shape
    (torch.Size([2, 5, 256]), torch.Size([2, 5, 4000]))
    >>> memory, num_memory = head.adapt(features, num_frames)
    >>> state = head.start(memory, num_memory, beam_size=3, max_tokens=5)
    >>> head.step(torch.full((6,), 2), state).shape
    torch.Size([6, 4000])
    """

    def __init__(self, encoder_dim: int, config: TranslatorConfig):
        super().__init__()
        width = config.memory_dim
        if width not in (encoder_dim, config.dim):
            raise InputError(
                f"translation head: adaptor_dim is {width}; it must be the encoder's "
                f"width {encoder_dim} or the decoder's {config.dim}"
            )
        self.config = config
        self.adaptor = LengthAdaptor(
            encoder_dim,
            width,
            num_layers=config.adaptor_layers,
            stride=config.adaptor_stride,
            layerdrop=config.adaptor_layerdrop,
        )
        self.memory_projection = None
        if width != config.dim:
            self.memory_projection = nn.Linear(width, config.dim)
        self.decoder = TextDecoder(config)

    @property
    def output_weight(self) -> nn.Parameter:
        """Weight [V, D] that makes logits of hidden states; there is no bias."""
        return self.decoder.output_weight

    def seed_layerdrop(self, seed: int) -> None:
        """Fix which layers are dropped next; give all ranks the same seed."""
        self.adaptor.layerdrop.seed(seed)
        self.decoder.layerdrop.seed(seed)

    def adapt(self, features: Tensor, num_frames: Tensor) -> Memory:
        """What the decoder reads of features [B, F, D], ``num_frames`` [B] real."""
        adapted = self.adaptor(features, num_frames)
        if self.memory_projection is None:
            return adapted
        return adapted._replace(memory=self.memory_projection(adapted.memory))

    def forward(
        self, features: Tensor, num_frames: Tensor, tokens: Tensor, num_tokens: Tensor
    ) -> Tensor:
        """Hidden states of texts that are given (teacher forcing).

        Parameters
        ----------
        features : Tensor [B, F, D]
            What stands behind an utterance's own frames is not read.
        num_frames : LongTensor [B]
        tokens : LongTensor [B, U]
            From the start token on, without the last one.
        num_tokens : LongTensor [B]
            On the host, a GPU need not be waited for.

        Returns
        -------
        Tensor [B, U, D]
            For ``logits``, or for a loss that multiplies by ``output_weight`` piece by
            piece; zeros behind each text.
        """
        return self.decoder(self.adapt(features, num_frames), tokens, num_tokens)

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits [..., V] of hidden states [..., D], in fp32."""
        return self.decoder.logits(hidden)

    def start(
        self, memory: Tensor, num_memory: Tensor, *, beam_size: int, max_tokens: int
    ) -> DecoderState:
        """State before the first token of each of B * beam_size rows.

        Parameters
        ----------
        memory : Tensor [B, M, D]
            Of ``adapt``.
        num_memory : LongTensor [B]
        beam_size : int
            Rows of an utterance; they lie side by side.
        max_tokens : int
            Most steps that will be taken.

        Raises
        ------
        InputError
            If the decoder has not so many positions.
        """
        self.decoder.check_length(max_tokens)
        return DecoderState(
            self.decoder,
            Memory(memory, num_memory),
            beam_size=beam_size,
            max_tokens=max_tokens,
        )

    def step(self, tokens: Tensor, state: DecoderState) -> Tensor:
        """Logits of the token that comes behind the last one of each row.

        Parameters
        ----------
        tokens : LongTensor [R]
            The last token of each row.
        state : DecoderState
            Comes one position further.

        Returns
        -------
        Tensor [R, V], float32
        """
        position = torch.full_like(tokens, state.position)
        state.begin_step()
        decoder = state.decoder
        return decoder.logits(decoder.run(decoder.embed(tokens, position), state))

    def reorder(self, state: DecoderState, rows: Tensor) -> None:
        """Let row ``i`` go on from row ``rows[i]``, which is of the same utterance."""
        state.reorder(rows)

    def keep(self, state: DecoderState, utterances: Tensor) -> None:
        """Leave all utterances out of a state but these, counted among its own."""
        state.keep(utterances)
