"""How far BLEU or chrF could be off by the choice of the test sentences.

As for error rates: the draws are of speakers where they are known, else of sentences,
and each draw is scored from the summed counts (Koehn, EMNLP 2004).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xlsr_sb.metrics.bootstrap import (
    DRAWS,
    Interval,
    drawn_sums,
    drawn_units,
    limits_of,
)
from xlsr_sb.metrics.translation import TranslationCounts
from xlsr_sb.metrics.translation_formulas import FORMULAS


@dataclass(frozen=True)
class Gain:
    """Score of another system minus ours, on the same sentences.

    Parameters
    ----------
    value : float
        Above 0 where the other is better.
    low, high : float
        Where it lies in 95 % of the draws.
    improvement : float
        Share of the draws in which the other system is better; 0 where both are the
        same.
    drawn : str
        ``speakers`` or ``utterances``.
    """

    value: float
    low: float
    high: float
    improvement: float
    drawn: str


def translation_interval(
    counts: TranslationCounts,
    *,
    speakers: Sequence[str] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval | None:
    """Interval of the score of a set of sentences.

    Parameters
    ----------
    counts : TranslationCounts
    speakers : sequence of str, optional
        Of each sentence; empty where unknown. They are drawn if all are known and
        they are ten or more, else sentences are.
    draws : int
    seed : int
        The same counts in any order give the same interval.

    Returns
    -------
    Interval or None
        None where there is nothing to choose: fewer than two sentences.

    Example
    -------
    >>> from xlsr_sb.metrics import count_translations
    >>> references = ["le chat dort ici", "le chien dort là"] * 50
    >>> counts = count_translations("BLEU", references, ["le chat dort ici"] * 100)
    >>> interval = translation_interval(counts)
    >>> interval.low < counts.score().value < interval.high
    True
    """
    columns, drawn = drawn_units(counts.table, speakers)
    if len(columns) < 2:
        return None
    scores = _drawn_scores(columns, [counts], draws, seed)[0]
    return Interval(*limits_of(scores), drawn)


def translation_gain(
    ours: TranslationCounts,
    other: TranslationCounts,
    *,
    speakers: Sequence[str] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Gain:
    """Compare two systems on draws of the same sentences.

    That is sharper than to compare their intervals: what is hard for both cancels out.

    Parameters
    ----------
    ours, other : TranslationCounts
        Of the same references in the same order, by one metric.
    speakers, draws, seed
        As of ``translation_interval``.

    Returns
    -------
    Gain

    Example
    -------
    >>> from xlsr_sb.metrics import count_translations
    >>> references = ["le chat dort ici", "le chien dort là"] * 50
    >>> ours = count_translations("chrF", references, ["le chat dort ici"] * 100)
    >>> other = count_translations("chrF", references, references)
    >>> gain = translation_gain(ours, other)
    >>> gain.value > 0, gain.low > 0, gain.improvement
    (True, True, 1.0)
    """
    same = ours.signature == other.signature and ours.metric == other.metric
    if not same or not np.array_equal(ours.references, other.references):
        raise ValueError(
            f"{len(ours)} counts of {ours.metric} ({ours.signature}) and {len(other)} "
            f"of {other.metric} ({other.signature}) are not of the same references in "
            "the same order, by one metric"
        )
    value = other.score().value - ours.score().value
    columns, drawn = drawn_units(np.hstack([ours.table, other.table]), speakers)
    first, second = _drawn_scores(columns, [ours, other], draws, seed)
    better = float((second > first).mean())
    return Gain(value, *limits_of(second - first), better, drawn)


def _drawn_scores(
    columns: np.ndarray, systems: Sequence[TranslationCounts], draws: int, seed: int
) -> list[np.ndarray]:
    """Scores of each system, whose counts stand side by side, in each draw."""
    sums = np.concatenate(list(drawn_sums(columns, draws, seed)))
    parts = np.split(sums, len(systems), axis=1)
    return [
        FORMULAS[one.metric](part) for one, part in zip(systems, parts, strict=True)
    ]
