"""Text files: rows and lines read with clear errors, written whole or not at all."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, TextIO

from xlsr_sb.errors import InputError


@contextmanager
def open_atomic(path: str | Path) -> Iterator[TextIO]:
    r"""Open a UTF-8 file for writing that takes its place only when it is whole.

    The text goes to a hidden sibling, is flushed to disk and renamed. Whatever
    interrupts that, a file that stood at ``path`` before stays as it was.

    Parameters
    ----------
    path : str or Path
        File to write; missing folders are made.

    Raises
    ------
    InputError
        When the file system refuses (full, read-only, a folder of that name).

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> with open_atomic(folder / "new" / "a.txt") as file:
    ...     print("bonjour", file=file)
    >>> (folder / "new" / "a.txt").read_text()
    'bonjour\n'
    """
    with _whole(path, "w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def open_atomic_binary(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file of bytes as ``open_atomic`` opens one of text.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.bin"
    >>> with open_atomic_binary(path) as file:
    ...     _ = file.write(b"bonjour")
    >>> path.read_bytes()
    b'bonjour'
    """
    with _whole(path, "wb") as file:
        yield file


@contextmanager
def _whole(path: str | Path, mode: str, **options) -> Iterator[IO]:
    """Open a hidden sibling that is renamed at the end."""
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open(mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path} cannot be written: {reason}") from error
    finally:
        if unfinished.parent.is_dir():
            unfinished.unlink(missing_ok=True)


def csv_writer(file: TextIO):
    r"""CSV writer with plain line ends, in whose cells anything can stand.

    Example
    -------
    >>> import sys
    >>> csv_writer(sys.stdout).writerow(["a", "oui, non"])
    a,"oui, non"
    """
    return csv.writer(_UnixLines(file))


class _UnixLines:
    r"""File for ``csv.writer``, which quotes ``\r`` only if its lines end in one."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> None:
        """Write a row with a plain line end."""
        self._file.write(row.removesuffix("\r\n") + "\n")


def read_lines(path: str | Path) -> Iterator[str]:
    r"""Lines of a UTF-8 text file, each with its own ending.

    Raises
    ------
    InputError
        When there is no such file, or it holds something else than text.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.txt"
    >>> _ = path.write_text("oui\nnon\n")
    >>> list(read_lines(path))
    ['oui\n', 'non\n']
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            yield from file
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error}") from error


def read_rows(
    path: str | Path, *, required: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    r"""Line number and cells by column of each row of a CSV file.

    Parameters
    ----------
    path : str or Path
        File whose first line names the columns. Blank lines are passed over.
    required : sequence of str
        Columns that must be there.

    Raises
    ------
    InputError
        Naming the file, the line, the value and what is allowed.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.csv"
    >>> _ = path.write_text("ID,wrd\na,oui\n")
    >>> list(read_rows(path, required=["ID"]))
    [(2, {'ID': 'a', 'wrd': 'oui'})]
    """
    reader = csv.reader(read_lines(path), strict=True)
    try:
        columns = next(reader, [])
        check_columns(columns, path, required)
        for cells in reader:
            if not cells:  # a blank line
                continue
            if len(cells) != len(columns):
                raise InputError(
                    f"{path}, line {reader.line_num}: {len(cells)} values for "
                    f"{len(columns)} columns; a text with a comma needs quotes"
                )
            yield reader.line_num, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from error


def check_columns(
    columns: Sequence[str], path: str | Path, required: Sequence[str]
) -> None:
    """Raise unless the required columns are there and none comes twice.

    Example
    -------
    >>> check_columns(["ID", "ID"], "a.csv", ["ID"])
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a.csv, line 1: the column ID comes twice
    """
    if not columns:
        raise InputError(f"{path} is empty; its first line must name the columns")
    missing = [name for name in required if name not in columns]
    if missing:
        raise InputError(
            f"{path}, line 1: there is no column {', '.join(missing)}; the columns "
            f"are {', '.join(columns)}; {', '.join(required)} must be among them, "
            f"separated by commas"
        )
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise InputError(f"{path}, line 1: the column {repeated[0]} comes twice")
