"""Means and spreads over seeds: runs of one command that differ in nothing else."""

import shlex
import statistics
from collections.abc import Sequence
from dataclasses import replace

from xlsr_sb.results.command import variant_of
from xlsr_sb.results.rows import ResultRow

MEAN, SPREAD = " mean", " sd"  # behind the name of a metric
ALL = "all"  # the group of all groups


def mean_rows(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Two rows, mean and standard deviation, for each command run with several seeds.

    Parameters
    ----------
    rows : sequence of ResultRow
        Of one seed the last row counts.

    Returns
    -------
    list of ResultRow
        Their command is without seed and folders, ``seed`` is the number of seeds, the
        commit is that of the last run, errors and totals are sums.

    Example
    -------
    >>> def row(seed, value):
    ...     return ResultRow("Toy/ASR", "a.yaml", "test", "fr", "CER", value, 1, 4, 12,
    ...                      100, 0.5, seed, "1a2b3c4",
    ...                      f"python train.py hparams/a.yaml --seed {seed}", "cpu",
    ...                      "2025-01-31")
    >>> mean, spread = mean_rows([row(1, 0.25), row(2, 0.75)])
    >>> mean.metric, mean.value, mean.command
    ('CER mean', 0.5, 'python train.py hparams/a.yaml')
    >>> spread.metric, round(spread.value, 3), spread.seed
    ('CER sd', 0.354, 2)
    """
    found: dict[tuple, dict[int, ResultRow]] = {}
    for row in rows:
        if not row.metric.endswith((MEAN, SPREAD)):
            names = row.recipe, row.hparams, row.split, row.group, row.metric
            key = *names, variant_of(row.command), row.updates
            found.setdefault(key, {})[row.seed] = row
    return [
        one
        for by_seed in found.values()
        if len(by_seed) > 1
        for one in _pair(list(by_seed.values()))
    ]


def _pair(rows: list[ResultRow]) -> list[ResultRow]:
    """Mean and standard deviation of one number over seeds."""
    last, values = rows[-1], [row.value for row in rows]
    shared = replace(
        last,
        errors=None if last.errors is None else sum(row.errors for row in rows),
        total=None if last.total is None else sum(row.total for row in rows),
        minutes=round(sum(row.minutes for row in rows), 1),
        seed=len(rows),
        command=variant_of(last.command),
    )
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    return [
        replace(shared, metric=last.metric + MEAN, value=round(mean, 6)),
        replace(shared, metric=last.metric + SPREAD, value=round(spread, 6)),
    ]


def means_table(rows: Sequence[ResultRow]) -> str:
    """Markdown table: a line a group, a column for each metric and variant.

    Parameters
    ----------
    rows : sequence of ResultRow
        Means and spreads (``mean_rows``); of each number the last row counts.

    Returns
    -------
    str
        Then one line for each variant that tells its command. ``all`` is left out
        where it is one group only.
    """
    rows = _without_doubles(rows)
    found = {(row.group, _label(row), row.metric): row for row in rows}
    groups = dict.fromkeys(row.group for row in rows)
    labels = dict.fromkeys(_label(row) for row in rows)
    metrics = dict.fromkeys(
        row.metric.removesuffix(MEAN) for row in rows if row.metric.endswith(MEAN)
    )
    letters = {label: chr(ord("A") + place) for place, label in enumerate(labels)}
    columns = [(label, metric) for metric in metrics for label in labels]
    titles = [f"{metric} % {letters[label]}" for label, metric in columns]
    lines = [
        [group, *(_cell(found, group, label, metric) for label, metric in columns)]
        for group in groups
    ]
    rule = f"|---|{'---:|' * len(columns)}"
    table = [_line(["group", *titles]), rule, *map(_line, lines)]
    runs = [f"{letters[label]}: `{label}`, {_origin(rows, label)}" for label in labels]
    return "\n".join(table) + "\n\n" + "\n\n".join(runs)


def _without_doubles(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Rows without those of ``all`` of commands that have one other group."""
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row.command, set()).add(row.group)
    return [
        row for row in rows if row.group != ALL or len(groups[row.command] - {ALL}) != 1
    ]


def _label(row: ResultRow) -> str:
    """Command of a row, with the name of its group made general."""
    words = shlex.split(row.command)
    return shlex.join("GROUP" if word == row.group else word for word in words)


def _cell(found: dict, group: str, label: str, metric: str) -> str:
    """Mean and spread in percent; nothing where there are none."""
    mean = found.get((group, label, metric + MEAN))
    spread = found.get((group, label, metric + SPREAD))
    if mean is None or spread is None:
        return ""
    return f"{100 * mean.value:.1f} ± {100 * spread.value:.1f}"


def _origin(rows: Sequence[ResultRow], label: str) -> str:
    """Seeds, updates, device, commits and dates behind a variant."""
    mine = [row for row in rows if _label(row) == label]

    def of(name: str) -> str:
        return ", ".join(dict.fromkeys(str(getattr(row, name)) for row in mine))

    return (
        f"mean ± standard deviation over {of('seed')} seeds, {of('updates')} updates "
        f"on {of('device')}, commit {of('commit')}, {of('date')}"
    )


def _line(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
