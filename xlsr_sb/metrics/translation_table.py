"""Scores of translations by pair of languages, and their averages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.metrics.bootstrap import DRAWS, Interval
from xlsr_sb.metrics.translation import (
    TRANSLATION_METRICS,
    TranslationScore,
    bleu_tokenizer,
    count_translations,
)
from xlsr_sb.metrics.translation_bootstrap import translation_interval

PAIR, AVERAGE = "pair", "average"
ALL = "all"  # name of the average over all pairs
COLUMNS = (
    *("kind", "group", "metric", "clips", "value", "low", "high", "drawn"),
    "signature",
)


@dataclass(frozen=True)
class TranslationRow:
    """Score of a pair of languages, or an average over pairs.

    Parameters
    ----------
    kind : str
        ``pair`` or ``average``.
    group : str
        ``fr_en``, or the name of the average.
    score : TranslationScore
    clips : int
        Utterances in the group.
    interval : Interval or None
        Where 95 % of the draws lie; None of an average, and where there is nothing to
        draw from.
    """

    kind: str
    group: str
    score: TranslationScore
    clips: int
    interval: Interval | None


def mean_score(scores: Sequence[TranslationScore]) -> TranslationScore:
    """Mean of the scores of several pairs, each counting as much.

    Parameters
    ----------
    scores : sequence of TranslationScore
        Of one metric.

    Returns
    -------
    TranslationScore
        Its signature lists those of the scores.

    Example
    -------
    >>> scores = [TranslationScore("BLEU", 10.0, "tok:13a"),
    ...           TranslationScore("BLEU", 20.0, "tok:char")]
    >>> mean_score(scores).text
    'BLEU = 15.00 (tok:13a and tok:char)'
    """
    names = {one.name for one in scores}
    if len(names) != 1:
        raise ValueError(f"a mean needs scores of one metric, got {sorted(names)}")
    value = float(np.mean([one.value for one in scores]))
    signatures = sorted({one.signature for one in scores})
    return TranslationScore(names.pop(), value, " and ".join(signatures))


def translation_table(
    references: Sequence[str],
    hypotheses: Sequence[str],
    *,
    pairs: Sequence[tuple[str, str]],
    speakers: Sequence[str],
    averages: Mapping[str, Sequence[str]] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[TranslationRow]:
    """BLEU and chrF of each pair of languages, and their averages over pairs.

    Each sentence is counted once for each metric. BLEU cuts words as is usual for the
    target; see ``bleu_tokenizer``.

    Parameters
    ----------
    references, hypotheses : sequence of str
        One text an utterance.
    pairs : sequence of (str, str)
        Language of each utterance, and the one that it was translated into.
    speakers : sequence of str
        Of each utterance; empty where unknown.
    averages : mapping of str to sequence of str, optional
        Names of pairs (``fr_en``) by name of the average. An average of which a pair
        was not scored is left out.
    draws, seed : int
        Of the bootstrap; see ``translation_interval``.

    Returns
    -------
    list of TranslationRow
        Pairs sorted by name, with a row a metric; then the averages in their order and,
        if there are several pairs, that over all of them.

    Example
    -------
    >>> texts = ["the cat sleeps here", "the dog"], ["the cat sleeps there", "the dog"]
    >>> both = {"pairs": [("fr", "en"), ("it", "en")], "speakers": ["", ""]}
    >>> for row in translation_table(*texts, **both, averages={"low": ["it_en"]}):
    ...     print(row.kind, row.group, row.score.name, round(row.score.value, 1))
    pair fr_en BLEU 59.5
    pair fr_en chrF 79.9
    pair it_en BLEU 0.0
    pair it_en chrF 100.0
    average low BLEU 0.0
    average low chrF 100.0
    average all BLEU 29.7
    average all chrF 89.9
    """
    lengths = [len(references), len(hypotheses), len(pairs), len(speakers)]
    if len(set(lengths)) > 1:
        raise ValueError(
            "references, hypotheses, pairs and speakers must be of as many utterances, "
            f"got {lengths}"
        )
    members: dict[tuple[str, str], list[int]] = {}
    for place, pair in enumerate(pairs):
        members.setdefault(tuple(pair), []).append(place)
    rows = []
    for (source, target), places in sorted(members.items()):
        texts = [[side[one] for one in places] for side in (references, hypotheses)]
        people = [speakers[one] for one in places]
        for metric in TRANSLATION_METRICS:
            counts = count_translations(metric, *texts, tokenize=bleu_tokenizer(target))
            interval = translation_interval(
                counts, speakers=people, draws=draws, seed=seed
            )
            name, score = f"{source}_{target}", counts.score()
            rows.append(TranslationRow(PAIR, name, score, len(places), interval))
    return [*rows, *_averages(rows, averages or {})]


def _averages(
    rows: Sequence[TranslationRow], averages: Mapping[str, Sequence[str]]
) -> Iterator[TranslationRow]:
    """Rows of the averages of which every pair was scored."""
    found = sorted({row.group for row in rows})
    everything = {ALL: found} if len(found) > 1 else {}
    for name, wanted in [*averages.items(), *everything.items()]:
        if not set(wanted) <= set(found):
            continue
        for metric in TRANSLATION_METRICS:
            parts = [
                row for row in rows if row.group in wanted and row.score.name == metric
            ]
            score = mean_score([row.score for row in parts])
            clips = sum(row.clips for row in parts)
            yield TranslationRow(AVERAGE, name, score, clips, None)


def write_translation_table(path: str | Path, rows: Iterable[TranslationRow]) -> None:
    """Write scores of translations as a CSV file, whole or not at all.

    Parameters
    ----------
    path : path
    rows : iterable of TranslationRow
        Scores have four decimals; ``low``, ``high`` and ``drawn`` are empty where there
        is no interval.

    Raises
    ------
    InputError
        When the file cannot be written.

    Example
    -------
    >>> path = getfixture("tmp_path") / "scores.csv"
    >>> score = TranslationScore("chrF", 56.125, "nrefs:1")
    >>> write_translation_table(path, [TranslationRow("pair", "fr_en", score, 4, None)])
    >>> print(path.read_text())
    kind,group,metric,clips,value,low,high,drawn,signature
    pair,fr_en,chrF,4,56.1250,,,,nrefs:1
    """
    with open_atomic(path) as file:
        writer = csv_writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(map(_cells, rows))


def _cells(row: TranslationRow) -> list[str | int | None]:
    """Cells of one row."""
    score, interval = row.score, row.interval
    limits = [f"{interval.low:.4f}", f"{interval.high:.4f}"] if interval else [None] * 2
    drawn = interval.drawn if interval else None
    return [
        *(row.kind, row.group, score.name, row.clips, f"{score.value:.4f}", *limits),
        *(drawn, score.signature),
    ]
