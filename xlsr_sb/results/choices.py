"""Runs that differ in a few flags: a line for each choice, a column for each number."""

import shlex
from collections.abc import Sequence

from xlsr_sb.results.command import variant_of
from xlsr_sb.results.rows import ResultRow, is_share
from xlsr_sb.results.tables import with_interval
from xlsr_sb.results.variants import origin_of

BASE = "as in the leaf"


def choices_table(rows: Sequence[ResultRow]) -> str:
    """Markdown table: a line a command, named by the flags that it has beyond others.

    Parameters
    ----------
    rows : sequence of ResultRow
        Of runs; of each number the last row counts.

    Returns
    -------
    str
        Then what the commands have in common.

    Example
    -------
    >>> def row(flags, value):
    ...     return ResultRow("Toy/LID", "a.yaml", "test", "all", "ERR", value, 1, 4, 12,
    ...                      100, 0.5, 1, "1a2b3c4", f"python train.py{flags}", "cpu",
    ...                      "2025-01-31")
    >>> print(choices_table([row("", 0.25), row(" --head.loss aam_softmax", 0.125)]))
    | choice | test: ERR % |
    |---|---:|
    | as in the leaf | 25.0 |
    | `--head.loss aam_softmax` | 12.5 |
    <BLANKLINE>
    `python train.py`: 100 updates on cpu, seed 1, commit 1a2b3c4, 2025-01-31
    """
    commands = list(dict.fromkeys(variant_of(row.command) for row in rows))
    found = {(variant_of(row.command), _column(row)): row for row in rows}
    columns = dict.fromkeys(map(_column, rows))
    titles = [_title(row) for row in {_column(row): row for row in rows}.values()]
    shared = _shared([shlex.split(command) for command in commands])
    lines = [["choice", *titles]]
    for command in commands:
        cells = [found.get((command, column)) for column in columns]
        own = shlex.join(shlex.split(command)[len(shared) :])
        name = f"`{own}`" if own else BASE
        lines.append([name, *(with_interval(cell) if cell else "" for cell in cells)])
    table = [_line(lines[0]), f"|---|{'---:|' * len(titles)}", *map(_line, lines[1:])]
    return "\n".join(table) + f"\n\n`{shlex.join(shared)}`: " + origin_of(rows)


def _shared(commands: Sequence[list[str]]) -> list[str]:
    """Words with which all commands begin."""
    shared = []
    for words in zip(*commands, strict=False):
        if len(set(words)) > 1:
            break
        shared.append(words[0])
    return shared


def _column(row: ResultRow) -> tuple[str, str, str]:
    """What a number is of."""
    return row.split, row.group, row.metric


def _title(row: ResultRow) -> str:
    """Column of a table; the group ``all`` goes without saying."""
    where = row.split if row.group == "all" else f"{row.split}, {row.group}"
    return f"{where}: {row.metric}{' %' * is_share(row)}"


def _line(cells: Sequence[str]) -> str:
    """Line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
