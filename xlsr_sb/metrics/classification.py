"""Errors of answers that are one of several classes: languages, speakers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.metrics.counts import ErrorCounts
from xlsr_sb.metrics.score import Score

ERROR = "ERR"
REFERENCE = "reference"  # first column of the file of a confusion matrix
PIECE = 4_000_000  # probabilities compared at a time
MIDDLE = 5.0  # seconds: shorter clips are scored apart


def count_answers(references: Sequence[str], answers: Sequence[str]) -> ErrorCounts:
    """Errors of each utterance: one unit, right or substituted.

    Parameters
    ----------
    references, answers : sequence of str
        One class an utterance, in the same order; an empty answer is wrong.

    Returns
    -------
    ErrorCounts
        Of ``ERR``, which intervals can be drawn from as from those of texts.

    Example
    -------
    >>> counts = count_answers(["fr", "it", "it"], ["fr", "fr", "it"])
    >>> counts.errors.tolist(), round(counts.score().value, 3)
    ([0, 1, 0], 0.333)
    """
    _check_as_many(references, answers)
    pairs = zip(references, answers, strict=True)
    return _counts(ERROR, np.array([one != other for one, other in pairs], dtype=bool))


def count_top_answers(
    references: Sequence[str], scores: np.ndarray, *, classes: Sequence[str], top: int
) -> ErrorCounts:
    """Errors if any of the best few answers may be right.

    Parameters
    ----------
    references : sequence of str
    scores : ndarray [N, C], float
        Of each class: probabilities, or anything that rises with them. Of equal scores
        the first class is the better, as ``argmax`` has it.
    classes : sequence of str
        Names of the columns.
    top : int
        How many answers are looked at.

    Returns
    -------
    ErrorCounts
        Of ``ERR@5`` if there are five; 1 - its value is the top-5 accuracy. An
        utterance of none of the classes is an error.

    Raises
    ------
    InputError
        If a score is NaN.

    Example
    -------
    >>> scores = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    >>> counts = count_top_answers(["b", "c"], scores, classes="abc", top=2)
    >>> counts.metric, counts.errors.tolist()
    ('ERR@2', [0, 1])
    """
    scores = np.asarray(scores)
    _check_as_many(references, scores)
    if scores.shape != (len(references), len(classes)) or not 1 <= top <= len(classes):
        raise ValueError(f"top {top} of {len(classes)} classes in {scores.shape}")
    places = {name: place for place, name in enumerate(classes)}
    truths = np.array([places.get(name, -1) for name in references], dtype=np.int64)
    wrong = np.empty(len(references), dtype=bool)
    size = max(1, PIECE // len(classes))
    for start in range(0, len(references), size):
        piece = slice(start, start + size)
        wrong[piece] = _ranks(scores[piece], truths[piece], start) >= top
    return _counts(f"{ERROR}@{top}", wrong | (truths < 0))


def _ranks(scores: np.ndarray, truths: np.ndarray, start: int) -> np.ndarray:
    """How many classes are before the true one, [N]."""
    if np.isnan(scores).any():
        bad = start + int(np.flatnonzero(np.isnan(scores).any(axis=1))[0])
        raise InputError(
            f"utterance {bad + 1} has a class whose score is no number (nan); look at "
            "its audio and at the model"
        )
    own = np.take_along_axis(scores, truths[:, None], axis=1)
    first = np.arange(scores.shape[1]) < truths[:, None]
    return ((scores > own) | ((scores == own) & first)).sum(axis=1)


def _counts(metric: str, wrong: np.ndarray) -> ErrorCounts:
    """Counts of one unit an utterance."""
    table = np.zeros((len(wrong), 4), dtype=np.int64)
    table[:, 0], table[:, 1] = 1, wrong
    return ErrorCounts(metric, table)


def _check_as_many(references: Sequence, others: Sequence) -> None:
    """Raise unless there is something for each utterance."""
    if len(references) != len(others):
        raise ValueError(f"{len(references)} references, {len(others)} answers")


def duration_groups(
    seconds: Sequence[float], *, edges: Sequence[float] = (MIDDLE,)
) -> list[str]:
    """Name of the range that each duration lies in; ranges hold their upper ends.

    Parameters
    ----------
    seconds : sequence of float
    edges : sequence of float
        Upper ends of the ranges, rising.

    Returns
    -------
    list of str

    Example
    -------
    >>> duration_groups([4.0, 5.0, 5.01, 30.0])
    ['0-5 s', '0-5 s', 'over 5 s', 'over 5 s']
    >>> duration_groups([5.0, 20.0, 30.0], edges=(5, 20))
    ['0-5 s', '5-20 s', 'over 20 s']
    """
    starts = [0, *edges]
    pairs = zip(starts, edges, strict=False)
    names = [f"{low:g}-{high:g} s" for low, high in pairs]
    names.append(f"over {starts[-1]:g} s")
    return [names[place] for place in np.searchsorted(edges, seconds)]


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """How often each class was taken for each.

    Parameters
    ----------
    classes : tuple of str
    counts : ndarray [C, C], int64
        Of the true class (row), how often the answer was that of the column.

    Example
    -------
    >>> matrix = confusion_matrix(["fr", "it", "it"], ["fr", "fr", "it"])
    >>> matrix.counts.tolist(), matrix.shares.tolist()
    ([[1, 0], [1, 1]], [[1.0, 0.0], [0.5, 0.5]])
    """

    classes: tuple[str, ...]
    counts: np.ndarray

    @property
    def clips(self) -> np.ndarray:
        """Utterances of each class, [C]."""
        return self.counts.sum(axis=1)

    @property
    def shares(self) -> np.ndarray:
        """Share of the answers by true class, [C, C]; NaN for classes without clips."""
        clips = self.clips[:, None]
        return np.where(clips > 0, self.counts / np.maximum(clips, 1), np.nan)

    def score(self) -> Score:
        """Errors of all utterances together."""
        total, right = int(self.counts.sum()), int(np.trace(self.counts))
        return Score(ERROR, total - right, total)

    def occurring(self) -> "ConfusionMatrix":
        """The matrix without classes that nobody spoke and nothing was taken for."""
        kept = np.flatnonzero(self.counts.sum(axis=0) + self.clips)
        names = tuple(self.classes[place] for place in kept)
        return ConfusionMatrix(names, self.counts[np.ix_(kept, kept)])

    def write(self, path: str | Path) -> None:
        """Write the counts as a CSV file: a line a true class, a column an answer."""
        with open_atomic(path) as file:
            writer = csv_writer(file)
            writer.writerow([REFERENCE, *self.classes])
            for name, row in zip(self.classes, self.counts.tolist(), strict=True):
                writer.writerow([name, *row])


def confusion_matrix(
    references: Sequence[str],
    answers: Sequence[str],
    *,
    classes: Sequence[str] | None = None,
) -> ConfusionMatrix:
    """Count which class was taken for which.

    Parameters
    ----------
    references, answers : sequence of str
        One class an utterance, in the same order.
    classes : sequence of str, optional
        In the order wanted, and all that occur; by default those that occur, sorted.

    Returns
    -------
    ConfusionMatrix

    Example
    -------
    >>> confusion_matrix(["b", "a"], ["a", "a"], classes="ba").counts.tolist()
    [[0, 1], [0, 1]]
    """
    _check_as_many(references, answers)
    if classes is None:
        classes = sorted({*references, *answers})
    places = {name: place for place, name in enumerate(classes)}
    if unknown := sorted({*references, *answers} - places.keys()):
        raise ValueError(f"{unknown[:5]} are none of the {len(places)} classes")
    counts = np.zeros((len(places), len(places)), dtype=np.int64)
    pairs = [[places[name] for name in side] for side in (references, answers)]
    np.add.at(counts, tuple(pairs), 1)
    return ConfusionMatrix(tuple(classes), counts)
