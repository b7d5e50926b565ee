"""Scores made log-likelihood ratios by a straight line."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic, read_lines
from xlsr_sb.metrics.verification.scores import TrialScores

STEPS = 100  # of Newton's method, which needs about ten
SMALLEST = 2.0**-40  # share of a step below which nothing is gained


@dataclass(frozen=True)
class LinearCalibration:
    """Turns scores into natural log-likelihood ratios: ``scale * score + offset``.

    Parameters
    ----------
    scale, offset : float

    Example
    -------
    >>> calibration = LinearCalibration(scale=2.0, offset=-1.0)
    >>> calibration(np.array([0.5, 1.0])).tolist()
    [0.0, 1.0]
    >>> path = getfixture("tmp_path") / "calibration.json"
    >>> calibration.save(path)
    >>> LinearCalibration.load(path) == calibration
    True
    """

    scale: float
    offset: float

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Log-likelihood ratios of scores of any shape."""
        return self.scale * np.asarray(scores, dtype=np.float64) + self.offset

    def trials(self, trials: TrialScores) -> TrialScores:
        """The same trials with log-likelihood ratios for scores."""
        return TrialScores(self(trials.scores), trials.is_target)

    def save(self, path: str | Path) -> None:
        """Write both numbers as JSON, whole or not at all."""
        with open_atomic(path) as file:
            file.write(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> "LinearCalibration":
        """Read what ``save`` wrote; an InputError tells what is wrong with a file."""
        wanted = 'a calibration is {"scale": 1.5, "offset": -0.5}'
        try:
            found = json.loads("".join(read_lines(path)))
        except json.JSONDecodeError as error:
            raise InputError(f"{path} is no JSON: {error}; {wanted}") from None
        names = ["offset", "scale"]
        if not isinstance(found, dict) or sorted(found) != names:
            has = sorted(found) if isinstance(found, dict) else type(found).__name__
            raise InputError(f"{path} has {has}; {wanted}")
        for name in names:
            value = found[name]
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (is_number and math.isfinite(value)):
                raise InputError(f"{path}: {name} is {value!r}; {wanted}")
        return cls(float(found["scale"]), float(found["offset"]))


def fit_calibration(trials: TrialScores, *, p_target: float = 0.5) -> LinearCalibration:
    """Line that makes the cross-entropy of trials least, by logistic regression.

    Trials are weighted as if the share ``p_target`` of them were of the same speaker,
    however many there are of each kind. At 0.5 it is Cllr that becomes least; a small
    share makes the line fit best where false alarms are dear.

    Parameters
    ----------
    trials : TrialScores
        Others than those that are to be calibrated.
    p_target : float

    Returns
    -------
    LinearCalibration

    Raises
    ------
    InputError
        If a threshold tells the two kinds apart without an error, or all scores are
        equal: the best line is infinitely steep then, or any.

    Example
    -------
    >>> trials = TrialScores.of_classes([1.0, 2.0, 3.0], [0.0, 1.5])
    >>> line = fit_calibration(trials)
    >>> line.scale > 0, bool(line(2.0) > 0)
    (True, True)
    """
    if not 0 < p_target < 1:
        raise InputError(f"p_target is {p_target}; it must lie between 0 and 1, as 0.5")
    targets, nontargets = trials.targets, trials.nontargets
    if targets.min() >= nontargets.max() or targets.max() <= nontargets.min():
        raise InputError(
            f"no calibration fits {len(trials)} trials that a threshold divides "
            f"without an error (same speaker: {targets.min():g} to {targets.max():g}, "
            f"different: {nontargets.min():g} to {nontargets.max():g}); take more "
            "trials, or harder ones"
        )
    centre, spread = trials.scores.mean(), trials.scores.std()
    line = _newton((trials.scores - centre) / spread, trials.is_target, p_target)
    return LinearCalibration(
        scale=float(line[0] / spread), offset=float(line[1] - line[0] * centre / spread)
    )


def _newton(scores: np.ndarray, is_target: np.ndarray, p_target: float) -> np.ndarray:
    """Slope and offset at which the weighted cross-entropy is least, [2]."""
    sign = np.where(is_target, 1.0, -1.0)
    number = is_target.sum()
    shares = p_target / number, (1 - p_target) / (len(scores) - number)
    weights = np.where(is_target, *shares)
    prior = math.log(p_target / (1 - p_target))

    def loss(line):
        margins = sign * (line[0] * scores + line[1] + prior)
        return float(weights @ np.logaddexp(0, -margins))

    line, value = np.zeros(2), loss(np.zeros(2))
    for _ in range(STEPS):
        wrong = expit(-sign * (line[0] * scores + line[1] + prior))
        pull, curvature = -weights * sign * wrong, weights * wrong * (1 - wrong)
        gradient = np.array([pull @ scores, pull.sum()])
        slope = curvature @ scores
        hessian = [[curvature @ scores**2, slope], [slope, curvature.sum()]]
        step, size = np.linalg.solve(hessian, gradient), 1.0
        while size > SMALLEST and loss(line - size * step) >= value:
            size /= 2
        if size <= SMALLEST:  # the loss cannot become less in this arithmetic
            break
        line = line - size * step
        value = loss(line)
    return line
