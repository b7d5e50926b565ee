"""What is said and drawn of trials that were scored."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.metrics.verification import (
    DetectionCost,
    LinearCalibration,
    TrialList,
    TrialScores,
    calibration_scores,
    error_curve,
    verification_interval,
    verification_scores,
)
from xlsr_sb.metrics.verification.summary import EER
from xlsr_sb.report import draw_det, write_picture
from xlsr_sb.training.evaluation import GroupScore

COST = DetectionCost()
DRAWN = 4  # lines in a picture


def group_scores(
    group: str,
    scores: TrialScores,
    line: LinearCalibration | None,
    trials: TrialList,
    people: Mapping[str, str],
) -> list[GroupScore]:
    """Numbers of a list; the EER with its interval."""
    found = verification_scores(scores, costs=[COST])
    if line is not None:
        found += calibration_scores(line.trials(scores), costs=[COST])
    sides = [[people[one] for one in own] for own in (trials.enrolments, trials.tests)]
    interval = verification_interval(scores, speakers=tuple(sides))
    return [
        GroupScore(group, one, len(trials), interval if one.name == EER else None)
        for one in found
    ]


def text_of(scores: Sequence[GroupScore]) -> str:
    """All numbers with their thresholds."""
    lines = ["list, score, value, threshold"]
    for one in scores:
        threshold = one.score.threshold
        shown = "" if threshold is None else f"{threshold:.4f}"
        lines.append(f"{one.group}  {one.score.name}  {one.score.value:.4f}  {shown}")
    return "\n".join([*lines, ""])


def write_det(path: Path, *, scored: Mapping[str, Mapping[str, TrialScores]]) -> None:
    """Picture of misses against false alarms; of the first lists if they are many."""
    curves = {
        f"{name}, {way}": error_curve(one)
        for name, own in scored.items()
        for way, one in own.items()
    }
    write_picture(path, draw_det(dict([*curves.items()][:DRAWN]), cost=COST))


def write_trials(
    path: Path, *, trials: TrialList, scored: Mapping[str, TrialScores]
) -> None:
    """Table of the trials with their scores."""
    with open_atomic(path) as file:
        writer = csv_writer(file)
        writer.writerow(["label", "enrolment", "test", *scored])
        columns = [one.scores for one in scored.values()]
        rows = zip(
            trials.is_target, trials.enrolments, trials.tests, *columns, strict=True
        )
        for label, enrolment, test, *values in rows:
            shown = [f"{value:.6f}" for value in values]
            writer.writerow([int(label), enrolment, test, *shown])
