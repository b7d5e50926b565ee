"""Mean of the error rates of classes, however many utterances each has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from xlsr_sb.metrics.bootstrap import (
    CHUNK,
    DRAWS,
    SPEAKERS,
    Interval,
    drawn_units,
    limits_of,
)
from xlsr_sb.metrics.classification import ERROR
from xlsr_sb.metrics.counts import ErrorCounts

MACRO = f"macro {ERROR}"


@dataclass(frozen=True, slots=True)
class ClassMean:
    """Mean of the error rates of classes, each counting as much.

    Parameters
    ----------
    value : float
    total : int
        Classes with utterances.
    name : str

    Example
    -------
    >>> ClassMean(0.25, total=2).name
    'macro ERR'
    """

    value: float
    total: int
    name: str = MACRO

    @property
    def errors(self) -> None:
        """None: a mean of rates is no count."""


def macro_error(
    counts: ErrorCounts,
    references: Sequence[str],
    *,
    speakers: Sequence[str] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[ClassMean, Interval | None]:
    """Mean over classes of their error rates, and its interval.

    Parameters
    ----------
    counts : ErrorCounts
        Of at least one utterance.
    references : sequence of str
        True class of each utterance.
    speakers, draws, seed
        As of ``bootstrap_interval``. Classes that a draw misses are left out of its
        mean.

    Returns
    -------
    ClassMean, Interval or None

    Example
    -------
    >>> from xlsr_sb.metrics.classification import count_answers
    >>> counts = count_answers(["fr", "fr", "it"], ["fr", "it", "it"])
    >>> macro_error(counts, ["fr", "fr", "it"])[0].value
    0.25
    """
    classes, places = np.unique(list(references), return_inverse=True)
    # Sorted, so that the order of the utterances changes nothing.
    order = np.lexsort((counts.errors, places))
    units, drawn = np.arange(len(counts)), drawn_units(counts.table, speakers)[1]
    if drawn == SPEAKERS:
        units = np.unique(list(speakers), return_inverse=True)[1][order]
    shape = units.max() + 1, len(classes)
    errors, totals = (
        csr_array((one[order].astype(np.float64), (units, places[order])), shape)
        for one in (counts.errors, counts.totals)
    )
    everyone = np.ones((1, shape[0]))
    value = float(_means(everyone @ errors, everyone @ totals)[0])
    mean = ClassMean(value, len(classes))
    if shape[0] < 2:
        return mean, None
    weights = _drawn_weights(shape[0], draws, seed)
    means = [_means(one @ errors, one @ totals) for one in weights]
    return mean, Interval(*limits_of(np.concatenate(means)), drawn)


def _means(errors: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Mean rate over the classes with utterances, [S], of counts [S, C]."""
    rates = errors / np.maximum(totals, 1)
    return rates.sum(axis=1) / (totals > 0).sum(axis=1)


def _drawn_weights(number: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """How often each unit is in each draw, [draws, number], in pieces."""
    generator, size = np.random.default_rng(seed), max(1, CHUNK // number)
    for start in range(0, draws, size):
        some = min(size, draws - start)
        places = generator.integers(0, number, (some, number))
        places += number * np.arange(some)[:, None]
        weights = np.bincount(places.ravel(), minlength=some * number)
        yield weights.reshape(some, number).astype(np.float64)
