"""Means and spreads over seeds: runs of one command that differ in nothing else."""

import statistics
from collections.abc import Sequence
from dataclasses import replace

from xlsr_sb.results.command import variant_of
from xlsr_sb.results.rows import MEAN, SPREAD, ResultRow, shown_value
from xlsr_sb.results.variants import label_of, side_by_side, values_of


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
        low=None,  # a spread over seeds is no interval over utterances
        high=None,
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
    found = {(row.group, label_of(row), row.metric): row for row in rows}

    def cell(group: str, label: str, metric: str) -> str:
        mean = found.get((group, label, metric + MEAN))
        spread = found.get((group, label, metric + SPREAD))
        if mean is None or spread is None:
            return ""
        return f"{shown_value(mean)} ± {shown_value(spread)}"

    names = [row.metric for row in rows if row.metric.endswith(MEAN)]
    metrics = dict.fromkeys(name.removesuffix(MEAN) for name in names)
    return side_by_side(rows, list(metrics), cell=cell, origin=_origin)


def _origin(rows: Sequence[ResultRow]) -> str:
    """Seeds, updates, device, commits and dates behind a variant."""
    of = {name: values_of(rows, name) for name in ("seed", "updates", "device")}
    return (
        f"mean ± standard deviation over {of['seed']} seeds, {of['updates']} updates "
        f"on {of['device']}, commit {values_of(rows, 'commit')}, "
        f"{values_of(rows, 'date')}"
    )
