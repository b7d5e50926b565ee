"""Rows as tables: aligned text for the terminal, Markdown for a README."""

from collections.abc import Sequence
from dataclasses import replace

from xlsr_sb.results.rows import ResultRow, is_share, shown_value

NAMES = ("recipe", "hparams", "split")  # columns of their own where they differ


def summary_table(rows: Sequence[ResultRow]) -> str:
    """Aligned text, one line a group: clips, then each metric.

    Parameters
    ----------
    rows : sequence of ResultRow
        Of one run, usually.

    Returns
    -------
    str
        Shares of a count are in percent. The group ``all`` comes last.

    Example
    -------
    >>> def row(group, metric, errors, total):
    ...     return ResultRow("Toy/ASR", "demo.yaml", "test", group, metric,
    ...                      errors / total, errors, total, 12, 100, 0.5, 1986,
    ...                      "1a2b3c4", "make demo", "cpu", "2025-01-31")
    >>> rows = [row("fr", "WER", 1, 2), row("fr", "CER", 1, 8), row("all", "WER", 3, 4)]
    >>> print(summary_table(rows))
    group  clips  WER %  CER %
    fr        12   50.0   12.5
    all       12   75.0
    """
    lines = _grid(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    num_texts = lines[0].index("clips")
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < num_texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown_table(rows: Sequence[ResultRow]) -> str:
    """Markdown table of the groups and metrics, then a line for each run behind it.

    Parameters
    ----------
    rows : sequence of ResultRow

    Returns
    -------
    str

    Example
    -------
    >>> rows = [ResultRow("Toy/ASR", "demo.yaml", "test", "fr", "CER", 0.25, 1, 4, 12,
    ...                   1200, 0.5, 1986, "1a2b3c4", "make", "cpu", "2025-01-31")]
    >>> print(markdown_table(rows))
    | group | clips | CER % |
    |---|---:|---:|
    | fr | 12 | 25.0 |
    <BLANKLINE>
    `make`: 1,200 updates, 0.5 minutes on cpu, seed 1986, commit 1a2b3c4, 2025-01-31
    """
    header, *lines = _grid(rows)
    num_texts = header.index("clips")
    rule = ["---"] * num_texts + ["---:"] * (len(header) - num_texts)
    table = [_markdown_line(header), f"|{'|'.join(rule)}|", *map(_markdown_line, lines)]
    runs = dict.fromkeys(_run_line(row) for row in rows)
    return "\n".join(table) + "\n\n" + "\n\n".join(runs)


def with_interval(row: ResultRow) -> str:
    """Value of a row and, if it is known, its interval.

    Parameters
    ----------
    row : ResultRow

    Returns
    -------
    str

    Example
    -------
    >>> row = ResultRow("Toy/ST", "demo.yaml", "test", "fr_en", "BLEU", 20.25, None,
    ...                 None, 12, 1200, 0.5, 1986, "1a2b3c4", "make", "cpu",
    ...                 "2025-01-31", low=18.5, high=21.75)
    >>> with_interval(row)
    '20.2 (18.5 to 21.8)'
    """
    value = shown_value(row)
    if row.low is None or row.high is None:
        return value
    low, high = (shown_value(replace(row, value=end)) for end in (row.low, row.high))
    return f"{value} ({low} to {high})"


def latest_runs(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Rows of the last run of each leaf on each split.

    Parameters
    ----------
    rows : sequence of ResultRow
        In the order in which they were appended.

    Returns
    -------
    list of ResultRow

    Example
    -------
    >>> def row(seed, group):
    ...     return ResultRow("Toy/ASR", "demo.yaml", "test", group, "CER", 0.25, 1, 4,
    ...                      12, 100, 0.5, seed, "1a2b3c4", "make", "cpu", "2025-01-31")
    >>> [row.seed for row in latest_runs([row(1, "fr"), row(2, "fr"), row(2, "all")])]
    [2, 2]
    """
    last = {_names(row, NAMES): _run_line(row) for row in rows}
    return [row for row in rows if last[_names(row, NAMES)] == _run_line(row)]


def _grid(rows: Sequence[ResultRow]) -> list[list[str]]:
    """Cells of the table, its header first."""
    shown = [name for name in NAMES if len({getattr(row, name) for row in rows}) > 1]
    metrics = dict.fromkeys(row.metric for row in rows)
    found: dict[tuple[str, ...], dict[str, ResultRow]] = {}
    for row in rows:
        found.setdefault(_names(row, [*shown, "group"]), {})[row.metric] = row
    blocks = list(dict.fromkeys(names[:-1] for names in found))
    order = sorted(found, key=lambda names: (blocks.index(names[:-1]), _is_all(names)))
    header = [*shown, "group", "clips", *(_title(rows, metric) for metric in metrics)]
    return [header, *([*key, *_cells(found[key], metrics)] for key in order)]


def _cells(by_metric: dict[str, ResultRow], metrics: dict[str, None]) -> list[str]:
    """Clips and metrics of one line; nothing where a metric was not measured."""
    clips = max(row.clips for row in by_metric.values())
    values = [with_interval(row) if row else "" for row in map(by_metric.get, metrics)]
    return [f"{clips:,}", *values]


def _title(rows: Sequence[ResultRow], metric: str) -> str:
    """Metric with its unit."""
    share = any(is_share(row) for row in rows if row.metric == metric)
    return f"{metric} %" if share else metric


def _is_all(names: tuple[str, ...]) -> bool:
    """Tell whether the line sums up the others."""
    return names[-1] == "all"


def _names(row: ResultRow, columns: Sequence[str]) -> tuple[str, ...]:
    """Contents of these columns."""
    return tuple(getattr(row, column) for column in columns)


def _markdown_line(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _run_line(row: ResultRow) -> str:
    """How a row was made, in one sentence; the same for all rows of a run."""
    return (
        f"`{row.command}`: {row.updates:,} updates, {row.minutes:.1f} minutes on"
        f" {row.device}, seed {row.seed}, commit {row.commit}, {row.date}"
    )
