"""From hypotheses of the pieces of a recording to its text and its words."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.data.text.normalising import IDEOGRAPHS
from xlsr_sb.decoders.hypothesis import Hypothesis, Word
from xlsr_sb.transcription.transcript import SpokenWord

# What is written without spaces is a word each.
IDEOGRAPH_OR_REST = re.compile(f"[{IDEOGRAPHS}]|[^{IDEOGRAPHS}]+")


@dataclass(frozen=True)
class Piece:
    """What was read in some frames.

    Parameters
    ----------
    text : str
    tokens : tuple of int, optional
        What spells the text; None where a lexicon does.
    words : tuple of Word
        Frames are counted from the beginning of the recording.
    """

    text: str
    tokens: tuple[int, ...] | None
    words: tuple[Word, ...]

    @classmethod
    def of(cls, best: Hypothesis, *, first_frame: int) -> "Piece":
        """Piece of a hypothesis of the frames from ``first_frame`` on.

        Example
        -------
        >>> import torch
        >>> from xlsr_sb.decoders.greedy import GreedyDecoder
        >>> decoder = GreedyDecoder(Vocabulary.of(["ab"]))
        >>> log_probs = torch.eye(5)[torch.tensor([[3, 2, 4, 4, 0]])].log()
        >>> [[best]] = decoder.decode(log_probs, num_frames=torch.tensor([5]))
        >>> [word.start for word in Piece.of(best, first_frame=100).words]
        [100, 102]
        """
        words = tuple(
            replace(word, start=word.start + first_frame, end=word.end + first_frame)
            for whole in best.words
            for word in _parted(whole, best)
        )
        return cls(best.text, best.tokens if best.texts is None else None, words)


def text_of(pieces: Iterable[Piece], vocabulary: Vocabulary | PeerVocabulary) -> str:
    """Text of neighbouring pieces: that of their tokens, as if they were never cut.

    Example
    -------
    >>> pieces = [Piece("a", (3,), ()), Piece("b a", (4, 2, 3), ())]
    >>> text_of(pieces, Vocabulary.of(["ab"]))
    'ab a'
    """
    pieces = list(pieces)
    if any(piece.tokens is None for piece in pieces):
        return " ".join(piece.text for piece in pieces if piece.text)
    return vocabulary.decode(
        token for piece in pieces for token in piece.tokens
    ).strip()


def spoken(
    words: Iterable[Word], seconds_of: Callable[[int], float]
) -> tuple[SpokenWord, ...]:
    """Words with seconds for frames.

    Example
    -------
    >>> spoken([Word("a", 15, 16, 0.5)], lambda frames: frames / 50)
    (SpokenWord(text='a', start=0.3, end=0.32, confidence=0.5),)
    """
    return tuple(
        SpokenWord(
            word.text, seconds_of(word.start), seconds_of(word.end), word.confidence
        )
        for word in words
    )


def _parted(word: Word, best: Hypothesis) -> Iterator[Word]:
    """Word itself; of a script without spaces each character."""
    parts = IDEOGRAPH_OR_REST.findall(word.text)
    if len(parts) == 1 or best.texts is not None:
        yield word
        return
    tokens = [
        one
        for one in replace(best.alignment, space=None).segments()
        if word.start <= one.start < word.end and best.vocabulary.decode(one.tokens)
    ]
    shown = [best.vocabulary.decode(one.tokens) for one in tokens]
    if shown != list(word.text):  # a token may write several characters, or none
        yield word
        return
    for part in parts:
        mine, tokens = tokens[: len(part)], tokens[len(part) :]
        confidence = 1.0
        for one in mine:
            confidence *= one.confidence ** (1 / len(mine))
        yield Word(part, mine[0].start, mine[-1].end, confidence)
