"""How far an EER could be off by the choice of the test speakers.

Two speakers make a trial, so trials of one speaker resemble each other on both sides.
Speakers are drawn with replacement, jointly for both sides: a different-speaker trial
counts once for each pair of a copy of the one and a copy of the other, a same-speaker
trial once for each copy of its speaker. Where fewer than ten speakers are known, trials
are drawn, each kind by itself; that takes them for independent, which they are not, and
the interval is too narrow. It says ``trials`` then.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.metrics.bootstrap import (
    DRAWS,
    MIN_SPEAKERS,
    SPEAKERS,
    Interval,
    limits_of,
)
from xlsr_sb.metrics.verification.curve import ErrorCurve, RankedTrials
from xlsr_sb.metrics.verification.measures import equal_error_rate
from xlsr_sb.metrics.verification.scores import TrialScores

TRIALS = "trials"
Measure = Callable[[ErrorCurve], float]


def eer_of(curve: ErrorCurve) -> float:
    """Equal error rate as a number."""
    return equal_error_rate(curve).value


def verification_interval(
    trials: TrialScores,
    *,
    speakers: tuple[Sequence[str], Sequence[str]] | None = None,
    measure: Measure = eer_of,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval | None:
    """Interval of the EER, or of another measure that is computed from the curve.

    Parameters
    ----------
    trials : TrialScores
    speakers : (sequence of str, sequence of str), optional
        Of the enrolment and of the test of each trial; empty where unknown. They are
        drawn if all are known and they are ten or more, else trials are.
    measure : callable
        From an ``ErrorCurve`` to a number.
    draws, seed : int

    Returns
    -------
    Interval or None
        Where the measure lies in 95 % of the draws; draws without trials of one kind
        are left out. None where there are fewer than two trials of a kind.

    Example
    -------
    >>> draw = np.random.default_rng(0)
    >>> trials = TrialScores.of_classes(draw.normal(2, 1, 500), draw.normal(0, 1, 500))
    >>> interval = verification_interval(trials, draws=200)
    >>> interval.low < 0.16 < interval.high, interval.drawn
    (True, 'trials')
    """
    counts = int(trials.is_target.sum()), int((~trials.is_target).sum())
    if min(counts) < 2:
        return None
    generator = np.random.default_rng(seed)
    pairs = None if speakers is None else _numbered(trials, speakers)
    if pairs is None:
        weights = _drawn_trials(trials.is_target, draws, generator)
    else:
        weights = _drawn_speakers(pairs, trials.is_target, draws, generator)
    ranked = RankedTrials(trials)
    values = []
    for one in weights:
        curve = ranked.curve(one)
        if curve.num_targets and curve.num_nontargets:
            values.append(measure(curve))
    if not values:
        return None
    return Interval(
        *limits_of(np.array(values)), SPEAKERS if pairs is not None else TRIALS
    )


def _numbered(
    trials: TrialScores, speakers: tuple[Sequence[str], Sequence[str]]
) -> np.ndarray | None:
    """Number of both speakers of each trial, [2, N]; None if they cannot be drawn."""
    lengths = [len(side) for side in speakers]
    if lengths != [len(trials)] * 2:
        raise ValueError(f"speakers of {lengths} trials, scores of {len(trials)}")
    names, places = np.unique([*speakers[0], *speakers[1]], return_inverse=True)
    if len(names) < MIN_SPEAKERS or "" in names:
        return None
    pairs = places.reshape(2, -1)
    wrong = np.flatnonzero((pairs[0] == pairs[1]) != trials.is_target)
    if len(wrong):
        first = wrong[0]
        raise InputError(
            f"trial {first + 1} of {speakers[0][first]!r} and "
            f"{speakers[1][first]!r} is labelled {int(trials.is_target[first])}; a "
            "trial of one speaker is 1, of two 0"
        )
    return pairs


def _drawn_speakers(
    pairs: np.ndarray, is_target: np.ndarray, draws: int, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """How often each trial counts in each draw of speakers, [N]."""
    number = pairs.max() + 1
    for _ in range(draws):
        copies = np.bincount(
            generator.integers(0, number, number, dtype=np.int64), minlength=number
        )
        left, right = copies[pairs]
        yield np.where(is_target, left, left * right)


def _drawn_trials(
    is_target: np.ndarray, draws: int, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """How often each trial counts in each draw of trials of both kinds, [N]."""
    kinds = [np.flatnonzero(is_target == kind) for kind in (True, False)]
    for _ in range(draws):
        places = [kind[generator.integers(0, len(kind), len(kind))] for kind in kinds]
        yield np.bincount(np.concatenate(places), minlength=len(is_target))
