"""mBART's noise: words of a text hidden in spans, its sentences in another order.

Nothing here knows subwords: words are what stands between spaces.
"""

import math
import re
from dataclasses import dataclass

import numpy as np

from xlsr_sb.errors import InputError

SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
STREAM = 100  # of random numbers, apart from those that order the texts


@dataclass(frozen=True)
class TextNoise:
    """What is done to a text that is to be restored (Liu et al. 2020).

    Parameters
    ----------
    mask_share : float
        Share of the words that are hidden, rounded up; mBART's is 0.35.
    mean_span : float
        Words of a span in the mean, by Poisson; mBART's is 3.5. A span of no word is a
        mask between two words.

    Raises
    ------
    InputError
        If one of them is out of its range.

    Example
    -------
    >>> noise = TextNoise()
    >>> text = "Press one. Press two to hear it again. Goodbye."
    >>> noise(text, noise.random(1, epoch=0, place=4))
    ['Goodbye.', None, 'to', 'hear', 'it', 'again.']
    """

    mask_share: float = 0.35
    mean_span: float = 3.5

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 <= self.mask_share <= 1:
            raise InputError(
                f"noise of texts: mask_share is {self.mask_share}; it must be from 0 "
                "to 1"
            )
        if not 1 <= self.mean_span < math.inf:
            raise InputError(
                f"noise of texts: mean_span is {self.mean_span}; it must be a number "
                "from 1 on"
            )

    @staticmethod
    def random(seed: int, *, epoch: int, place: int) -> np.random.Generator:
        """Random numbers of a text: of the seed, the epoch and the place in it."""
        return np.random.default_rng((STREAM, seed, epoch, place))

    def __call__(self, text: str, random: np.random.Generator) -> list[str | None]:
        """Words that are left, in their new order, and None for each mask.

        Parameters
        ----------
        text : str
        random : Generator
        """
        sentences = SENTENCE_END.split(text.strip())
        order = random.permutation(len(sentences))
        words = [word for index in order for word in sentences[index].split()]
        num_hidden = math.ceil(self.mask_share * len(words))
        spans = span_lengths(num_hidden, mean=self.mean_span, random=random)
        return _with_spans(words, spans, random)


def span_lengths(
    num_words: int, *, mean: float, random: np.random.Generator
) -> list[int]:
    """Lengths of spans that hide so many words together.

    Each is drawn by Poisson; the last one is cut, and none comes behind it.

    Example
    -------
    >>> span_lengths(9, mean=3.5, random=np.random.default_rng(0))
    [2, 0, 7]
    """
    spans: list[int] = []
    left = num_words
    while left > 0:
        spans.append(min(left, int(random.poisson(mean))))
        left -= spans[-1]
    return spans


def _with_spans(
    words: list[str], spans: list[int], random: np.random.Generator
) -> list[str | None]:
    """Words with spans of them replaced by None; every way to lay them is as likely."""
    num_places = len(words) - sum(spans) + len(spans)
    starts = random.choice(num_places, size=len(spans), replace=False)
    order = dict(zip(sorted(starts.tolist()), random.permutation(spans), strict=True))
    rest, parts = iter(words), []
    for place in range(num_places):
        if place in order:
            parts.append(None)
            for _ in range(order[place]):
                next(rest)
        else:
            parts.append(next(rest))
    return parts
