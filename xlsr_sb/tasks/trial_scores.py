"""Scores of trials from embeddings: plain, normalised by a cohort, calibrated."""

import logging
from collections import defaultdict
from itertools import combinations

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.metrics.verification import (
    EmbeddingTable,
    LinearCalibration,
    TrialList,
    TrialScores,
    cosine_scores,
    fit_calibration,
    normalised_scores,
)
from xlsr_sb.tasks.hearing import Heard

logger = logging.getLogger(__name__)
RAW, NORMALISED = "cosine", "s-norm"


def table_of(heard: Heard) -> EmbeddingTable | None:
    """Embeddings by the ids of the clips; None if there are none."""
    if not heard.clips:
        return None
    return EmbeddingTable([one.id for one in heard.clips], heard.embeddings)


def cohort_of(heard: Heard) -> EmbeddingTable | None:
    """Mean embedding of each speaker of the cohort."""
    if not heard.clips:
        return None
    table, rows = table_of(heard), defaultdict(list)
    for place, clip in enumerate(heard.clips):
        rows[clip.spk_id].append(place)
    means = np.stack([table.vectors[own].mean(axis=0) for own in rows.values()])
    return EmbeddingTable([*rows], means)


def all_pairs(heard: Heard) -> TrialList:
    """Trials of each clip with each other."""
    pairs = [*combinations(heard.clips, 2)]
    same = np.array([one.spk_id == other.spk_id for one, other in pairs], dtype=bool)
    return TrialList(
        same, [one.id for one, _ in pairs], [other.id for _, other in pairs]
    )


def scores_of(
    trials: TrialList,
    table: EmbeddingTable | None,
    *,
    way: str,
    cohort: EmbeddingTable | None,
    top: int,
) -> TrialScores:
    """Scores of trials; the lowest one where a clip could not be heard.

    Raises
    ------
    InputError
        If nothing was heard, or the cohort is too small.
    """
    if table is None:
        raise InputError("no clip of the trials can be heard; look at the recordings")
    sides = zip(trials.enrolments, trials.tests, strict=True)
    is_heard = np.array([a in table.places and b in table.places for a, b in sides])
    kept = np.flatnonzero(is_heard)
    part = TrialList(
        trials.is_target[kept],
        [trials.enrolments[place] for place in kept],
        [trials.tests[place] for place in kept],
    )
    found = cosine_scores(table, part)
    if way == NORMALISED:
        if cohort is None:
            raise InputError("there is no cohort to normalise scores with")
        number = min(top, len(cohort))
        found = normalised_scores(found, part, table=table, cohort=cohort, top=number)
    scores = np.full(len(trials), found.min() if len(found) else 0.0)
    scores[kept] = found
    if len(kept) < len(trials):
        logger.warning(
            "%d of %d trials have a clip that cannot be heard and are rejected",
            len(trials) - len(kept),
            len(trials),
        )
    return TrialScores(scores, trials.is_target)


def calibration_of(
    trials: TrialList, table: EmbeddingTable | None, scorer
) -> LinearCalibration | None:
    """Line from the dev clips of training speakers; None where there is no best one."""
    try:
        return fit_calibration(scorer(trials, table))
    except InputError as error:
        logger.warning("scores are not calibrated: %s", error)
        return None
