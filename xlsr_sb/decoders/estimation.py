"""N-gram language models from text: interpolated, modified Kneser-Ney smoothing.

The same numbers as KenLM's ``lmplz`` writes, unpruned. All counts are held in memory,
which does for some millions of words; of more text, build with ``lmplz``.

After Chen and Goodman, "An empirical study of smoothing techniques", 1998.
"""

import gzip
import io
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlsr_sb.decoders.language_model import MAX_ORDER, NO_WORDS
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic_binary

logger = logging.getLogger(__name__)
BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
FALLBACK = (0.5, 1.0, 1.5)  # discounts of counts 1, 2, 3+ where a text is too small
Gram = tuple[str, ...]
Counts = dict[Gram, int]


@dataclass(frozen=True)
class NGrams:
    """Probabilities and backoff weights, by order and n-gram.

    Parameters
    ----------
    probabilities : tuple of dict
        Of each n-gram, for the orders from 1 on.
    backoffs : tuple of dict
        What is left for words that never followed an n-gram.

    Example
    -------
    >>> ngrams = NGrams.estimate([["a", "b"], ["b"]], order=2)
    >>> round(sum(ngrams.probabilities[0].values()) - 1.0, 6)  # <s> stands apart
    1.0
    """

    probabilities: tuple[dict[Gram, float], ...]
    backoffs: tuple[dict[Gram, float], ...]

    @classmethod
    def estimate(cls, sentences: Iterable[Sequence[str]], *, order: int) -> "NGrams":
        """Estimate from sentences.

        Parameters
        ----------
        sentences : iterable of sequence of str
            Words, or whatever the model is to be of.
        order : int

        Raises
        ------
        InputError
            If there is nothing to count, or the order is none.
        """
        if not 1 <= order <= MAX_ORDER:
            raise InputError(f"order is {order}; it must be from 1 to {MAX_ORDER}")
        counts = _adjusted(_counted(sentences, order))
        probabilities: list[dict[Gram, float]] = []
        backoffs: list[dict[Gram, float]] = []
        uniform = 1 / (len(counts[0]) + 1)  # over the words, their end and <unk>
        lower = {(): uniform}
        for of_order in counts:
            discounts = _discounts(of_order)
            left = _backoffs(of_order, discounts)
            lower = _interpolated(of_order, discounts, left, lower)
            if not probabilities:
                lower[UNKNOWN,] = left[()] * uniform
            probabilities.append(lower)
            backoffs.append(left)
        probabilities[0][BEGIN,] = 1.0  # by convention
        return cls(tuple(probabilities), tuple(backoffs[1:]))

    def arpa(self) -> str:
        """Text of an ARPA file."""
        text = io.StringIO()
        print("\\data\\", file=text)
        for order, of_order in enumerate(self.probabilities, start=1):
            print(f"ngram {order}={len(of_order)}", file=text)
        for order, of_order in enumerate(self.probabilities, start=1):
            print(f"\n\\{order}-grams:", file=text)
            has_backoffs = order <= len(self.backoffs)
            for gram in sorted(of_order):
                cells = [f"{math.log10(of_order[gram]):.7f}", " ".join(gram)]
                if has_backoffs:
                    backoff = self.backoffs[order - 1].get(gram, 1.0)
                    cells.append(f"{math.log10(backoff):.7f}")
                print(*cells, sep="\t", file=text)
        print("\n\\end\\", file=text)
        return text.getvalue()

    def save(self, path: str | Path) -> None:
        """Write an ARPA file; gzipped, if its name ends in ``.gz``.

        Parameters
        ----------
        path : str or Path
        """
        data = self.arpa().encode()
        with open_atomic_binary(path) as file:
            is_packed = Path(path).suffix == ".gz"
            file.write(gzip.compress(data, mtime=0) if is_packed else data)


def _counted(sentences: Iterable[Sequence[str]], order: int) -> list[Counts]:
    """How often each n-gram comes, for every order, with marks at both ends."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(order)]
    for words in sentences:
        if not NO_WORDS.isdisjoint(words):
            raise InputError(
                f"the text has one of {', '.join(sorted(NO_WORDS))} as a word; these "
                "are marks of the language model: take them out"
            )
        if not words:
            continue
        marked = (BEGIN, *words, END)
        for n, of_order in enumerate(counts, start=1):
            of_order.update(zip(*(marked[i:] for i in range(n)), strict=False))
    if not counts[0]:
        raise InputError("the text has no words; a language model needs some")
    there = sum(map(bool, counts))
    if there < order:
        raise InputError(
            f"order is {order}; the longest sentence has {there - 2} words, with the "
            f"marks at its ends enough for order {there} only"
        )
    return [dict(of_order) for of_order in counts]


def _adjusted(counts: list[Counts]) -> list[Counts]:
    """Counts of the highest order; below, how many words precede an n-gram.

    What begins a sentence is preceded by nothing and keeps its count.
    """
    adjusted = []
    for of_order, above in zip(counts, [*counts[1:], None], strict=True):
        if above is None:
            adjusted.append(of_order)
            continue
        preceded = Counter(gram[1:] for gram in above)
        chosen = {g: n if g[0] == BEGIN else preceded[g] for g, n in of_order.items()}
        adjusted.append(chosen)
    del adjusted[0][BEGIN,]  # is never predicted
    return adjusted


def _discounts(counts: Counts) -> tuple[float, float, float]:
    """What is taken off counts of 1, of 2, and of 3 or more."""
    of_count = Counter(counts.values())
    n = [of_count[count] for count in range(5)]
    if all(n[1:4]):
        y = n[1] / (n[1] + 2 * n[2])
        found = tuple(j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3))
        if all(0 <= one <= j for j, one in enumerate(found, start=1)):
            return found
    order = len(next(iter(counts)))
    logger.warning(
        "the text is too small to estimate discounts of %d-grams; %s are taken",
        order,
        ", ".join(map(str, FALLBACK)),
    )
    return FALLBACK


def _discount(count: int, discounts: tuple[float, float, float]) -> float:
    """What is taken off a count."""
    return discounts[min(count, 3) - 1]


def _totals(counts: Counts) -> dict[Gram, int]:
    """Count of each context: all words but the last of an n-gram."""
    totals: dict[Gram, int] = defaultdict(int)
    for gram, count in counts.items():
        totals[gram[:-1]] += count
    return totals


def _backoffs(
    counts: Counts, discounts: tuple[float, float, float]
) -> dict[Gram, float]:
    """Share of each context that was taken off what followed it."""
    taken: dict[Gram, float] = defaultdict(float)
    for gram, count in counts.items():
        taken[gram[:-1]] += _discount(count, discounts)
    totals = _totals(counts)
    return {context: mass / totals[context] for context, mass in taken.items()}


def _interpolated(
    counts: Counts,
    discounts: tuple[float, float, float],
    backoffs: dict[Gram, float],
    lower: dict[Gram, float],
) -> dict[Gram, float]:
    """Probability of each n-gram's last word after the others."""
    totals = _totals(counts)
    return {
        gram: (count - _discount(count, discounts)) / totals[gram[:-1]]
        + backoffs[gram[:-1]] * lower[gram[1:]]
        for gram, count in counts.items()
    }
