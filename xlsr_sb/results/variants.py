"""Runs that differ in their command, side by side: a column for each."""

import shlex
from collections.abc import Callable, Sequence

from xlsr_sb.results.command import variant_of
from xlsr_sb.results.rows import MEAN, ResultRow, is_share
from xlsr_sb.results.tables import with_interval

ALL = "all"  # the group of all groups


def variants_table(rows: Sequence[ResultRow]) -> str:
    """Markdown table: a line a group, a column for each metric and command.

    Parameters
    ----------
    rows : sequence of ResultRow
        Of runs; of each number the last row counts.

    Returns
    -------
    str
        Then one line for each command. ``all`` is left out where it is one group only.

    Example
    -------
    >>> def row(flags, value):
    ...     return ResultRow("Toy/ASR", "a.yaml", "test", "fr", "CER", value, 1, 4, 12,
    ...                      100, 0.5, 1, "1a2b3c4", f"python train.py{flags}", "cpu",
    ...                      "2025-01-31")
    >>> print(variants_table([row("", 0.25), row(" --language fr", 0.125)]))
    | group | CER % A | CER % B |
    |---|---:|---:|
    | fr | 25.0 | 12.5 |
    <BLANKLINE>
    A: `python train.py`, 100 updates on cpu, seed 1, commit 1a2b3c4, 2025-01-31
    <BLANKLINE>
    B: `python train.py --language GROUP`, 100 updates on cpu, seed 1, commit 1a2b3c4, \
2025-01-31
    """
    found = {(row.group, label_of(row), row.metric): row for row in rows}

    def cell(group: str, label: str, metric: str) -> str:
        row = found.get((group, label, metric))
        return with_interval(row) if row else ""

    metrics = list(dict.fromkeys(row.metric for row in rows))
    return side_by_side(rows, metrics, cell=cell, origin=origin_of)


def side_by_side(
    rows: Sequence[ResultRow],
    metrics: Sequence[str],
    *,
    cell: Callable[[str, str, str], str],
    origin: Callable[[Sequence[ResultRow]], str],
) -> str:
    """Lay out a table of groups, metrics and commands.

    Parameters
    ----------
    rows : sequence of ResultRow
    metrics : sequence of str
        In the order of the columns.
    cell : callable
        Text for a group, a command and a metric.
    origin : callable
        What is told of a command's rows.

    Returns
    -------
    str
    """
    rows = _without_doubles(rows)
    groups = dict.fromkeys(row.group for row in rows)
    labels = dict.fromkeys(label_of(row) for row in rows)
    letters = {label: chr(ord("A") + place) for place, label in enumerate(labels)}
    columns = [(label, metric) for metric in metrics for label in labels]
    shares = {row.metric.removesuffix(MEAN) for row in rows if is_share(row)}
    titles = [
        f"{metric} {'% ' * (metric in shares)}{letters[label]}"
        for label, metric in columns
    ]
    lines = [
        [group, *(cell(group, label, metric) for label, metric in columns)]
        for group in groups
    ]
    rule = f"|---|{'---:|' * len(columns)}"
    table = [_line(["group", *titles]), rule, *map(_line, lines)]
    runs = [
        f"{letters[label]}: `{label}`, "
        + origin([row for row in rows if label_of(row) == label])
        for label in labels
    ]
    return "\n".join(table) + "\n\n" + "\n\n".join(runs)


def label_of(row: ResultRow) -> str:
    """Command of a row without seed and folders, the name of its group made general.

    Parameters
    ----------
    row : ResultRow

    Returns
    -------
    str
    """
    words = shlex.split(variant_of(row.command))
    return shlex.join("GROUP" if word == row.group else word for word in words)


def values_of(rows: Sequence[ResultRow], name: str) -> str:
    """Values of a column, each once.

    Parameters
    ----------
    rows : sequence of ResultRow
    name : str

    Returns
    -------
    str
    """
    return ", ".join(dict.fromkeys(f"{getattr(row, name)}" for row in rows))


def origin_of(rows: Sequence[ResultRow]) -> str:
    """Updates, seeds, device, commits and dates behind a command.

    Parameters
    ----------
    rows : sequence of ResultRow

    Returns
    -------
    str
    """
    updates = ", ".join(dict.fromkeys(f"{row.updates:,}" for row in rows))
    of = {name: values_of(rows, name) for name in ("device", "seed", "commit", "date")}
    return (
        f"{updates} updates on {of['device']}, seed {of['seed']}, commit "
        f"{of['commit']}, {of['date']}"
    )


def _without_doubles(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Rows without those of ``all`` of commands that have one other group."""
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row.command, set()).add(row.group)
    return [
        row for row in rows if row.group != ALL or len(groups[row.command] - {ALL}) != 1
    ]


def _line(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
