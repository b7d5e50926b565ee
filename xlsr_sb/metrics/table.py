"""Scores of a test set by language, by speaker and overall."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.metrics.bootstrap import DRAWS, Interval, bootstrap_interval
from xlsr_sb.metrics.counts import ErrorCounts
from xlsr_sb.metrics.score import Score

LANGUAGE, SPEAKER, ALL = KINDS = ("language", "speaker", "all")
UNKNOWN = "unknown"  # language of utterances without one
COLUMNS = (
    *("kind", "group", "metric", "clips", "total", "errors"),
    *("substitutions", "deletions", "insertions", "value", "low", "high", "drawn"),
)


@dataclass(frozen=True)
class ScoreRow:
    """Score of a part of a test set.

    Parameters
    ----------
    kind : str
        ``language``, ``speaker`` or ``all``.
    group : str
        Language, speaker, or ``all``.
    score : Score
    clips : int
        Utterances in the group.
    interval : Interval or None
        Where 95 % of the draws lie; None where there is nothing to draw from.
    """

    kind: str
    group: str
    score: Score
    clips: int
    interval: Interval | None


def score_table(
    counts: Iterable[ErrorCounts],
    *,
    languages: Sequence[str],
    speakers: Sequence[str],
    draws: int = DRAWS,
    seed: int = 0,
) -> list[ScoreRow]:
    """Scores of each language, each speaker, and all utterances.

    Parameters
    ----------
    counts : iterable of ErrorCounts
        One a metric, all of the same utterances.
    languages, speakers : sequence of str
        Of each utterance; empty where unknown. An utterance without speaker counts
        for its language and for all.
    draws, seed : int
        Of the bootstrap; see ``bootstrap_interval``.

    Returns
    -------
    list of ScoreRow
        Languages, speakers and all, each sorted by name, with a row a metric. Where
        there are several languages a speaker is called ``language/speaker``: the same
        name in two languages is two people.

    Example
    -------
    >>> from xlsr_sb.metrics import count_errors
    >>> counts = count_errors("WER", ["a b", "c", "d"], ["a b", "x", "d"])
    >>> names = {"languages": ["fr", "fr", "it"], "speakers": ["1", "2", ""]}
    >>> for row in score_table([counts], **names):
    ...     print(row.kind, row.group, row.clips, row.score.errors, row.score.total)
    language fr 2 1 3
    language it 1 0 1
    speaker fr/1 1 0 2
    speaker fr/2 1 1 1
    all all 3 1 4
    """
    counts = list(counts)
    lengths = {len(languages), len(speakers), *map(len, counts)}
    if len(lengths) > 1:
        raise ValueError(
            f"languages, speakers and counts must be of as many utterances, got "
            f"{len(languages)}, {len(speakers)} and {[*map(len, counts)]}"
        )
    people = _people(languages, speakers)
    rows = []
    for kind, group, places in _groups(languages, people):
        drawn_from = people[places] if kind != SPEAKER else None
        for one in counts:
            part = one.among(places)
            interval = bootstrap_interval(
                part, speakers=drawn_from, draws=draws, seed=seed
            )
            rows.append(ScoreRow(kind, group, part.score(), len(places), interval))
    return rows


def _people(languages: Sequence[str], speakers: Sequence[str]) -> np.ndarray:
    """A name for each speaker that nobody else has, [N]; empty where unknown."""
    if len(set(languages)) > 1:
        pairs = zip(languages, speakers, strict=True)
        speakers = [name and f"{code or UNKNOWN}/{name}" for code, name in pairs]
    return np.array(speakers, dtype=object)


def _groups(
    languages: Sequence[str], people: np.ndarray
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Kind, name and utterances of each group."""
    codes = [code or UNKNOWN for code in languages]
    for kind, names in ((LANGUAGE, codes), (SPEAKER, people)):
        members: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            members.setdefault(name, []).append(place)
        for name in sorted(members.keys() - {""}):
            yield kind, name, np.array(members[name])
    yield ALL, ALL, np.arange(len(people))


def write_score_table(path: str | Path, rows: Iterable[ScoreRow]) -> None:
    """Write scores as a CSV file, whole or not at all.

    Parameters
    ----------
    path : path
    rows : iterable of ScoreRow
        Shares have six decimals; ``value`` is empty where the references are, ``low``,
        ``high`` and ``drawn`` where there is no interval.

    Raises
    ------
    InputError
        When the file cannot be written.

    Example
    -------
    >>> from xlsr_sb.metrics import count_errors
    >>> counts = count_errors("WER", ["a b c"], ["a x"])
    >>> path = getfixture("tmp_path") / "scores.csv"
    >>> write_score_table(path, score_table([counts], languages=["fr"], speakers=[""]))
    >>> print(path.read_text())
    kind,group,metric,clips,total,errors,substitutions,deletions,insertions,value,...
    language,fr,WER,1,3,2,1,1,0,0.666667,,,
    all,all,WER,1,3,2,1,1,0,0.666667,,,
    """
    with open_atomic(path) as file:
        writer = csv_writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(map(_cells, rows))


def _cells(row: ScoreRow) -> list[str | int | None]:
    """Cells of one row."""
    score, interval = row.score, row.interval
    return [
        *(row.kind, row.group, score.name, row.clips, score.total, score.errors),
        *score.parts,
        f"{score.value:.6f}" if score.total else None,
        *([f"{interval.low:.6f}", f"{interval.high:.6f}"] if interval else [None] * 2),
        interval.drawn if interval else None,
    ]
