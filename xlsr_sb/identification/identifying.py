"""From recordings to classes: windows of all of them, in batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xlsr_sb.data.streaming import stream_audio
from xlsr_sb.errors import InputError
from xlsr_sb.export import UtteranceClassifier
from xlsr_sb.identification.answer import Answer, Guess
from xlsr_sb.identification.timeline import STEPS, Timeline
from xlsr_sb.identification.windows import Windows
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.transcription import Recording
from xlsr_sb.transcription.batches import Computed, in_batches
from xlsr_sb.transcription.quiet import STEP
from xlsr_sb.transcription.recordings import shown
from xlsr_sb.transcription.sounds import sound_of

BLOCK = 10 * SAMPLE_RATE  # samples of a waveform that are looked at together
LONG_SECONDS = 60.0  # a recording above has a time line, if nothing else is asked for
MIN_SECONDS = 1.0  # of a window and a hop
Outcome = tuple[Recording, Answer | InputError]


@dataclass(frozen=True)
class Identifying:
    """How the class of recordings is told: by windows, all of a recording together.

    Parameters
    ----------
    classifier : UtteranceClassifier
    top : int
        Classes of each recording that are told.
    window_seconds : float
        Longer recordings are looked at in windows.
    hop_seconds : float
        From one window to the next; as finely a time line is resolved.
    timeline : bool, optional
        Whether recordings have a time line; by default those above a minute.

    Raises
    ------
    InputError
        If an option cannot be used.

    Example
    -------
    >>> import soundfile
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> from xlsr_sb.heads.embedder import build_head
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> head = build_head(384, 1, 2, embedding_dim=8)
    >>> classifier = UtteranceClassifier(encoder, head, ("en", "fr"), "language")
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, np.random.randn(40_000) / 9, 16_000)
    >>> way = Identifying(classifier, window_seconds=1, hop_seconds=1, timeline=True)
    >>> [(recording, answer)] = way.answers([Recording(path, "a", path)])
    >>> answer.seconds, len(answer.best), answer.timeline[-1].end
    (2.5, 2, 2.5)
    """

    classifier: UtteranceClassifier
    top: int = 3
    window_seconds: float = 10.0
    hop_seconds: float = 5.0
    timeline: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done, before hours are spent."""
        if self.top < 1:
            raise InputError(f"top must be at least 1, got {self.top}")
        if not MIN_SECONDS <= self.hop_seconds <= self.window_seconds:
            raise InputError(
                f"hop-seconds must be from {MIN_SECONDS} to window-seconds, got a hop "
                f"of {self.hop_seconds} and a window of {self.window_seconds}"
            )

    def answers(self, recordings: Iterable[Recording]) -> Iterator[Outcome]:
        """Classes of each recording, or why there are none.

        Parameters
        ----------
        recordings : iterable of Recording

        Yields
        ------
        tuple of Recording and Answer or InputError
            Answers in the order of the recordings; errors as soon as known.
        """
        for recording, computed in in_batches(
            recordings,
            self._windows,
            lambda some: self.classifier.probabilities(some).cpu(),
        ):
            if isinstance(computed, InputError):
                yield recording, computed
            else:
                yield recording, self._answer(computed)

    def _windows(self, recording: Recording) -> Windows:
        """Windows of a recording."""
        sound: Tensor | str = sound_of(
            recording,
            whole_seconds=self.window_seconds,
            num_needed=self.classifier.encoder.config.receptive_field,
        )
        return Windows(
            stream_audio(sound) if isinstance(sound, str) else sound.split(BLOCK),
            length=STEP * self._steps(self.window_seconds),
            hop=STEP * self._steps(self.hop_seconds),
            source=shown(recording.path),
        )

    def _answer(self, computed: Computed[Windows, Tensor]) -> Answer:
        """What the windows of a recording say together."""
        windows, recording = computed.pieces, computed.recording
        timeline = Timeline(
            windows.energies,
            np.array(windows.starts) // STEP,
            -(-np.array(windows.stops) // STEP),
            torch.stack(computed.outputs).double().numpy(),
        )
        seconds = windows.num_samples / SAMPLE_RATE
        wanted = self.timeline
        if wanted is None:
            wanted = seconds > LONG_SECONDS
        labels, overall = self.classifier.labels, timeline.overall
        order = np.argsort(-overall, kind="stable")[: self.top]
        best = [Guess(labels[i], round(float(overall[i]), 4)) for i in order]
        hop = self._steps(self.hop_seconds)
        return Answer(
            recording.name,
            shown(recording.path),
            seconds,
            self.classifier.kind,
            tuple(best),
            timeline.stretches(list(labels), hop=hop) if wanted else (),
        )

    @staticmethod
    def _steps(seconds: float) -> int:
        """Hundredths of a second."""
        return round(seconds * STEPS)
