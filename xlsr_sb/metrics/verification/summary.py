"""The scores of a list of trials, by name."""

from collections.abc import Sequence
from dataclasses import dataclass

from xlsr_sb.metrics.verification.costs import COST, DetectionCost
from xlsr_sb.metrics.verification.curve import error_curve
from xlsr_sb.metrics.verification.measures import (
    actual_dcf,
    cllr,
    equal_error_rate,
    min_cllr,
    min_dcf,
)
from xlsr_sb.metrics.verification.scores import TrialScores

EER, MIN_DCF, ACTUAL_DCF = "EER", "minDCF", "actDCF"
CLLR, MIN_CLLR = "Cllr", "minCllr"


@dataclass(frozen=True, slots=True)
class VerificationScore:
    """A number that tells how well voices are told apart; the lower the better.

    Parameters
    ----------
    name : str
        ``EER``, ``minDCF(0.01)``, ``actDCF(0.01)``, ``Cllr`` or ``minCllr``.
    value : float
    total : int or None
        Trials behind an EER, which is a share of them; None of a cost.
    threshold : float or None
        Score from which trials are accepted; None where there is none.
    """

    name: str
    value: float
    total: int | None = None
    threshold: float | None = None

    @property
    def errors(self) -> None:
        """None: a rate at two thresholds' crossing is no count."""


def verification_scores(
    trials: TrialScores, *, costs: Sequence[DetectionCost] = (COST,)
) -> list[VerificationScore]:
    """What depends on the order of the scores alone: EER, minDCF, minCllr.

    Parameters
    ----------
    trials : TrialScores
        Any scores.
    costs : sequence of DetectionCost

    Returns
    -------
    list of VerificationScore

    Example
    -------
    >>> trials = TrialScores.of_classes([0.3, 0.8, 0.9, 0.95], [0.1, 0.2, 0.4, 0.5])
    >>> for score in verification_scores(trials):
    ...     print(score.name, round(score.value, 3), score.threshold)
    EER 0.25 0.5
    minDCF(0.01) 0.25 0.8
    minCllr 0.344 None
    """
    curve = error_curve(trials)
    eer = equal_error_rate(curve)
    best = [(f"{MIN_DCF}({cost.name})", min_dcf(curve, cost)) for cost in costs]
    return [
        VerificationScore(EER, eer.value, len(trials), eer.threshold),
        *(VerificationScore(n, one.value, None, one.threshold) for n, one in best),
        VerificationScore(MIN_CLLR, min_cllr(curve)),
    ]


def calibration_scores(
    trials: TrialScores, *, costs: Sequence[DetectionCost] = (COST,)
) -> list[VerificationScore]:
    """What needs log-likelihood ratios: Cllr, and the cost at the Bayes threshold.

    Parameters
    ----------
    trials : TrialScores
        Calibrated.
    costs : sequence of DetectionCost

    Returns
    -------
    list of VerificationScore

    Example
    -------
    >>> trials = TrialScores.of_classes([6.0, 3.0], [-4.0, 1.0])
    >>> [(one.name, round(one.value, 3)) for one in calibration_scores(trials)]
    [('actDCF(0.01)', 0.5), ('Cllr', 0.499)]
    """
    actual = [
        (f"{ACTUAL_DCF}({cost.name})", actual_dcf(trials, cost)) for cost in costs
    ]
    return [
        *(VerificationScore(n, one.value, None, one.threshold) for n, one in actual),
        VerificationScore(CLLR, cllr(trials)),
    ]
