"""What every decoder returns: texts, their scores, and the frames of their words."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from torch import Tensor

from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.data.text import Vocabulary

SPACE = " "  # the token between words, in our own vocabularies
BOUNDARIES = ("|", Vocabulary.SPACE)  # between words in language models and lexicons


class Decoder(Protocol):
    """Anything that makes texts of a CTC head's outputs."""

    def decode(
        self, log_probs: Tensor, *, num_frames: Tensor
    ) -> list[list["Hypothesis"]]:
        """Texts of each utterance, the best first.

        Parameters
        ----------
        log_probs : Tensor [B, F, V]
        num_frames : LongTensor [B]
            Real frames of each utterance.

        Returns
        -------
        list of list of Hypothesis
            For each utterance one at least; of no text, if it has no frames.
        """
        ...


@dataclass(frozen=True)
class Word:
    """A word and its frames; a symbol, where there are no words.

    Parameters
    ----------
    text : str
    start, end : int
        Its first frame, and the one after its last.
    confidence : float in [0, 1]
        Geometric mean, over its tokens, of each one's probability in the frame where
        it is surest.
    """

    text: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True)
class Segment:
    """Tokens between two spaces.

    Parameters
    ----------
    tokens : tuple of int
    start, end : int
        Their first frame, and the one after their last.
    confidence : float
    """

    tokens: tuple[int, ...]
    start: int
    end: int
    confidence: float


@dataclass(frozen=True)
class Alignment:
    """The token of each frame on the likeliest path to a hypothesis.

    Parameters
    ----------
    path : int array [F]
    log_probs : float array [F]
        Of these tokens, each in its frame.
    blank : int
    space : int, optional
        Token between words; without it every token stands for itself.

    Example
    -------
    >>> path, log_probs = np.array([3, 3, 0, 4, 2, 4]), np.log([0.5, 1, 1, 1, 1, 0.5])
    >>> alignment = Alignment(path, log_probs, blank=0, space=2)
    >>> alignment.tokens()
    [3, 4, 2, 4]
    >>> [(one.tokens, one.start, one.end) for one in alignment.segments()]
    [((3, 4), 0, 4), ((4,), 5, 6)]
    """

    path: np.ndarray
    log_probs: np.ndarray
    blank: int
    space: int | None

    def tokens(self) -> list[int]:
        """Tokens of the path: repeats merged, then blanks removed."""
        merged = self.path[self._starts()]
        return merged[merged != self.blank].tolist()

    def segments(self) -> Iterator[Segment]:
        """What stands between spaces; where there is no space, each token."""
        runs: list[tuple[int, int, int, float]] = []
        for run in self._runs():
            if run[0] != self.space:
                runs.append(run)
            if runs and (run[0] == self.space or self.space is None):
                yield _joined(runs)
                runs = []
        if runs:
            yield _joined(runs)

    def _starts(self) -> np.ndarray:
        """Frames whose token is not that of the frame before."""
        changes = np.flatnonzero(self.path[1:] != self.path[:-1]) + 1
        return np.concatenate(([0], changes)) if len(self.path) else changes

    def _runs(self) -> Iterator[tuple[int, int, int, float]]:
        """Each run of a token: which, its frames as of a word, best log-probability."""
        starts = self._starts()
        if not len(starts):
            return
        ends = np.append(starts[1:], len(self.path))
        best = np.maximum.reduceat(self.log_probs, starts)
        columns = (self.path[starts], starts, ends, best)
        for run in zip(*(column.tolist() for column in columns), strict=True):
            if run[0] != self.blank:
                yield run


def _joined(runs: list[tuple[int, int, int, float]]) -> Segment:
    """Segment of some runs."""
    tokens, starts, ends, best = zip(*runs, strict=True)
    confidence = min(1.0, math.exp(sum(best) / len(best)))
    return Segment(tokens, starts[0], ends[-1], confidence)


@dataclass(frozen=True)
class Hypothesis:
    """One reading of an utterance.

    Parameters
    ----------
    text : str
        Without spaces at its ends.
    tokens : tuple of int
        Their ids, without blanks; spaces at the ends are there.
    score : float
        What the decoder orders hypotheses by: natural logarithm of the probability,
        plus what a language model adds.
    alignment : Alignment
    vocabulary : Vocabulary or PeerVocabulary
    texts : tuple of str, optional
        Of its words, where they are not what their tokens spell.

    Example
    -------
    >>> alignment = Alignment(np.array([3, 3, 2, 4]), np.zeros(4), blank=0, space=2)
    >>> best = Hypothesis.of(alignment, Vocabulary.of(["ab"]), score=-0.5)
    >>> best.text, best.tokens, best.score
    ('a b', (3, 2, 4), -0.5)
    >>> best.words[1]
    Word(text='b', start=3, end=4, confidence=1.0)
    """

    text: str
    tokens: tuple[int, ...]
    score: float
    alignment: Alignment = field(repr=False, compare=False)
    vocabulary: Vocabulary | PeerVocabulary = field(repr=False, compare=False)
    texts: tuple[str, ...] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls, alignment: Alignment, vocabulary: Vocabulary, *, score: float
    ) -> "Hypothesis":
        """Hypothesis that reads what the path says."""
        tokens = alignment.tokens()
        text = vocabulary.decode(tokens).strip()
        return cls(text, tuple(tokens), score, alignment, vocabulary)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """Its words with their frames; those that write nothing are left out."""
        segments = list(self.alignment.segments())
        texts = self.texts
        if texts is None:
            texts = [self.vocabulary.decode(one.tokens).strip() for one in segments]
        return tuple(
            Word(text, one.start, one.end, one.confidence)
            for text, one in zip(texts, segments, strict=True)
            if text
        )


def space_of(vocabulary: Vocabulary | PeerVocabulary) -> int | None:
    """Id of the token between words; None where tokens are symbols.

    Example
    -------
    >>> space_of(Vocabulary.of(["oui non"])), space_of(Vocabulary(("<blank>", "<unk>")))
    (2, None)
    """
    space = vocabulary.space if isinstance(vocabulary, PeerVocabulary) else SPACE
    return vocabulary.tokens.index(space) if space in vocabulary.tokens else None
