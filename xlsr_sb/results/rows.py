"""Rows of RESULTS.csv: one number of one run, with what is needed to make it again."""

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import Field, astuple, dataclass, fields
from io import StringIO
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic

try:
    import fcntl
except ImportError:  # on Windows: one run at a time there
    fcntl = None


@dataclass(frozen=True)
class ResultRow:
    """One number of one finished run.

    Parameters
    ----------
    recipe : str
        Folder below ``recipes/``, as ``Toy/ASR``.
    hparams : str
        Name of the leaf file, as ``demo.yaml``.
    split : str
        Test set that was scored.
    group : str
        Language, or ``all``.
    metric : str
        ``WER``, ``CER``...
    value : float
        The metric itself: 0.25, not 25, where it is a share.
    errors, total : int or None
        Counts that a share was made of; None for a metric without them.
    clips : int
        Utterances scored.
    updates : int
        Optimiser updates of the run.
    minutes : float
        Wall time of the run.
    seed : int
    commit, command, device, date : str
        Code, command line, machine and day (``2025-01-31``) of the run.
    low, high : float or None
        Ends of the 95 % interval of the value, by a bootstrap over the test set.

    Example
    -------
    >>> row = ResultRow("Toy/ASR", "demo.yaml", "test", "fr", "CER", 0.25, 1, 4, 1,
    ...                 100, 0.5, 1986, "1a2b3c4", "make demo", "cpu", "2025-01-31")
    >>> row.group, row.value, row.updates
    ('fr', 0.25, 100)
    """

    recipe: str
    hparams: str
    split: str
    group: str
    metric: str
    value: float
    errors: int | None
    total: int | None
    clips: int
    updates: int
    minutes: float
    seed: int
    commit: str
    command: str
    device: str
    date: str
    low: float | None = None
    high: float | None = None


MEAN, SPREAD = " mean", " sd"  # behind the name of a metric, over seeds
COSTS = ("minDCF", "actDCF", "Cllr", "minCllr")  # about 0 to 1, and no shares
COLUMNS = tuple(field.name for field in fields(ResultRow))
OLD_COLUMNS = COLUMNS[:-2]  # of earlier versions, without intervals


def is_share(row: ResultRow) -> bool:
    """Tell whether the value is a share of a count, and shown in percent.

    Parameters
    ----------
    row : ResultRow

    Returns
    -------
    bool
    """
    return row.total is not None


def shown_value(row: ResultRow) -> str:
    """Value as tables have it: one decimal, of a share in percent; of a cost three."""
    if row.metric.startswith(COSTS):
        return f"{row.value:.3f}"
    return f"{row.value * (100 if is_share(row) else 1):.1f}"


_PARSERS = {
    **{kind: kind for kind in (str, int, float)},
    int | None: lambda cell: int(cell) if cell else None,
    float | None: lambda cell: float(cell) if cell else None,
}


def append_rows(
    path: str | Path,
    rows: Iterable[ResultRow],
    *,
    keep: Callable[[ResultRow], bool] = lambda _: True,
) -> None:
    """Add rows at the end of a results file, which is made if it does not exist.

    The file is replaced in one step: a run killed at any instant leaves the old file
    or the new one. Runs that end together wait for each other.

    Parameters
    ----------
    path : path
    rows : iterable of ResultRow
    keep : callable
        Which of the old rows stay; all by default.

    Raises
    ------
    InputError
        If the file holds something else, or a row cannot be read back; the file is
        left as it was.

    Example
    -------
    >>> import tempfile
    >>> row = ResultRow("Toy/ASR", "demo.yaml", "test", "fr", "CER", 0.25, 1, 4, 1,
    ...                 100, 0.5, 1986, "1a2b3c4", "make demo", "cpu", "2025-01-31")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     append_rows(f"{folder}/RESULTS.csv", [row])
    ...     append_rows(f"{folder}/RESULTS.csv", [row])
    ...     read_rows(f"{folder}/RESULTS.csv") == [row, row]
    True
    """
    path = Path(path).resolve()  # through a link, so that the link stays one
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.parent):
        old_rows = list(filter(keep, read_rows(path))) if path.exists() else []
        lines = [_cells(row) for row in [*old_rows, *rows]]
        for cells in lines[len(old_rows) :]:
            _row(cells, "a new result")  # else nobody could read the file again
        table = StringIO()
        csv.writer(table, lineterminator="\n").writerows([COLUMNS, *lines])
        with open_atomic(path) as file:
            file.write(table.getvalue())


def read_rows(path: str | Path) -> list[ResultRow]:
    """Rows of a results file, in its order.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of ResultRow

    Raises
    ------
    InputError
        If the file, its header or a cell is not as ``append_rows`` wrote it.

    Example
    -------
    >>> read_rows("RESULTS-of-nobody.csv")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: RESULTS-of-nobody.csv: no such results file
    """
    reader = csv.reader(StringIO(_text(Path(path)), newline=""))
    header = next(reader, [])
    if tuple(header) not in (COLUMNS, OLD_COLUMNS):
        raise InputError(
            f"{path}, line 1: the header is {','.join(header)[:200]!r}; a results file"
            f" has {','.join(COLUMNS)!r}; move this file away or correct the line"
        )
    lines = ((f"{path}, line {reader.line_num}", cells) for cells in reader)
    return [_row(cells, place, len(header)) for place, cells in lines if cells]


def _text(path: Path) -> str:
    """Text of a file that has to be there and to be UTF-8."""
    if not path.is_file():
        raise InputError(f"{path}: no such results file")
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = 1 + content[: error.start].count(b"\n")
        raise InputError(f"{path}, line {line}: this is not UTF-8 text") from None


def _cells(row: ResultRow) -> list[str]:
    """Cells of one row; ``_row`` reads them back."""
    return ["" if value is None else str(value) for value in astuple(row)]


def _row(cells: Sequence[str], place: str, columns: int = len(COLUMNS)) -> ResultRow:
    """One row out of its cells; errors name the ``place`` they stand at."""
    if len(cells) != columns:
        raise InputError(f"{place}: {len(cells)} cells; there must be {columns}")
    known = zip(fields(ResultRow)[:columns], cells, strict=True)
    return ResultRow(*(_value(field, cell, place) for field, cell in known))


def _value(field: Field, cell: str, place: str) -> str | int | float | None:
    """Content of one cell."""
    try:
        return _PARSERS[field.type](cell)
    except ValueError:
        raise InputError(
            f"{place}: {field.name} is {cell!r}; it must be a number"
        ) from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of ``folder`` for a moment, without leaving a lock file."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # NFS locks no folder; better unlocked than lost
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
