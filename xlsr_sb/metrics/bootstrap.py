"""How far an error rate could be off by the choice of the test utterances.

A test set is one draw of utterances, or of speakers, from all there could have been.
The bootstrap draws as many again from it, with replacement, a thousand times, and
looks at how the error rate varies (Bisani and Ney, ICASSP 2004). Errors of one speaker
resemble each other, so speakers are drawn, with all their utterances, where there are
enough of them: utterances drawn one by one would make the interval too narrow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xlsr_sb.metrics.counts import ErrorCounts

DRAWS = 1_000
LEVEL = 0.95
MIN_SPEAKERS = 10  # fewer tell too little of how speakers vary
CHUNK = 1_000_000  # numbers drawn at a time: they stay in the processor's cache
SPEAKERS, UTTERANCES = "speakers", "utterances"


@dataclass(frozen=True)
class Interval:
    """Where an error rate lies in 95 % of the draws.

    Parameters
    ----------
    low, high : float
    drawn : str
        ``speakers`` or ``utterances``.
    """

    low: float
    high: float
    drawn: str


@dataclass(frozen=True)
class Difference:
    """Error rate of another system minus ours, on the same utterances.

    Parameters
    ----------
    value : float
        Below 0 where the other is better.
    low, high : float
        Where it lies in 95 % of the draws.
    improvement : float
        Share of the draws in which the other system is better: Bisani and Ney's
        probability of improvement. 0 where both are the same.
    drawn : str
        ``speakers`` or ``utterances``.
    """

    value: float
    low: float
    high: float
    improvement: float
    drawn: str


def bootstrap_interval(
    counts: ErrorCounts,
    *,
    speakers: Sequence[str] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval | None:
    """Interval of the error rate of a set of utterances.

    Parameters
    ----------
    counts : ErrorCounts
    speakers : sequence of str, optional
        Of each utterance; empty where unknown. They are drawn if all are known and
        they are ten or more, else utterances are.
    draws : int
    seed : int
        The same counts in any order give the same interval.

    Returns
    -------
    Interval or None
        None where there is nothing to choose: fewer than two utterances, or empty
        references only.

    Example
    -------
    >>> from xlsr_sb.metrics import count_errors
    >>> counts = count_errors("WER", ["a b", "c d"] * 50, ["a b", "c x"] * 50)
    >>> interval = bootstrap_interval(counts)
    >>> round(interval.low, 2), round(interval.high, 2), interval.drawn
    (0.2, 0.3, 'utterances')
    """
    columns = np.stack([counts.errors, counts.totals], axis=1)
    columns, drawn = drawn_units(columns, speakers)
    rates = _rates(columns, draws, seed)
    if len(columns) < 2 or not len(rates):
        return None
    return Interval(*limits_of(rates[:, 0]), drawn)


def paired_difference(
    ours: ErrorCounts,
    other: ErrorCounts,
    *,
    speakers: Sequence[str] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Difference:
    """Compare two systems on draws of the same utterances.

    That is sharper than to compare their intervals: what is hard for both cancels out.

    Parameters
    ----------
    ours, other : ErrorCounts
        Of the same references in the same order.
    speakers, draws, seed
        As of ``bootstrap_interval``.

    Returns
    -------
    Difference

    Example
    -------
    >>> from xlsr_sb.metrics import count_errors
    >>> references = ["a b", "c d"] * 50
    >>> ours = count_errors("WER", references, ["a b", "c x"] * 50)
    >>> other = count_errors("WER", references, ["a b", "c d"] * 50)
    >>> difference = paired_difference(ours, other)
    >>> difference.value, difference.improvement
    (-0.25, 1.0)
    """
    if ours.metric != other.metric or not np.array_equal(ours.totals, other.totals):
        raise ValueError(
            f"{len(ours)} {ours.metric} and {len(other)} {other.metric} counts are not "
            "of the same references in the same order"
        )
    columns = np.stack([ours.errors, other.errors, ours.totals], axis=1)
    columns, drawn = drawn_units(columns, speakers)
    rates = _rates(columns, draws, seed)
    if not len(rates):
        raise ValueError(f"{ours.metric}: the references are empty")
    differences = rates[:, 1] - rates[:, 0]
    value = other.score().value - ours.score().value
    better = float((differences < 0).mean())
    return Difference(value, *limits_of(differences), better, drawn)


def drawn_units(
    columns: np.ndarray, speakers: Sequence[str] | None
) -> tuple[np.ndarray, str]:
    """Counts of what is drawn, one row each: of speakers or of utterances.

    Parameters
    ----------
    columns : int array [N, C]
        Counts of each utterance.
    speakers : sequence of str, optional
        Where all are known and enough, they are drawn.

    Returns
    -------
    columns : int array
    drawn : str
        ``speakers`` or ``utterances``.

    Example
    -------
    >>> drawn_units(np.array([[1, 2]]), None)[1]
    'utterances'
    """
    if speakers is None:
        return columns, UTTERANCES
    if len(speakers) != len(columns):
        raise ValueError(f"{len(speakers)} speakers of {len(columns)} utterances")
    names, places = np.unique(list(speakers), return_inverse=True)
    if len(names) < MIN_SPEAKERS or "" in names:
        return columns, UTTERANCES
    sums = np.zeros((len(names), columns.shape[1]), dtype=columns.dtype)
    np.add.at(sums, places, columns)
    return sums, SPEAKERS


def _rates(columns: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Sum of each column over that of the last one, [draws, columns - 1].

    Draws without a unit in the references are left out.
    """
    nothing = np.zeros((0, columns.shape[1]))
    sums = np.concatenate([nothing, *drawn_sums(columns, draws, seed)])
    sums = sums[sums[:, -1] > 0]
    return sums[:, :-1] / sums[:, -1:]


def drawn_sums(columns: np.ndarray, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Sums of the columns over each draw, [draws, C], in pieces.

    Parameters
    ----------
    columns : int array [N, C]
        Of what is drawn.
    draws : int
        Each takes N rows, any row any number of times.
    seed : int

    Example
    -------
    >>> (sums,) = drawn_sums(np.array([[1, 2], [1, 2]]), draws=3, seed=0)
    >>> sums.tolist()
    [[2, 4], [2, 4], [2, 4]]
    """
    # Sorted, so that the order of the utterances changes nothing.
    ordered = columns[np.lexsort(columns.T)].astype(np.int32)
    generator = np.random.default_rng(seed)
    number = len(ordered)
    size = max(1, CHUNK // max(1, number))
    for start in range(0, draws if number else 0, size):
        shape = min(size, draws - start), number
        places = generator.integers(0, number, size=shape, dtype=np.uint32)
        sums = [np.take(one, places).sum(axis=1, dtype=np.int64) for one in ordered.T]
        yield np.stack(sums, axis=1)


def limits_of(values: np.ndarray) -> tuple[float, float]:
    """Ends of the middle 95 % of the values.

    Parameters
    ----------
    values : float array [draws]

    Example
    -------
    >>> [round(end) for end in limits_of(np.arange(201.0))]
    [5, 195]
    """
    rest = 50 * (1 - LEVEL)
    low, high = np.percentile(values, [rest, 100 - rest])
    return float(low), float(high)
