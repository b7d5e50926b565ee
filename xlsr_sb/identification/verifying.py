"""From recordings to embeddings of voices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from xlsr_sb.data.streaming import stream_audio
from xlsr_sb.errors import InputError
from xlsr_sb.export import UtteranceClassifier
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.transcription import Recording
from xlsr_sb.transcription.batches import in_batches
from xlsr_sb.transcription.quiet import quiet_pieces
from xlsr_sb.transcription.recordings import shown
from xlsr_sb.transcription.sounds import sound_of

PIECE_SECONDS = 30.0
BLOCK = 10 * SAMPLE_RATE  # samples of a waveform that are looked at together


@dataclass(frozen=True)
class Verifying:
    """How embeddings are made: of recordings as a whole, of long ones by pieces.

    Parameters
    ----------
    classifier : UtteranceClassifier
    piece_seconds : float
        Longer recordings are cut where they are quietest; the directions of the pieces
        are added up, each as it is long.

    Example
    -------
    >>> import soundfile
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> from xlsr_sb.heads.embedder import build_head
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> head = build_head(384, 1, 2, embedding_dim=8)
    >>> way = Verifying(UtteranceClassifier(encoder, head, ("ann", "bob"), "speaker"))
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, np.random.randn(40_000) / 9, 16_000)
    >>> [(recording, embedding)] = way.embeddings([Recording(path, "a", path)])
    >>> embedding.shape, round(float(np.linalg.norm(embedding)), 4)
    ((8,), 1.0)
    """

    classifier: UtteranceClassifier
    piece_seconds: float = PIECE_SECONDS

    def embeddings(
        self, recordings: Iterable[Recording]
    ) -> Iterator[tuple[Recording, np.ndarray | InputError]]:
        """Embedding [E] of length 1 of each recording, or why there is none.

        Parameters
        ----------
        recordings : iterable of Recording

        Yields
        ------
        tuple of Recording and ndarray or InputError
        """
        for recording, computed in in_batches(
            recordings, self._pieces, lambda some: self.classifier.embed(some).cpu()
        ):
            if isinstance(computed, InputError):
                yield recording, computed
                continue
            directions = normalize(torch.stack(computed.outputs).double(), dim=-1)
            lengths = torch.tensor(computed.lengths, dtype=torch.float64)
            yield recording, normalize(lengths @ directions, dim=0).numpy()

    def _pieces(self, recording: Recording) -> Iterator[Tensor]:
        """Pieces with sound, one at least."""
        sound = sound_of(
            recording,
            whole_seconds=self.piece_seconds,
            num_needed=self.classifier.encoder.config.receptive_field,
        )
        blocks = stream_audio(sound) if isinstance(sound, str) else sound.split(BLOCK)
        is_silent = True
        longest = int(self.piece_seconds * SAMPLE_RATE)
        for piece in quiet_pieces(blocks, longest=longest):
            if (piece != piece[0]).any():
                is_silent = False
                yield piece
        if is_silent:
            raise InputError(
                f"{shown(recording.path)} is silent; there is no voice to compare"
            )
