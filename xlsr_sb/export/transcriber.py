"""Waveforms to text."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.greedy import greedy_decode
from xlsr_sb.encoder import XLSR
from xlsr_sb.heads.ctc import CTCHead


@dataclass(frozen=True)
class Transcriber:
    """A trained encoder and head, and the characters they write with.

    Parameters
    ----------
    encoder : XLSR
    head : CTCHead
    vocabulary : Vocabulary

    Example
    -------
    >>> from xlsr_sb import XLSRConfig
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> vocabulary = Vocabulary.of(["oui non"])
    >>> transcriber = Transcriber(encoder, CTCHead(384, len(vocabulary)), vocabulary)
    >>> texts = transcriber.transcribe([torch.randn(16_000), torch.randn(700)])
    >>> len(texts)
    2
    """

    encoder: XLSR
    head: CTCHead
    vocabulary: Vocabulary

    def __post_init__(self) -> None:
        """Leave training mode: nothing is dropped or masked."""
        self.encoder.eval()
        self.head.eval()

    def to(self, device: str | torch.device) -> "Transcriber":
        """Move to a device."""
        self.encoder.to(device)
        self.head.to(device)
        return self

    @torch.no_grad()
    def transcribe(self, waveforms: Sequence[Tensor]) -> list[str]:
        """Text of each waveform; the same alone and in any batch.

        Parameters
        ----------
        waveforms : sequence of Tensor [T]
            Samples at 16 kHz, 400 at least.

        Returns
        -------
        list of str
            Best path through the frames, without spaces at its ends.
        """
        if not waveforms:
            return []
        num_samples = torch.tensor([len(waveform) for waveform in waveforms])
        batch = pad_sequence(list(waveforms), batch_first=True)
        device = self.encoder.mask_embedding.device
        encoded = self.encoder.encode(batch.to(device), num_samples)
        log_probs = self.head(encoded.features)
        tokens = greedy_decode(
            log_probs, num_frames=encoded.num_frames, blank=self.vocabulary.blank
        )
        return [self.vocabulary.decode(ids).strip() for ids in tokens]
