"""From recordings to transcripts: short ones in batches, long ones piece by piece."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from xlsr_sb.data.audio import probe_audio
from xlsr_sb.decoders.hypothesis import Word, space_of
from xlsr_sb.encoder.recordings import Plan
from xlsr_sb.errors import InputError
from xlsr_sb.export import Transcriber
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.transcription.alignment import GivenText
from xlsr_sb.transcription.pauses import pieces
from xlsr_sb.transcription.reading import Piece, spoken, text_of
from xlsr_sb.transcription.recordings import Recording, shown
from xlsr_sb.transcription.sounds import sound_of
from xlsr_sb.transcription.transcript import Transcript

SECONDS_PER_BATCH = 60.0  # of speech; a longer recording has a batch of its own
PIECE_SECONDS = 30.0  # of a long recording, for a decoder at once
Outcome = tuple[Recording, Transcript | InputError]


@dataclass(frozen=True)
class Transcription:
    """How recordings are transcribed, or given texts are found in them.

    Parameters
    ----------
    transcriber : Transcriber
    context : str
        What attention sees of a recording that is longer than a chunk: ``chunk`` or
        ``recording``, as of ``xlsr_sb.encoder.recordings.stream_recording``.
    chunk_seconds : float
        Recordings that are no longer are computed at once, in batches.
    overlap_seconds : float
        What attention sees on each side of a chunk; only for the context ``chunk``.

    Raises
    ------
    InputError
        If an option cannot be used.

    Example
    -------
    >>> import numpy, soundfile
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> from xlsr_sb.data.text import Vocabulary
    >>> from xlsr_sb.heads.ctc import CTCHead
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, numpy.random.randn(80_000) / 9, 16_000)
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> transcriber = Transcriber(encoder, CTCHead(384, 5), Vocabulary.of(["ab"]))
    >>> recordings = [Recording(path, "a", path)]
    >>> for chunk_seconds in (30, 2):
    ...     way = Transcription(transcriber, chunk_seconds=chunk_seconds)
    ...     [(recording, transcript)] = way.transcripts(recordings)
    ...     print(recording.name, transcript.seconds)
    a 5.0
    a 5.0
    """

    transcriber: Transcriber
    context: str = "chunk"
    chunk_seconds: float = 30.0
    overlap_seconds: float = 5.0

    def __post_init__(self) -> None:
        """Refuse what cannot be done, before hours are spent."""
        Plan.of(self.transcriber.encoder, up_to_layer=None, **self._options())

    def transcripts(self, recordings: Iterable[Recording]) -> Iterator[Outcome]:
        """Transcript of each recording, or why there is none.

        Parameters
        ----------
        recordings : iterable of Recording

        Yields
        ------
        tuple of Recording and Transcript or InputError
            Transcripts in the order of the recordings; errors as soon as known.
        """
        batch: list[tuple[Recording, Tensor]] = []
        seconds = 0.0
        for recording in recordings:
            try:
                sound = self._sound(recording)
            except InputError as error:
                yield recording, error
                continue
            duration = self._duration(sound)
            if batch and (duration is None or seconds + duration > SECONDS_PER_BATCH):
                yield from self._of_batch(batch)
                batch, seconds = [], 0.0
            if duration is None:
                yield recording, self._of_long(recording, sound)
            else:
                batch.append((recording, sound))
                seconds += duration
        if batch:
            yield from self._of_batch(batch)

    def _options(self) -> dict:
        """Those of ``stream_recording``."""
        return {
            "context": self.context,
            "chunk_seconds": self.chunk_seconds,
            "overlap_seconds": self.overlap_seconds,
        }

    def _sound(self, recording: Recording) -> Tensor | str:
        """Waveform; of a long file its path."""
        return sound_of(
            recording,
            whole_seconds=self.chunk_seconds,
            num_needed=self.transcriber.encoder.config.receptive_field,
        )

    def _duration(self, sound: Tensor | str) -> float | None:
        """Seconds of a waveform; None for what is too long for a batch."""
        seconds = None if isinstance(sound, str) else len(sound) / SAMPLE_RATE
        return None if seconds is None or seconds > self.chunk_seconds else seconds

    def _of_batch(self, batch: Sequence[tuple[Recording, Tensor]]) -> Iterator[Outcome]:
        """Outcomes of recordings that are computed together."""
        log_probs, counts = self.transcriber.log_probs([sound for _, sound in batch])
        if any(recording.text is None for recording, _ in batch):
            best = self.transcriber.read(log_probs, num_frames=counts)
        for place, (recording, sound) in enumerate(batch):
            seconds = len(sound) / SAMPLE_RATE
            if recording.text is None:
                piece = Piece.of(best[place], first_frame=0)
                yield recording, self._joined(recording, [piece], seconds)
            else:
                rows = log_probs[place, : counts[place]]
                yield recording, self._aligned(recording, rows, seconds)

    def _of_long(
        self, recording: Recording, sound: Tensor | str
    ) -> Transcript | InputError:
        """Transcript of a recording that is computed chunk after chunk."""
        blocks = self.transcriber.stream_log_probs(sound, **self._options())
        try:
            if recording.text is not None:
                self._check_size(recording, sound)
                rows = torch.cat(list(blocks))
                seconds = self._seconds(sound, len(rows))
                return self._aligned(recording, rows, seconds)
            found = list(self._pieces(blocks))
        except InputError as error:
            return error
        num_frames = sum(count for _, count in found)
        seconds = self._seconds(sound, num_frames)
        return self._joined(recording, [piece for piece, _ in found], seconds)

    def _pieces(self, blocks: Iterable[Tensor]) -> Iterator[tuple[Piece, int]]:
        """What is read of a long recording, and from how many frames."""
        vocabulary = self.transcriber.vocabulary
        longest = round(PIECE_SECONDS / self.transcriber.seconds_of(1))
        first = 0
        for rows in pieces(
            blocks,
            longest=longest,
            blank=vocabulary.blank,
            space=space_of(vocabulary),
        ):
            count = torch.tensor([len(rows)])
            [best] = self.transcriber.read(rows[None], num_frames=count)
            yield Piece.of(best, first_frame=first), len(rows)
            first += len(rows)

    def _seconds(self, sound: Tensor | str, num_frames: int) -> float:
        """Seconds of a long recording: those of its header, if its frames fit them."""
        config = self.transcriber.encoder.config
        if not isinstance(sound, str):
            return len(sound) / SAMPLE_RATE
        shortest = (num_frames - 1) * config.hop + config.receptive_field
        promised = probe_audio(sound).duration * SAMPLE_RATE
        return min(max(promised, shortest), shortest + config.hop - 1) / SAMPLE_RATE

    def _joined(
        self, recording: Recording, found: Sequence[Piece], seconds: float
    ) -> Transcript:
        """Transcript of neighbouring pieces."""
        text = text_of(found, self.transcriber.vocabulary)
        words = [word for piece in found for word in piece.words]
        return self._transcript(recording, text, words, seconds)

    def _check_size(self, recording: Recording, sound: Tensor | str) -> None:
        """Raise if a known text cannot be aligned, before anything is computed."""
        is_file = isinstance(sound, str)
        seconds = probe_audio(sound).duration if is_file else len(sound) / SAMPLE_RATE
        given = GivenText.of(recording.text, self.transcriber.vocabulary)
        try:
            given.check_size(round(seconds / self.transcriber.seconds_of(1)))
        except InputError as error:
            raise InputError(f"{recording.shown}: {error}") from error

    def _aligned(
        self, recording: Recording, rows: Tensor, seconds: float
    ) -> Transcript | InputError:
        """Transcript of a text that is known."""
        given = GivenText.of(recording.text, self.transcriber.vocabulary)
        try:
            words = given.align(rows)
        except InputError as error:
            return InputError(f"{recording.shown}: {error}")
        text = " ".join(recording.text.split())
        return self._transcript(recording, text, words, seconds)

    def _transcript(
        self, recording: Recording, text: str, words: Iterable[Word], seconds: float
    ) -> Transcript:
        """Transcript with seconds for frames."""
        return Transcript(
            recording.name,
            shown(recording.path),
            seconds,
            text,
            spoken(words, self.transcriber.seconds_of),
        )
