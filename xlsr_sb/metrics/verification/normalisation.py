"""Scores relative to those that the same recordings have with strangers.

A recording that is like everybody's has high scores with all. A cohort, recordings of
people who are in no trial, tells how high: z-norm takes mean and spread of the
enrolment's scores with the cohort, t-norm those of the test's, s-norm the mean of both.
With ``top`` only the nearest of the cohort count, for each side its own: adaptive
s-norm (Matějka et al., Interspeech 2017, as-norm1).
"""

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.metrics.verification.embeddings import EmbeddingTable, pieces
from xlsr_sb.metrics.verification.trials import TrialList

METHODS = ("z", "t", "s")
MIN_SPREAD = 1e-6  # of cosines in single precision that are all the same


def cohort_statistics(
    vectors: np.ndarray, cohort: np.ndarray, *, top: int | None = None
) -> np.ndarray:
    """Mean and spread of the cosines of each embedding with a cohort.

    Parameters
    ----------
    vectors : ndarray [N, D], of length 1
    cohort : ndarray [C, D], of length 1
    top : int, optional
        How many of the highest cosines count; all by default.

    Returns
    -------
    ndarray [N, 2], float64
        Means, and standard deviations (over K, not K - 1).

    Example
    -------
    >>> cohort = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> cohort_statistics(np.array([[1.0, 0.0]]), cohort, top=2).tolist()
    [[0.5, 0.5]]
    """
    number = len(cohort) if top is None else top
    if not 2 <= number <= len(cohort):
        raise InputError(
            f"score normalisation with {number} of a cohort of {len(cohort)}; it needs "
            f"two at least, and no more than there are"
        )
    found = np.empty((len(vectors), 2))
    for piece in pieces(len(vectors), len(cohort)):
        scores = (vectors[piece] @ cohort.T).astype(np.float64)
        if number < len(cohort):
            scores = np.partition(scores, len(cohort) - number, axis=1)[:, -number:]
        found[piece] = np.stack([scores.mean(axis=1), scores.std(axis=1)], axis=1)
    return found


def normalised_scores(
    scores: np.ndarray,
    trials: TrialList,
    *,
    table: EmbeddingTable,
    cohort: EmbeddingTable,
    method: str = "s",
    top: int | None = None,
) -> np.ndarray:
    """Scores of trials, normalised by the scores with a cohort.

    Parameters
    ----------
    scores : ndarray [N], float
        Cosines of the trials.
    trials : TrialList
    table : EmbeddingTable
        Of the recordings of the trials.
    cohort : EmbeddingTable
        Of other people, one embedding each: the mean over a training speaker's
        recordings, or one of them.
    method : str
        ``z``, ``t`` or ``s``.
    top : int, optional
        Makes it adaptive: how many of the cohort count, a few hundred of thousands.

    Returns
    -------
    ndarray [N], float64

    Raises
    ------
    InputError
        If the cohort is too small, of another width, or the same for all.

    Example
    -------
    >>> draw = np.random.default_rng(0)
    >>> table = EmbeddingTable(["a", "b"], draw.normal(size=(2, 8)))
    >>> cohort = EmbeddingTable(["x", "y", "z"], draw.normal(size=(3, 8)))
    >>> trials = TrialList(np.array([True]), ["a"], ["b"])
    >>> both = [normalised_scores(np.array([0.5]), trials, table=table, cohort=cohort,
    ...                           method=method) for method in "zts"]
    >>> bool(np.isclose((both[0] + both[1]) / 2, both[2]))
    True
    """
    if method not in METHODS:
        raise InputError(
            f"score normalisation is {method!r}; it must be one of {', '.join(METHODS)}"
        )
    widths = table.vectors.shape[1], cohort.vectors.shape[1]
    if widths[0] != widths[1]:
        raise InputError(
            f"embeddings of the trials have {widths[0]} numbers, those of the cohort "
            f"{widths[1]}; both must be of one model"
        )
    sides = {"z": [trials.enrolments], "t": [trials.tests]}.get(
        method, [trials.enrolments, trials.tests]
    )
    normalised = np.zeros(len(scores))
    for ids in sides:
        rows, inverse = np.unique(table.rows(ids), return_inverse=True)
        found = cohort_statistics(table.vectors[rows], cohort.vectors, top=top)
        if flat := [*np.flatnonzero(found[:, 1] < MIN_SPREAD)]:
            raise InputError(
                f"{table.ids[rows[flat[0]]]!r} has the same score with every embedding "
                "of the cohort that counts; take a cohort of different people"
            )
        means, spreads = found[inverse].T
        normalised += (np.asarray(scores) - means) / spreads / len(sides)
    return normalised
