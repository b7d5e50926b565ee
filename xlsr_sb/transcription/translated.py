"""What a recording says in another language, and when."""

from dataclasses import dataclass

from xlsr_sb.transcription.transcript import TimedText

TOGETHER = ("zh", "ja")  # languages without spaces between sentences


@dataclass(frozen=True)
class Translated:
    """Translation of a recording and its pieces, from the first to the last.

    Parameters
    ----------
    name : str
        Of the recording, in what is written of it.
    audio : str
        Where the recording is.
    seconds : float
        Length of the recording.
    language : str
        That is written.
    text : str
    pieces : tuple of TimedText
        What each was translated into; together they are the recording.

    Example
    -------
    >>> pieces = TimedText("yes sir", 0.0, 1.2), TimedText("", 1.2, 2.0)
    >>> found = Translated.of(pieces, name="a", audio="a.wav", language="en")
    >>> found.seconds, found.text
    (2.0, 'yes sir')
    >>> [(word.text, round(word.start, 3), round(word.end, 3)) for word in found.words]
    [('yes', 0.0, 0.6), ('sir', 0.6, 1.2)]
    """

    name: str
    audio: str
    seconds: float
    language: str
    text: str
    pieces: tuple[TimedText, ...]

    @classmethod
    def of(
        cls, pieces: tuple[TimedText, ...], *, name: str, audio: str, language: str
    ) -> "Translated":
        """Translation of neighbouring pieces, one at least."""
        space = "" if language.replace("_", "-").split("-")[0] in TOGETHER else " "
        text = space.join(piece.text for piece in pieces if piece.text)
        return cls(name, audio, pieces[-1].end, language, text, tuple(pieces))

    @property
    def words(self) -> tuple[TimedText, ...]:
        """Words, for subtitles: each has the share of its piece that its letters are.

        When a word of a translation is said nobody can tell.
        """
        found = []
        for piece in self.pieces:
            words = piece.text.split()
            step = (piece.end - piece.start) / max(1, sum(map(len, words)))
            count = 0
            for word in words:
                start = piece.start + step * count
                count += len(word)
                found.append(TimedText(word, start, piece.start + step * count))
        return tuple(found)
