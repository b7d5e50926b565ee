"""From recordings to translations: pieces of all of them, in batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor

from xlsr_sb.data.streaming import stream_audio
from xlsr_sb.decoders.autoregressive.settings import SearchSettings
from xlsr_sb.errors import InputError
from xlsr_sb.export import Translator
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.transcription.batches import Computed, in_batches
from xlsr_sb.transcription.quiet import MIN_SECONDS, quiet_pieces
from xlsr_sb.transcription.recordings import Recording, shown
from xlsr_sb.transcription.sounds import sound_of
from xlsr_sb.transcription.transcript import TimedText
from xlsr_sb.transcription.translated import Translated

BLOCK = 10 * SAMPLE_RATE  # samples of a waveform that are looked at together
Outcome = tuple[Recording, Translated | InputError]


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
        for recording, computed in in_batches(
            recordings,
            self._pieces,
            lambda some: self.translator.translate(some, to=self.to),
        ):
            if isinstance(computed, InputError):
                yield recording, computed
            else:
                yield recording, self._translated(computed)

    def _pieces(self, recording: Recording) -> Iterator[Tensor]:
        """Waveforms that are translated alone."""
        sound = sound_of(
            recording,
            whole_seconds=self.piece_seconds,
            num_needed=self.translator.model.encoder.config.receptive_field,
        )
        blocks = stream_audio(sound) if isinstance(sound, str) else sound.split(BLOCK)
        yield from quiet_pieces(blocks, longest=int(self.piece_seconds * SAMPLE_RATE))

    def _translated(self, computed: Computed) -> Translated:
        """Translations of all pieces of a recording, with their times."""
        pieces, reached = [], 0
        for text, length in zip(computed.outputs, computed.lengths, strict=True):
            start, reached = reached, reached + length
            pieces.append(TimedText(text, start / SAMPLE_RATE, reached / SAMPLE_RATE))
        recording = computed.recording
        return Translated.of(
            tuple(pieces),
            name=recording.name,
            audio=shown(recording.path),
            language=self.to,
        )
