"""``xlsr-sb score``: error rates of texts that anything has recognised."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xlsr_sb.cli.parsing import add_command
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines
from xlsr_sb.manifest import read_manifest
from xlsr_sb.metrics import (
    METRICS,
    ErrorCounts,
    ScoreRow,
    count_errors,
    paired_difference,
    read_trn,
    score_table,
    write_score_table,
)
from xlsr_sb.metrics.table import SPEAKER

SHOWN = 5  # names in an error
TITLE = "group\tmetric\tclips\tunits\terrors\tsub\tdel\tins\t%\t95 % of draws"


def add_to(commands) -> None:
    """Add the command ``score`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args("score ref.trn hyp.trn".split()).metric
    ['WER', 'CER']
    """
    parser = add_command(commands, "score", _score)
    text = "NIST's .trn, a manifest (.csv), or text with an utterance a line"
    parser.add_argument("reference", metavar="REF", help=f"what was said: {text}")
    parser.add_argument(
        "hypotheses",
        nargs="+",
        metavar="HYP",
        help="what was recognised, likewise; a second system is compared with the "
        "first, on the same draws of utterances",
    )
    parser.add_argument(
        "--metric",
        nargs="+",
        choices=METRICS,
        default=["WER", "CER"],
        help="PER: symbols with spaces between; default: WER CER",
    )
    parser.add_argument(
        "--missing",
        choices=("error", "deleted"),
        default="error",
        help="utterances without hypothesis: they count as errors, or the "
        "scoring stops; default: %(default)s",
    )
    parser.add_argument(
        "--speakers", action="store_true", help="a line for each speaker as well"
    )
    parser.add_argument("--to", help="CSV file for all scores of the first system")


@dataclass(frozen=True)
class _Texts:
    """Texts by a name that both sides have, and what is known of the utterances."""

    texts: dict[tuple[str, str], str]
    languages: list[str]
    speakers: list[str]


def _score(arguments: argparse.Namespace) -> None:
    """Count the errors of recognised texts, with intervals by bootstrap."""
    if len(arguments.hypotheses) > 2:
        raise InputError(
            f"{len(arguments.hypotheses)} systems are given; two can be compared"
        )
    reference = _read(arguments.reference)
    systems = [
        _counts(reference, arguments, path)  # of each metric
        for path in arguments.hypotheses
    ]
    rows = score_table(
        systems[0], languages=reference.languages, speakers=reference.speakers
    )
    print(TITLE)
    for row in rows:
        if row.score.total and (row.kind != SPEAKER or arguments.speakers):
            print(_line(row))
    if len(systems) == 2:
        for pair in zip(*systems, strict=True):
            print(_comparison(*pair, reference.speakers))
    if arguments.to:
        write_score_table(arguments.to, rows)
        print(arguments.to)


def _read(path: str) -> _Texts:
    """Texts of a file, by speaker and id; by the number of their line in plain text."""
    suffix = Path(path).suffix
    if suffix == ".csv":
        rows = [(u.spk_id, u.id, u.wrd, u.language) for u in read_manifest(path)]
        # Other tools' hypotheses do not always know the speaker; ids are unique here.
        keys = [("", name) for _, name, _, _ in rows]
    elif suffix == ".trn":
        rows = [(one.speaker, one.id, one.text, "") for one in read_trn(path)]
        keys = [(speaker, name) for speaker, name, _, _ in rows]
    else:
        rows = [("", "", line, "") for line in read_lines(path)]
        keys = [("line", str(number)) for number in range(1, len(rows) + 1)]
    if not any(text.strip() for _, _, text, _ in rows):
        raise InputError(f"{path} holds no text; there is nothing to score")
    texts = {key: row[2] for key, row in zip(keys, rows, strict=True)}
    return _Texts(texts, [row[3] for row in rows], [row[0] for row in rows])


def _counts(
    reference: _Texts, arguments: argparse.Namespace, path: str
) -> list[ErrorCounts]:
    """Errors of a system, of each metric."""
    found = _read(path).texts
    for first, there, other, absent in (
        (arguments.reference, reference.texts, path, found),
        (path, found, arguments.reference, reference.texts),
    ):
        lacking = [key for key in there if key not in absent]
        is_allowed = arguments.missing == "deleted" and first == arguments.reference
        if lacking and not is_allowed:
            raise InputError(_lacking(lacking, first, other))
    hypotheses = [found.get(key, "") for key in reference.texts]
    references = list(reference.texts.values())
    return [count_errors(name, references, hypotheses) for name in arguments.metric]


def _lacking(keys: Sequence[tuple[str, str]], there: str, absent: str) -> str:
    """What is said of utterances that are in one file only."""
    names = ", ".join(" ".join(filter(None, key)) for key in keys[:SHOWN])
    more = " ..." if len(keys) > SHOWN else ""
    return (
        f"{len(keys)} utterances of {there} are not in {absent}: {names}{more}; names "
        "and number of utterances must be the same in both (--missing deleted counts "
        "utterances without hypothesis as errors)"
    )


def _line(row: ScoreRow) -> str:
    """One line of the table."""
    score, interval = row.score, row.interval
    shown = f"{100 * interval.low:.2f} to {100 * interval.high:.2f}" if interval else ""
    counts = (row.clips, score.total, score.errors, *score.parts)
    cells = [row.group, score.name, *counts, f"{100 * score.value:.2f}", shown]
    return "\t".join(map(str, cells))


def _comparison(
    first: ErrorCounts, second: ErrorCounts, speakers: Sequence[str]
) -> str:
    """One line about the second system."""
    found = paired_difference(first, second, speakers=speakers)
    return (
        f"second system: {first.metric} {100 * second.score().value:.2f} %, "
        f"{100 * found.value:+.2f} (95 % of the draws of {found.drawn}: "
        f"{100 * found.low:+.2f} to {100 * found.high:+.2f}), better in "
        f"{100 * found.improvement:.0f} % of the draws"
    )
