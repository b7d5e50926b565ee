"""Tables of a README, kept equal to RESULTS.csv between two marker comments.

A block is ``<!-- results:NAME -->``, the table, ``<!-- /results -->``. NAME chooses the
rows by their columns, as ``recipe=Toy/ASR hparams=demo.yaml split=test|dev``; of each
leaf and split the last run is shown. With ``means`` in front, the means over seeds are;
with ``variants``, runs by other commands have columns of their own, with ``choices``
lines.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic
from xlsr_sb.results.choices import choices_table
from xlsr_sb.results.comparison import RECIPE, comparison_table
from xlsr_sb.results.means import means_table
from xlsr_sb.results.rows import COLUMNS, MEAN, SPREAD, ResultRow, read_rows
from xlsr_sb.results.tables import latest_runs, markdown_table
from xlsr_sb.results.variants import variants_table

_OPENING = "<!-- results:{} -->"
_CLOSING = "<!-- /results -->"
MEANS, VARIANTS, CHOICES = "means ", "variants ", "choices "
_NAME = re.compile(_OPENING.format("(.*?)"))


def render_between_markers(text: str, name: str, table: str) -> str:
    """Text in which the block of that name holds the table.

    Parameters
    ----------
    text : str
        Of a README.
    name : str
        What stands after ``results:`` in the opening marker.
    table : str

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the text has no such block, or one without its closing marker.

    Example
    -------
    >>> text = "<!-- results:seed=1 -->old<!-- /results -->"
    >>> print(render_between_markers(text, "seed=1", "new"))
    <!-- results:seed=1 -->
    <BLANKLINE>
    new
    <BLANKLINE>
    <!-- /results -->
    """
    opening = _OPENING.format(name)
    before, *blocks = text.split(opening)
    if not blocks:
        raise InputError(f"there is no block {opening}; write it and {_CLOSING} first")
    rendered = [before]
    for block in blocks:
        old, closing, after = block.partition(_CLOSING)
        if not closing or _NAME.search(old):
            raise InputError(f"the block {opening} is not closed by {_CLOSING}")
        rendered.append(f"{opening}\n\n{table}\n\n{_CLOSING}{after}")
    return "".join(rendered)


def check_readme(readme_path: str | Path, results_path: str | Path) -> int:
    """Count the blocks of a README, all of which equal their rendering.

    Parameters
    ----------
    readme_path, results_path : path

    Returns
    -------
    int

    Raises
    ------
    InputError
        If a block differs, is not closed, or chooses no row; the message names it.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "README.md").write_text("No table at all.")
    ...     check_readme(f"{folder}/README.md", f"{folder}/RESULTS.csv")
    0
    """
    text = Path(readme_path).read_text(encoding="utf-8")
    names = _names(text)
    for name in names:
        if _rendered(text, name, readme_path, results_path) != text:
            raise InputError(
                f"{readme_path}: the block {_OPENING.format(name)} differs from"
                f" {results_path}; render it again, do not edit it"
            )
    return len(names)


def update_readme(readme_path: str | Path, results_path: str | Path) -> int:
    """Render every block of a README anew and return their number.

    Parameters
    ----------
    readme_path, results_path : path

    Returns
    -------
    int

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "README.md").write_text("No table at all.")
    ...     update_readme(f"{folder}/README.md", f"{folder}/RESULTS.csv")
    0
    """
    text = Path(readme_path).read_text(encoding="utf-8")
    names = _names(text)
    for name in names:
        text = _rendered(text, name, readme_path, results_path)
    with open_atomic(Path(readme_path).resolve()) as file:
        file.write(text)
    return len(names)


def choose_rows(rows: Sequence[ResultRow], name: str) -> list[ResultRow]:
    """Rows that have all the values of a filter such as ``seed=1 split=test``.

    Parameters
    ----------
    rows : sequence of ResultRow
    name : str
        ``column=value`` pairs with spaces between them; several values of a column have
        ``|`` between them. The mean and the spread of a metric are chosen by its name.

    Returns
    -------
    list of ResultRow

    Raises
    ------
    InputError
        If a column does not exist.

    Example
    -------
    >>> choose_rows([], "sede=1")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: results:sede=1: 'sede' is no column of a results \
file; it has recipe, hparams, split, group, metric, value, errors, total, clips, \
updates, minutes, seed, commit, command, device, date, low, high
    """
    wanted = dict(pair.partition("=")[::2] for pair in name.split())
    for column in wanted:
        if column not in COLUMNS:
            raise InputError(
                f"results:{name}: {column!r} is no column of a results file;"
                f" it has {', '.join(COLUMNS)}"
            )
    return [
        row
        for row in rows
        if all(
            _cell(row, column) in value.split("|") for column, value in wanted.items()
        )
    ]


def _cell(row: ResultRow, column: str) -> str:
    """Value of a column, as a filter names it."""
    value = str(getattr(row, column))
    if column == "metric":
        return value.removesuffix(MEAN).removesuffix(SPREAD)
    return value


def _names(text: str) -> list[str]:
    """Names of the blocks, each once."""
    return list(dict.fromkeys(_NAME.findall(text)))


def _rendered(text: str, name: str, readme_path, results_path) -> str:
    """Text with the blocks of that name rendered; errors name the README."""
    try:
        wants_means = name.startswith(MEANS)
        filters = name.removeprefix(MEANS).removeprefix(VARIANTS).removeprefix(CHOICES)
        rows = choose_rows(read_rows(results_path), filters)
        rows = [
            row for row in rows if row.metric.endswith((MEAN, SPREAD)) == wants_means
        ]
        if not rows:
            raise InputError(f"results:{name} chooses no row of {results_path}")
        return render_between_markers(text, name, _table_of(name)(rows))
    except InputError as error:
        raise InputError(f"{readme_path}: {error}") from None


def _table_of(name: str) -> Callable[[list[ResultRow]], str]:
    """What makes the table of a block."""
    kinds = {MEANS: means_table, VARIANTS: variants_table, CHOICES: choices_table}
    found = [table for kind, table in kinds.items() if name.startswith(kind)]
    return found[0] if found else _latest_table


def _latest_table(rows: list[ResultRow]) -> str:
    """Table of the last run of each leaf and split."""
    rows = latest_runs(rows)
    is_bench = all(row.recipe == RECIPE for row in rows)
    return comparison_table(rows) if is_bench else markdown_table(rows)
