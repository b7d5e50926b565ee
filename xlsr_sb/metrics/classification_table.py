"""Errors of classes by group, and their means over classes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.metrics.bootstrap import DRAWS, Interval, bootstrap_interval
from xlsr_sb.metrics.classification import count_answers
from xlsr_sb.metrics.classification_mean import ClassMean, macro_error
from xlsr_sb.metrics.counts import ErrorCounts
from xlsr_sb.metrics.score import Score

CLASS, ALL = "class", "all"
COLUMNS = (
    *("kind", "group", "metric", "clips", "total", "errors"),
    *("value", "low", "high", "drawn"),
)


@dataclass(frozen=True)
class ClassificationRow:
    """Error rate of a part of a test set.

    Parameters
    ----------
    kind : str
        ``class``, the name of a grouping, or ``all``.
    group : str
        Class or group, or ``all``.
    score : Score or ClassMean
    clips : int
        Utterances in the group.
    interval : Interval or None
        Where 95 % of the draws lie; None where there is nothing to draw from.
    """

    kind: str
    group: str
    score: Score | ClassMean
    clips: int
    interval: Interval | None


def classification_table(
    references: Sequence[str],
    answers: Sequence[str],
    *,
    speakers: Sequence[str],
    groups: Mapping[str, Sequence[str]] | None = None,
    more: Iterable[ErrorCounts] = (),
    draws: int = DRAWS,
    seed: int = 0,
) -> list[ClassificationRow]:
    """Errors of each class, of each group of each grouping, and of all utterances.

    Parameters
    ----------
    references, answers : sequence of str
        One class an utterance.
    speakers : sequence of str
        Of each utterance, with a name that nobody else has; empty where unknown.
    groups : mapping of str to sequence of str, optional
        Groupings by name, as ``{"duration": ["0-5 s", ...]}``, with a group for each
        utterance; one with an empty name is in none.
    more : iterable of ErrorCounts, optional
        Other counts of the same utterances, as those of the best five answers; they
        are scored for all and for the groups.
    draws, seed : int
        Of the bootstrap; see ``bootstrap_interval``.

    Returns
    -------
    list of ClassificationRow
        Classes, groups and all, each sorted by name; behind the error rate of a group,
        and of all, come other counts and the mean over classes.

    Example
    -------
    >>> texts = ["fr", "fr", "fr", "it"], ["fr", "fr", "it", "fr"]
    >>> of = {"speakers": [""] * 4, "groups": {"source": ["a", "a", "b", "b"]}}
    >>> for row in classification_table(*texts, **of):
    ...     print(row.kind, row.group, row.score.name, row.clips,
    ...           round(row.score.value, 3))
    class fr ERR 3 0.333
    class it ERR 1 1.0
    source a ERR 2 0.0
    source a macro ERR 2 0.0
    source b ERR 2 1.0
    source b macro ERR 2 1.0
    all all ERR 4 0.5
    all all macro ERR 4 0.667
    """
    counts = [count_answers(references, answers), *more]
    groups = dict(groups or {})
    lengths = [len(references), len(speakers), *map(len, counts)]
    lengths += [len(names) for names in groups.values()]
    if len(set(lengths)) > 1:
        raise ValueError(
            "references, speakers, groups and counts must be of as many utterances, "
            f"got {lengths}"
        )
    classes, people = np.array(references, object), np.array(speakers, object)
    rows = []
    for kind, group, places in _parts({CLASS: references, **groups}, len(classes)):
        options = {"speakers": people[places], "draws": draws, "seed": seed}
        for one in counts[:1] if kind == CLASS else counts:
            part = one.among(places)
            interval = bootstrap_interval(part, **options)
            found = ClassificationRow(kind, group, part.score(), len(places), interval)
            rows.append(found)
        if kind != CLASS and len(places):
            part = counts[0].among(places)
            mean, interval = macro_error(part, classes[places], **options)
            rows.append(ClassificationRow(kind, group, mean, len(places), interval))
    return rows


def _parts(
    groups: Mapping[str, Sequence[str]], number: int
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Grouping, name and utterances of each group."""
    for kind, names in groups.items():
        members: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            members.setdefault(name, []).append(place)
        for name in sorted(members.keys() - {""}):
            yield kind, name, np.array(members[name])
    yield ALL, ALL, np.arange(number)


def write_classification_table(
    path: str | Path, rows: Iterable[ClassificationRow]
) -> None:
    """Write error rates of classes and groups as a CSV file, whole or not at all.

    Parameters
    ----------
    path : path
    rows : iterable of ClassificationRow
        Shares have six decimals; ``total`` of a mean is its number of classes.

    Raises
    ------
    InputError
        When the file cannot be written.

    Example
    -------
    >>> path = getfixture("tmp_path") / "scores.csv"
    >>> rows = classification_table(["fr", "it"], ["fr", "fr"], speakers=["", ""])
    >>> write_classification_table(path, rows)
    >>> print(path.read_text())
    kind,group,metric,clips,total,errors,value,low,high,drawn
    class,fr,ERR,1,1,0,0.000000,,,
    class,it,ERR,1,1,1,1.000000,,,
    all,all,ERR,2,2,1,0.500000,0.000000,1.000000,utterances
    all,all,macro ERR,2,2,,0.500000,0.000000,1.000000,utterances
    """
    with open_atomic(path) as file:
        writer = csv_writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(map(_cells, rows))


def _cells(row: ClassificationRow) -> list[str | int | None]:
    """Cells of one row."""
    score, interval = row.score, row.interval
    return [
        *(row.kind, row.group, score.name, row.clips, score.total, score.errors),
        f"{score.value:.6f}" if score.total else None,
        *([f"{interval.low:.6f}", f"{interval.high:.6f}"] if interval else [None] * 2),
        interval.drawn if interval else None,
    ]
