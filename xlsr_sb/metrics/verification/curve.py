"""Misses and false alarms at every threshold, from one sort of the scores."""

from dataclasses import dataclass

import numpy as np

from xlsr_sb.metrics.verification.scores import TrialScores

STEP = 0.02  # of log odds: less than a line's width in a picture


@dataclass(frozen=True, eq=False)
class ErrorCurve:
    """Errors at each threshold; a trial is accepted if its score is at least that.

    Equal scores are accepted or refused together: they make one step.

    Parameters
    ----------
    thresholds : ndarray [K + 1], float
        Each different score, rising, then infinity: all accepted to none.
    misses : ndarray [K + 1], int
        Same-speaker trials that are refused.
    false_alarms : ndarray [K + 1], int
        Different-speaker trials that are accepted.

    Example
    -------
    >>> curve = error_curve(TrialScores.of_classes([0.5, 0.9], [0.1, 0.5]))
    >>> curve.thresholds.tolist(), curve.misses.tolist(), curve.false_alarms.tolist()
    ([0.1, 0.5, 0.9, inf], [0, 0, 1, 2], [2, 1, 0, 0])
    """

    thresholds: np.ndarray
    misses: np.ndarray
    false_alarms: np.ndarray

    @property
    def num_targets(self) -> int:
        """Same-speaker trials."""
        return int(self.misses[-1])

    @property
    def num_nontargets(self) -> int:
        """Different-speaker trials."""
        return int(self.false_alarms[0])

    @property
    def miss_rates(self) -> np.ndarray:
        """Share of the same-speaker trials that are refused, [K + 1]."""
        return self.misses / self.num_targets

    @property
    def false_alarm_rates(self) -> np.ndarray:
        """Share of the different-speaker trials that are accepted, [K + 1]."""
        return self.false_alarms / self.num_nontargets

    def thinned(self, step: float = STEP) -> "ErrorCurve":
        """As many points as a picture shows: thousands at most, however many trials.

        Parameters
        ----------
        step : float
            Points of which neither rate moved that far in log odds are left out. The
            first and the last stay.

        Example
        -------
        >>> scores = np.arange(200_000.0)
        >>> curve = error_curve(TrialScores(scores, scores % 2 == 0))
        >>> len(curve.misses), len(curve.thinned().misses) < 4_000
        (200001, True)
        """
        keep = np.zeros(len(self.misses), dtype=bool)
        for counts in (self.misses, self.false_alarms):
            total = counts.max()
            inside = np.clip(counts, 0.5, total - 0.5)  # 0 and all have no log odds
            cells = np.floor(np.log(inside / (total - inside)) / step)
            keep[1:] |= cells[1:] != cells[:-1]
        keep[[0, -1]] = True
        return ErrorCurve(
            self.thresholds[keep], self.misses[keep], self.false_alarms[keep]
        )


class RankedTrials:
    """Trials in the order of their scores; sorted once for any number of curves.

    Parameters
    ----------
    trials : TrialScores

    Example
    -------
    >>> ranked = RankedTrials(TrialScores.of_classes([0.5, 0.9], [0.1]))
    >>> ranked.curve(np.array([3, 1, 1])).misses.tolist()
    [0, 0, 3, 4]
    """

    def __init__(self, trials: TrialScores):
        self.order = np.argsort(trials.scores)
        ordered = trials.scores[self.order]
        self.is_target = trials.is_target[self.order]
        # Place of the last trial of each different score.
        self.last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        self.thresholds = np.append(ordered[self.last], np.inf)

    def curve(self, weights: np.ndarray | None = None) -> ErrorCurve:
        """Errors at each threshold.

        Parameters
        ----------
        weights : ndarray [N], int, optional
            How often each trial counts, in the order of ``trials``; once by default.

        Returns
        -------
        ErrorCurve
        """
        counts = 1 if weights is None else weights[self.order]
        refused = [
            np.append(0, np.cumsum(counts * kind, dtype=np.int64)[self.last])
            for kind in (self.is_target, ~self.is_target)
        ]
        return ErrorCurve(self.thresholds, refused[0], refused[1][-1] - refused[1])


def error_curve(trials: TrialScores) -> ErrorCurve:
    """Misses and false alarms at every threshold, O(N log N).

    Parameters
    ----------
    trials : TrialScores

    Returns
    -------
    ErrorCurve

    Example
    -------
    >>> error_curve(TrialScores([1.0, 0.0], [True, False])).misses.tolist()
    [0, 0, 1]
    """
    return RankedTrials(trials).curve()
