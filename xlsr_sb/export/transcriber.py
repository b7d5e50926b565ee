"""Waveforms and recordings to log-probabilities and text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.greedy import GreedyDecoder
from xlsr_sb.decoders.hypothesis import Decoder, Hypothesis
from xlsr_sb.encoder import XLSR
from xlsr_sb.encoder.recordings import stream_recording
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.lengths import SAMPLE_RATE


@dataclass(frozen=True)
class Transcriber:
    """A trained encoder and head, the tokens they write with, and how these are read.

    Parameters
    ----------
    encoder : XLSR
    head : CTCHead
    vocabulary : Vocabulary or PeerVocabulary
    decoder : Decoder, optional
        Of this vocabulary; the best path by default.

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
    vocabulary: Vocabulary | PeerVocabulary
    decoder: Decoder | None = None

    def __post_init__(self) -> None:
        """Leave training mode: nothing is dropped or masked."""
        self.encoder.eval()
        self.head.eval()

    def to(self, device: str | torch.device) -> "Transcriber":
        """Move to a device."""
        self.encoder.to(device)
        self.head.to(device)
        return self

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.encoder.mask_embedding.device

    def seconds_of(self, num_frames: int) -> float:
        """Seconds from the beginning of a frame to that of the one so far behind."""
        return num_frames * self.encoder.config.hop / SAMPLE_RATE

    def transcribe(self, waveforms: Sequence[Tensor]) -> list[str]:
        """Text of each waveform; the same alone and in any batch.

        Parameters
        ----------
        waveforms : sequence of Tensor [T]
            Samples at 16 kHz, 400 at least.

        Returns
        -------
        list of str
            Without spaces at their ends.
        """
        if not waveforms:
            return []
        log_probs, num_frames = self.log_probs(waveforms)
        return [best.text for best in self.read(log_probs, num_frames=num_frames)]

    @torch.no_grad()
    def log_probs(self, waveforms: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the tokens, of whole waveforms.

        Parameters
        ----------
        waveforms : sequence of B Tensor [T], B > 0
            As of ``transcribe``.

        Returns
        -------
        log_probs : Tensor [B, F, V], float32
        num_frames : LongTensor [B]
        """
        num_samples = torch.tensor([len(waveform) for waveform in waveforms])
        batch = pad_sequence(list(waveforms), batch_first=True)
        encoded = self.encoder.encode(batch.to(self.device), num_samples)
        return self.head(encoded.features), encoded.num_frames

    @torch.no_grad()
    def stream_log_probs(
        self, recording: Tensor | str | Path, **options
    ) -> Iterator[Tensor]:
        """Log-probabilities of a recording of any length, from left to right.

        Parameters
        ----------
        recording : Tensor [T], str or Path
            Samples at 16 kHz, or a file, which is never read as a whole.
        **options
            Of ``xlsr_sb.encoder.recordings.stream_recording``.

        Yields
        ------
        Tensor [n, V], float32
            On the host; laid end to end they are of the whole recording.

        Raises
        ------
        InputError
            As of ``stream_recording``.

        Example
        -------
        >>> from xlsr_sb import XLSRConfig
        >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
        >>> transcriber = Transcriber(encoder, CTCHead(384, 5), Vocabulary.of(["ab"]))
        >>> blocks = transcriber.stream_log_probs(torch.randn(80_000), chunk_seconds=2)
        >>> [block.shape for block in blocks]
        [torch.Size([100, 5]), torch.Size([100, 5]), torch.Size([49, 5])]
        """
        for chunk in stream_recording(self.encoder, recording, **options):
            yield self.head(chunk.features.to(self.device)).cpu()

    def read(self, log_probs: Tensor, *, num_frames: Tensor) -> list[Hypothesis]:
        """Best hypothesis of each utterance.

        Parameters
        ----------
        log_probs : Tensor [B, F, V]
        num_frames : LongTensor [B]

        Returns
        -------
        list of Hypothesis
        """
        found = self._decoder.decode(log_probs, num_frames=num_frames)
        return [hypotheses[0] for hypotheses in found]

    @cached_property
    def _decoder(self) -> Decoder:
        """The decoder, or the best path."""
        return self.decoder or GreedyDecoder(self.vocabulary)
