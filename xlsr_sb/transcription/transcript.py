"""What was said in a recording, and when."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TimedText:
    """A text and its place in a recording.

    Parameters
    ----------
    text : str
    start, end : float
        Seconds; ``start`` is less than ``end``.
    """

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class SpokenWord(TimedText):
    """A word that was said.

    Parameters
    ----------
    text, start, end
        See ``TimedText``.
    confidence : float in [0, 1]
        Geometric mean, over its tokens, of each one's probability in the frame where
        it is surest; 0 where nothing of the word is known to the model.
    """

    confidence: float


@dataclass(frozen=True)
class Transcript:
    """Text of a recording and its words, from the first to the last.

    Parameters
    ----------
    name : str
        Of the recording, in what is written of it.
    audio : str
        Where the recording is.
    seconds : float
        Length of the recording.
    text : str
    words : tuple of SpokenWord
        No two of them at the same time.

    Example
    -------
    >>> word = SpokenWord("oui", 0.3, 0.5, 0.9)
    >>> Transcript("a", "a.wav", 1.0, "oui", (word,)).text
    'oui'
    """

    name: str
    audio: str
    seconds: float
    text: str
    words: tuple[SpokenWord, ...]


def follows_space(words: Sequence[TimedText], text: str) -> list[bool]:
    """Whether there is a space before each word of a text.

    Parameters
    ----------
    words : sequence of TimedText
        Of the text, in its order; one that is not found there follows a space.
    text : str

    Example
    -------
    >>> words = [SpokenWord(text, 0, 1, 1) for text in ("你", "好", "hello")]
    >>> follows_space(words, "你好 hello")
    [True, False, True]
    """
    answers, reached = [], None
    for word in words:
        place = text.find(word.text, reached or 0)
        answers.append(place != reached or place < 0)
        if place >= 0:
            reached = place + len(word.text)
    return answers
