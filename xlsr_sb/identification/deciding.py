"""What is told of the cosine between two voices."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.identification.pairs import Pairs
from xlsr_sb.metrics.verification import (
    DetectionCost,
    LinearCalibration,
    TrialScores,
    calibration_scores,
    verification_scores,
)

PRIOR = 0.5
ANSWERS = {True: "same", False: "different"}


@dataclass(frozen=True)
class Decider:
    """What is told of a cosine: the ratio and the answer, as far as they are known.

    Parameters
    ----------
    calibration : LinearCalibration, optional
    prior : float, optional
    threshold : float, optional
        Of the cosine; it goes before the prior.

    Raises
    ------
    InputError
        If a prior cannot be used, or has no calibration.

    Example
    -------
    >>> decider = Decider(LinearCalibration(scale=10.0, offset=-4.0), prior=0.5)
    >>> decider.columns, decider.cells(0.7)
    (['score', 'llr', 'decision'], ['0.700000', '3.000000', 'same'])
    """

    calibration: LinearCalibration | None = None
    prior: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.prior is not None and self.threshold is not None:
            raise InputError("--prior and --threshold are two ways to decide; give one")
        if self.prior is not None and self.calibration is None:
            raise InputError(
                "--prior needs a calibrated model, with calibration.json in its "
                "folder; give --threshold for a decision by the cosine"
            )
        _ = self.cost  # it checks the prior

    @property
    def cost(self) -> DetectionCost:
        """Both errors at one price."""
        return DetectionCost(PRIOR if self.prior is None else self.prior)

    @property
    def columns(self) -> list[str]:
        """Names of what ``cells`` gives."""
        decides = self.calibration is not None or self.threshold is not None
        return [
            "score",
            *(["llr"] if self.calibration else []),
            *(["decision"] if decides else []),
        ]

    def cells(self, score: float) -> list[str]:
        """Score, log-likelihood ratio and decision, as far as they are known."""
        cells, answer = [f"{score:.6f}"], None
        if self.calibration is not None:
            ratio = float(self.calibration(score))
            cells.append(f"{ratio:.6f}")
            answer = ANSWERS[ratio >= self.cost.bayes_threshold]
        if self.threshold is not None:
            answer = ANSWERS[score >= self.threshold]
        return cells if answer is None else [*cells, answer]


def score_rows(pairs: Pairs, scores: np.ndarray, decider: Decider) -> Iterator[list]:
    """Rows of a table of trials, the names of its columns first.

    Parameters
    ----------
    pairs : Pairs
    scores : ndarray [N]
        Cosines.
    decider : Decider

    Example
    -------
    >>> from xlsr_sb.metrics.verification import TrialList
    >>> pairs = Pairs(TrialList(np.array([True]), ["a"], ["b"]), True)
    >>> list(score_rows(pairs, np.array([0.5]), Decider()))
    [['enrolment', 'test', 'score', 'label'], ['a', 'b', '0.500000', 1]]
    """
    trials = pairs.trials
    last = ["label"] if pairs.is_labelled else []
    yield ["enrolment", "test", *decider.columns, *last]
    labels = trials.is_target.astype(int).tolist()
    for *names, score, label in zip(
        trials.enrolments, trials.tests, scores.tolist(), labels, strict=True
    ):
        yield [*names, *decider.cells(score), *([label] if pairs.is_labelled else [])]


def summary_lines(trials: TrialScores, decider: Decider) -> Iterator[str]:
    r"""Lines with the scores of a whole list; of the ratios too, if they are known.

    Parameters
    ----------
    trials : TrialScores
        Cosines.
    decider : Decider

    Example
    -------
    >>> trials = TrialScores.of_classes([0.3, 0.8, 0.9, 0.95], [0.1, 0.2, 0.4, 0.5])
    >>> print(next(summary_lines(trials, Decider())).replace("\t", " | "))
    EER | 0.2500 | from 0.5000 on
    """
    found = verification_scores(trials)
    if decider.calibration is not None:
        ratios = decider.calibration.trials(trials)
        found += calibration_scores(ratios, costs=[decider.cost])
    for one in found:
        threshold = "" if one.threshold is None else f"\tfrom {one.threshold:.4f} on"
        yield f"{one.name}\t{one.value:.4f}{threshold}"
