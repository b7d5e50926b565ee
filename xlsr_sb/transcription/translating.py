"""From recordings to translations: pieces of all of them, in batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from torch import Tensor

from xlsr_sb.data.streaming import stream_audio
from xlsr_sb.decoders.autoregressive.settings import SearchSettings
from xlsr_sb.errors import InputError
from xlsr_sb.export import Translator
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.transcription.quiet import MIN_SECONDS, quiet_pieces
from xlsr_sb.transcription.recordings import Recording, shown
from xlsr_sb.transcription.sounds import sound_of
from xlsr_sb.transcription.transcript import TimedText
from xlsr_sb.transcription.translated import Translated

SECONDS_PER_BATCH = 60.0  # of speech
BLOCK = 10 * SAMPLE_RATE  # samples of a waveform that are looked at together
Outcome = tuple[Recording, Translated | InputError]


@dataclass
class _Heard:
    """A recording, its pieces so far, and whether it was read to its end."""

    recording: Recording
    pieces: list[TimedText] = field(default_factory=list)
    samples: int = 0
    is_read: bool = False

    def place(self, num_samples: int) -> tuple[float, float]:
        """Begin and end of the next piece, in seconds."""
        start = self.samples / SAMPLE_RATE
        self.samples += num_samples
        return start, self.samples / SAMPLE_RATE


@dataclass(frozen=True)
class Translating:
    """How recordings are translated: as a whole, or in pieces cut where it is quiet.

    Parameters
    ----------
    translator : Translator
    to : str
        Language that is written.
    piece_seconds : float
        Longer recordings are cut.

    Raises
    ------
    InputError
        If an option cannot be used.

    Example
    -------
    >>> import numpy, soundfile
    >>> from xlsr_sb import XLSR, SpeechTranslator, XLSRConfig
    >>> from xlsr_sb.data.subwords import train_tokeniser
    >>> from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
    >>> tokeniser = train_tokeniser(["yes", "no"], num_pieces=9, languages=["en"])
    >>> sizes = {"num_layers": 1, "vocab_size": tokeniser.vocab_size}
    >>> head = TranslationHead(384, TranslatorConfig.preset("small", **sizes))
    >>> model = SpeechTranslator(XLSR(XLSRConfig.preset("tiny", num_layers=1)), head)
    >>> search = {"beam_size": 1, "max_tokens": 4}
    >>> targets = tokeniser.target_ids(["en"])
    >>> translator = Translator(model, tokeniser, targets, search)
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, numpy.random.randn(40_000) / 9, 16_000)
    >>> way = Translating(translator, "en", piece_seconds=2.0)
    >>> [(recording, found)] = way.transcripts([Recording(path, "a", path)])
    >>> found.seconds, len(found.pieces)
    (2.5, 2)
    """

    translator: Translator
    to: str
    piece_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what cannot be done, before hours are spent."""
        if not self.piece_seconds >= MIN_SECONDS:
            raise InputError(
                f"piece-seconds must be at least {MIN_SECONDS}, got "
                f"{self.piece_seconds}"
            )
        self.translator.language(self.to)
        settings = SearchSettings(**self.translator.search)
        most = self.translator.model.head.config.max_positions
        if not 2 <= settings.max_tokens <= most:
            raise InputError(
                f"max_tokens is {settings.max_tokens}; for this model it must be in "
                f"2 to {most}"
            )

    def transcripts(self, recordings: Iterable[Recording]) -> Iterator[Outcome]:
        """Translation of each recording, or why there is none.

        Parameters
        ----------
        recordings : iterable of Recording

        Yields
        ------
        tuple of Recording and Translated or InputError
            Translations in the order of the recordings; errors as soon as known.
        """
        batch: list[tuple[_Heard, Tensor]] = []
        queue: list[_Heard] = []  # that are not yielded yet
        seconds = 0.0
        for recording in recordings:
            heard = _Heard(recording)
            queue.append(heard)
            try:
                for piece in self._pieces(recording):
                    duration = len(piece) / SAMPLE_RATE
                    if batch and seconds + duration > SECONDS_PER_BATCH:
                        self._translate(batch)
                        batch, seconds = [], 0.0
                        yield from self._finished(queue)
                    batch.append((heard, piece))
                    seconds += duration
            except InputError as error:
                queue.remove(heard)
                batch = [one for one in batch if one[0] is not heard]
                seconds = sum(len(piece) for _, piece in batch) / SAMPLE_RATE
                yield recording, error
                continue
            heard.is_read = True
        self._translate(batch)
        yield from self._finished(queue)

    def _pieces(self, recording: Recording) -> Iterator[Tensor]:
        """Waveforms that are translated alone."""
        sound = sound_of(
            recording,
            whole_seconds=self.piece_seconds,
            num_needed=self.translator.model.encoder.config.receptive_field,
        )
        blocks = stream_audio(sound) if isinstance(sound, str) else sound.split(BLOCK)
        yield from quiet_pieces(blocks, longest=int(self.piece_seconds * SAMPLE_RATE))

    def _translate(self, batch: list[tuple[_Heard, Tensor]]) -> None:
        """Give each recording the translations of its pieces."""
        waveforms = [piece for _, piece in batch]
        texts = self.translator.translate(waveforms, to=self.to)
        for (heard, waveform), text in zip(batch, texts, strict=True):
            heard.pieces.append(TimedText(text, *heard.place(len(waveform))))

    def _finished(self, queue: list[_Heard]) -> Iterator[Outcome]:
        """Recordings that were read to their end; no piece may wait in a batch."""
        while queue and queue[0].is_read:
            heard = queue.pop(0)
            recording = heard.recording
            yield (
                recording,
                Translated.of(
                    tuple(heard.pieces),
                    name=recording.name,
                    audio=shown(recording.path),
                    language=self.to,
                ),
            )
