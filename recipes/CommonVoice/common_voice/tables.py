"""The tables of a release, as it writes them: tabs between cells, nothing quoted."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines


def table_rows(path: Path, *, required: Sequence[str]) -> Iterator[dict[str, str]]:
    r"""Cells by column of each row.

    Quotation marks are characters like others, and often come alone; ``null`` is a
    word. A sentence with a line break goes on in the next line, and a tab inside of it
    has a backslash before it.

    Parameters
    ----------
    path : Path
        Table whose first line names the columns; which there are differs by release.
    required : sequence of str
        Columns that must be there.

    Raises
    ------
    InputError
        For a missing file or column, and a row that cannot be told from the next.

    Example
    -------
    >>> path = getfixture("tmp_path") / "test.tsv"
    >>> _ = path.write_text('path\tsentence\na.mp3\t"Oui\nb.mp3\tnull\n')
    >>> [row["sentence"] for row in table_rows(path, required=["path"])]
    ['"Oui', 'null']
    """
    lines = (line.rstrip("\r\n") for line in read_lines(path))
    columns = next(lines, "").split("\t")
    if missing := [name for name in required if name not in columns]:
        raise InputError(
            f"{path}, line 1: there is no column {', '.join(missing)}; the columns "
            f"are {', '.join(columns)}; is this table of a release of Common Voice?"
        )
    cells: list[str] = []
    first = 2  # line of the row
    for number, line in enumerate(lines, start=2):
        if not cells:
            first = number
            if not line:
                continue
        cells = _with_line(cells, line, len(columns))
        if len(cells) > len(columns):
            raise InputError(_misshapen(path, first, len(cells), len(columns)))
        if len(cells) == len(columns):
            yield dict(zip(columns, cells, strict=True))
            cells = []
    if cells:
        raise InputError(_misshapen(path, first, len(cells), len(columns)))


def _with_line(cells: list[str], line: str, num_columns: int) -> list[str]:
    """Cells of a row with those of one more line; the first goes on the last cell."""
    more = line.split("\t")
    if len(cells[1:]) + len(more) > num_columns:
        more = line.replace("\\\t", " ").split("\t")
    return [*cells[:-1], f"{cells[-1]} {more[0]}", *more[1:]] if cells else more


def _misshapen(path: Path, line: int, num_cells: int, num_columns: int) -> str:
    """Say that a row has too many or too few cells."""
    return (
        f"{path}, line {line}: {num_cells} cells for {num_columns} columns; a tab too "
        "many or too few stands there: mend this row, or fetch the table again"
    )
