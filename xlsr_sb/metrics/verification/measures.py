"""EER, detection costs and Cllr."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from xlsr_sb.metrics.verification.costs import COST, DetectionCost
from xlsr_sb.metrics.verification.curve import ErrorCurve
from xlsr_sb.metrics.verification.scores import TrialScores


@dataclass(frozen=True)
class OperatingPoint:
    """A value, and the threshold and rates that belong to it.

    Parameters
    ----------
    value : float
    threshold : float
        Trials with at least this score are accepted.
    miss_rate, false_alarm_rate : float
        At the threshold.
    """

    value: float
    threshold: float
    miss_rate: float
    false_alarm_rate: float


def equal_error_rate(curve: ErrorCurve) -> OperatingPoint:
    """Rate at which misses and false alarms are as frequent.

    Straight lines join the points of neighbouring thresholds, and the EER is where they
    meet the diagonal. Between different scores one rate only moves, so that nothing is
    made up; equal scores of both kinds make a slanted line, as if each of them were
    decided by a coin. The mean of both rates at the nearest threshold, as others have
    it, is no further off than half of what sets these rates apart; the EER of the
    convex hull is never higher, and lower where the curve is bent inwards.

    Parameters
    ----------
    curve : ErrorCurve

    Returns
    -------
    OperatingPoint
        The threshold is the one of the two beside the crossing where the rates differ
        less; the lower one if they differ equally.

    Example
    -------
    >>> from xlsr_sb.metrics.verification import TrialScores, error_curve
    >>> trials = TrialScores.of_classes([0.3, 0.8, 0.9, 0.95], [0.1, 0.2, 0.4, 0.5])
    >>> equal_error_rate(error_curve(trials)).value
    0.25
    """
    # In whole numbers, so that equal rates are seen as such.
    scaled = curve.misses * curve.num_nontargets
    above = int(np.argmax(scaled >= curve.false_alarms * curve.num_targets))
    places = np.array([above - 1, above])
    misses, false_alarms = curve.miss_rates[places], curve.false_alarm_rates[places]
    before, behind = np.abs(false_alarms - misses)
    value = misses[0] + before / (before + behind) * (misses[1] - misses[0])
    nearer = int(behind < before)
    return OperatingPoint(
        value=float(value),
        threshold=float(curve.thresholds[places[nearer]]),
        miss_rate=float(misses[nearer]),
        false_alarm_rate=float(false_alarms[nearer]),
    )


def min_dcf(curve: ErrorCurve, cost: DetectionCost = COST) -> OperatingPoint:
    """Lowest normalised detection cost that any threshold reaches; at most 1.

    Parameters
    ----------
    curve : ErrorCurve
    cost : DetectionCost

    Returns
    -------
    OperatingPoint
        Of equally good thresholds the lowest.

    Example
    -------
    >>> from xlsr_sb.metrics.verification import TrialScores, error_curve
    >>> trials = TrialScores.of_classes([0.3, 0.8, 0.9, 0.95], [0.1, 0.2, 0.4, 0.5])
    >>> best = min_dcf(error_curve(trials), DetectionCost(0.01))
    >>> best.value, best.threshold
    (0.25, 0.8)
    """
    values = cost.normalised(curve.miss_rates, curve.false_alarm_rates)
    best = int(np.argmin(values))
    return OperatingPoint(
        value=float(values[best]),
        threshold=float(curve.thresholds[best]),
        miss_rate=float(curve.misses[best] / curve.num_targets),
        false_alarm_rate=float(curve.false_alarms[best] / curve.num_nontargets),
    )


def actual_dcf(trials: TrialScores, cost: DetectionCost = COST) -> OperatingPoint:
    """Normalised detection cost of deciding at the Bayes threshold.

    Parameters
    ----------
    trials : TrialScores
        Calibrated: natural log-likelihood ratios. Others can cost far more than 1.
    cost : DetectionCost

    Returns
    -------
    OperatingPoint

    Example
    -------
    >>> trials = TrialScores.of_classes([6.0, 3.0], [-4.0, 1.0])
    >>> actual_dcf(trials, DetectionCost(0.01)).value
    0.5
    """
    threshold = cost.bayes_threshold
    miss_rate = float(np.mean(trials.targets < threshold))
    false_alarm_rate = float(np.mean(trials.nontargets >= threshold))
    value = float(cost.normalised(miss_rate, false_alarm_rate))
    return OperatingPoint(value, threshold, miss_rate, false_alarm_rate)


def cllr(trials: TrialScores) -> float:
    """Cost of log-likelihood ratios, in bits, over all costs and priors.

    0 is perfect; 1 is what saying nothing (0 for every trial) costs; scores that are
    wrong and sure of it cost without bound (Brümmer and du Preez, 2006).

    Parameters
    ----------
    trials : TrialScores
        Calibrated: natural log-likelihood ratios.

    Example
    -------
    >>> cllr(TrialScores.of_classes([0.0, 0.0], [0.0]))
    1.0
    """
    misses = np.logaddexp(0, -trials.targets).mean()
    false_alarms = np.logaddexp(0, trials.nontargets).mean()
    return float((misses + false_alarms) / (2 * np.log(2)))


def min_cllr(curve: ErrorCurve) -> float:
    """Cllr of the best rising function of the scores: what calibration cannot mend.

    The function is found by pooling adjacent violators.

    Parameters
    ----------
    curve : ErrorCurve

    Example
    -------
    >>> from xlsr_sb.metrics.verification import TrialScores, error_curve
    >>> trials = TrialScores.of_classes([-1.0, 1.0, 3.0], [-2.0, 0.0])
    >>> round(min_cllr(error_curve(trials)), 4)
    0.4046
    """
    targets, nontargets = np.diff(curve.misses), -np.diff(curve.false_alarms)
    counted = targets + nontargets > 0
    targets, nontargets = targets[counted], nontargets[counted]
    number = targets + nontargets
    pools = isotonic_regression(targets / number, weights=number).blocks[:-1]
    shares = np.add.reduceat(targets, pools) / curve.num_targets
    others = np.add.reduceat(nontargets, pools) / curve.num_nontargets
    mixed = (shares > 0) & (others > 0)  # a pool of one kind costs nothing
    shares, others = shares[mixed], others[mixed]
    bits = shares * np.log2(1 + others / shares) + others * np.log2(1 + shares / others)
    return float(bits.sum() / 2)
