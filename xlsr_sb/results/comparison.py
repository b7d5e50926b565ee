"""Rows of the benchmark as a table: a line for each work and library."""

from collections.abc import Sequence

from xlsr_sb.results.rows import ResultRow

RECIPE = "bench"  # in that column of the benchmark's rows
NAMES = ("hparams", "split", "group")
TITLES = ("model", "work", "beside")


def comparison_table(rows: Sequence[ResultRow]) -> str:
    """Markdown table of the benchmark's rows, then a line for each run behind it.

    Parameters
    ----------
    rows : sequence of ResultRow

    Returns
    -------
    str
        Columns of names that are the same in all lines are left out, but for ``work``.

    Example
    -------
    >>> def row(metric, value):
    ...     return ResultRow("bench", "300m", "bf16 inference", "torchaudio", metric,
    ...                      value, None, None, 4, 3, 20.0, 0, "1a2b3c4",
    ...                      "xlsr-sb bench", "cpu, 2 threads", "2025-01-31")
    >>> print(comparison_table([row("s", 2.5), row("speed x", 1.5)]))
    | work | s | speed x |
    |---|---:|---:|
    | bf16 inference | 2.50 | 1.50 |
    <BLANKLINE>
    `xlsr-sb bench`: median of 3 pairs, cpu, 2 threads, commit 1a2b3c4, 2025-01-31
    """
    shown = [
        place
        for place, name in enumerate(NAMES)
        if name == "split" or len({getattr(row, name) for row in rows}) > 1
    ]
    metrics = list(dict.fromkeys(row.metric for row in rows))
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for row in rows:
        key = tuple(getattr(row, NAMES[place]) for place in shown)
        found.setdefault(key, {})[row.metric] = row.value
    header = [*(TITLES[place] for place in shown), *metrics]
    lines = [
        [*key, *(number(values.get(metric)) for metric in metrics)]
        for key, values in found.items()
    ]
    rule = ["---"] * len(shown) + ["---:"] * len(metrics)
    table = [_line(header), f"|{'|'.join(rule)}|", *map(_line, lines)]
    runs = dict.fromkeys(map(_run_line, rows))
    return "\n".join(table) + "\n\n" + "\n\n".join(runs)


def number(value: float | None) -> str:
    """Three digits, or nothing for nothing.

    Example
    -------
    >>> [number(value) for value in (None, 0.04321, 3.0, 27.46, 4321.0)]
    ['', '0.0432', '3.00', '27.5', '4,321']
    """
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")


def _line(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _run_line(row: ResultRow) -> str:
    """How a row was made; the same for all rows of a run."""
    return (
        f"`{row.command}`: median of {row.updates} pairs, {row.device}, commit"
        f" {row.commit}, {row.date}"
    )
