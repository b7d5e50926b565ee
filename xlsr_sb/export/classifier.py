"""A trained classifier of utterances: waveforms to classes and to embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from xlsr_sb.encoder import XLSR
from xlsr_sb.heads.embedder import EmbeddingHead


@dataclass(frozen=True)
class UtteranceClassifier:
    """An encoder and head that tell to which class an utterance belongs.

    Parameters
    ----------
    encoder : XLSR
    head : EmbeddingHead
    labels : tuple of str
        Of the classes in the order of the logits.
    kind : str, optional
        What the classes are, ``language`` or ``speaker``; None where nothing says it.

    Example
    -------
    >>> from xlsr_sb import XLSRConfig
    >>> from xlsr_sb.heads.embedder import build_head
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> head = build_head(384, 1, 2, embedding_dim=8)
    >>> classifier = UtteranceClassifier(encoder, head, ("en", "fr"))
    >>> waveforms = [torch.randn(16_000), torch.randn(700)]
    >>> classifier.embed(waveforms).shape, classifier.logits(waveforms).shape
    (torch.Size([2, 8]), torch.Size([2, 2]))
    """

    encoder: XLSR
    head: EmbeddingHead
    labels: tuple[str, ...]
    kind: str | None = None

    def __post_init__(self) -> None:
        """Leave training mode: nothing is dropped or masked."""
        self.encoder.eval()
        self.head.eval()

    def to(self, device: str | torch.device) -> "UtteranceClassifier":
        """Move to a device."""
        self.encoder.to(device)
        self.head.to(device)
        return self

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.encoder.mask_embedding.device

    @torch.no_grad()
    def embed(self, waveforms: Sequence[Tensor]) -> Tensor:
        """Embeddings of waveforms; the same alone and in any batch.

        Parameters
        ----------
        waveforms : sequence of B Tensor [T], B > 0
            Samples at 16 kHz, 400 at least.

        Returns
        -------
        Tensor [B, E], float32
            Not normalised.
        """
        num_samples = torch.tensor([len(waveform) for waveform in waveforms])
        batch = pad_sequence(list(waveforms), batch_first=True)
        encoded = self.encoder.encode(
            batch.to(self.device), num_samples, all_layers=self.head.needs_layers
        )
        return self.head.embed(
            encoded.features, num_frames=encoded.num_frames, layers=encoded.layers
        )

    @torch.no_grad()
    def logits(self, waveforms: Sequence[Tensor]) -> Tensor:
        """Logits [B, C] of waveforms, as of ``embed``."""
        return self.head.logits(self.embed(waveforms))

    def probabilities(self, waveforms: Sequence[Tensor]) -> Tensor:
        """Probabilities [B, C] of the classes, as of ``embed``; they add up to one."""
        return self.logits(waveforms).softmax(dim=-1)

    def classify(self, waveforms: Sequence[Tensor]) -> list[str]:
        """Label of the likeliest class of each waveform."""
        if not waveforms:
            return []
        best = self.logits(waveforms).argmax(dim=-1)
        return [self.labels[index] for index in best.tolist()]
