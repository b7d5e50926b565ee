"""Scores of speaker verification: whether two recordings hold one voice.

All that depends on thresholds comes from one sort of the scores: N log N in time and N
in memory, so that a million trials take seconds.
"""

from xlsr_sb.metrics.verification.calibration import (
    LinearCalibration,
    fit_calibration,
)
from xlsr_sb.metrics.verification.costs import DetectionCost
from xlsr_sb.metrics.verification.curve import ErrorCurve, RankedTrials, error_curve
from xlsr_sb.metrics.verification.embeddings import EmbeddingTable, cosine_scores
from xlsr_sb.metrics.verification.intervals import verification_interval
from xlsr_sb.metrics.verification.measures import (
    OperatingPoint,
    actual_dcf,
    cllr,
    equal_error_rate,
    min_cllr,
    min_dcf,
)
from xlsr_sb.metrics.verification.normalisation import (
    cohort_statistics,
    normalised_scores,
)
from xlsr_sb.metrics.verification.scores import TrialScores
from xlsr_sb.metrics.verification.summary import (
    VerificationScore,
    calibration_scores,
    verification_scores,
)
from xlsr_sb.metrics.verification.trials import TrialList, read_trials

__all__ = [
    "DetectionCost",
    "EmbeddingTable",
    "ErrorCurve",
    "LinearCalibration",
    "OperatingPoint",
    "RankedTrials",
    "TrialList",
    "TrialScores",
    "VerificationScore",
    "actual_dcf",
    "calibration_scores",
    "cllr",
    "cohort_statistics",
    "cosine_scores",
    "equal_error_rate",
    "error_curve",
    "fit_calibration",
    "min_cllr",
    "min_dcf",
    "normalised_scores",
    "read_trials",
    "verification_interval",
    "verification_scores",
]
