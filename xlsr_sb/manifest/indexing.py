"""Big manifests in one pass: where each row is, and the columns of plans as arrays."""

import csv
import io
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.files import check_columns
from xlsr_sb.manifest.checking import problem_of
from xlsr_sb.manifest.columns import Columns, Names
from xlsr_sb.manifest.reading import utterance_of
from xlsr_sb.manifest.utterance import CORPUS, REQUIRED


@dataclass(frozen=True, eq=False)
class Index:
    """Where the rows of a CSV file are, and what plans are made of.

    Parameters
    ----------
    names : tuple of str
        Of the CSV's columns.
    offsets : int64 array [N + 1]
        Byte at which each row starts, and the end of the file.
    columns : Columns [N]
    """

    names: tuple[str, ...]
    offsets: np.ndarray
    columns: Columns


def index_csv(path: Path) -> Index:
    r"""Read a manifest once, row by row, and check it as ``read_manifest`` does.

    Raises
    ------
    InputError
        As ``read_manifest``.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.csv"
    >>> _ = path.write_text("ID,duration,wav\na,2.5,a.wav\nb,1.5,b.wav\n")
    >>> index_csv(path).offsets.tolist()
    [16, 28, 40]
    """
    try:
        with path.open("rb") as file:
            return _indexed(file, path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error}") from error


class _Rows:
    """What is kept of each row while the file is read: 32 bytes."""

    def __init__(self) -> None:
        self.offsets, self.hashes = array("q"), array("q")
        self.durations = array("d")
        self.languages, self.corpora = array("i"), array("i")
        self.language_names: dict[bytes, int] = {}
        self.corpus_names: dict[bytes, int] = {}

    def columns(self) -> Columns:
        """Everything as arrays, without a copy."""
        names = ([one.decode() for one in known] for known in self._known())
        codes = (np.frombuffer(one, np.int32) for one in (self.languages, self.corpora))
        languages, corpora = map(Names, map(tuple, names), codes)
        return Columns(np.frombuffer(self.durations), languages, corpora)

    def _known(self) -> tuple[dict[bytes, int], ...]:
        """Names of languages and of corpora."""
        return self.language_names, self.corpus_names


def _indexed(file: BinaryIO, path: Path) -> Index:
    """Index of an open file. One pass with little work a row: there are millions."""
    header = file.readline()
    names = parse_row(header, f"{path}, line 1") if header.strip() else []
    check_columns(names, path, REQUIRED)
    places = {name: place for place, name in enumerate(names)}
    wanted = (*REQUIRED, "language", CORPUS, "start", "stop")
    # A column that is not there is the empty cell put after the last.
    id_, seconds, wav, language, corpus, start, stop = (
        places.get(name, len(names)) for name in wanted
    )
    rows = _Rows()
    for offset, line, cells in _cells(file, len(header), path):
        if len(cells) != len(names):
            raise InputError(
                f"{path}, line {line}: {len(cells)} values for {len(names)} columns; "
                f"a text with a comma needs quotes"
            )
        cells.append(b"")
        duration = _duration(cells[seconds])
        usable = 0 < duration < math.inf and cells[id_].strip() and cells[wav].strip()
        if not usable or cells[start] or cells[stop]:
            _check(cells[:-1], names, path, line)
        rows.offsets.append(offset)
        rows.durations.append(duration)
        known = rows.language_names
        rows.languages.append(known.setdefault(cells[language], len(known)))
        known = rows.corpus_names
        rows.corpora.append(known.setdefault(cells[corpus], len(known)))
        rows.hashes.append(hash(cells[id_]))
    if not rows.offsets:
        raise InputError(f"{path} is empty; it must hold at least one utterance")
    rows.offsets.append(file.tell())
    index = Index(tuple(names), np.frombuffer(rows.offsets, np.int64), rows.columns())
    _check_ids(file, path, index, np.frombuffer(rows.hashes, np.int64))
    return index


def _cells(
    file: BinaryIO, offset: int, path: Path
) -> Iterator[tuple[int, int, list[bytes]]]:
    """Offset, number of the last line and cells of each row."""
    number = 1
    for line in file:
        begin, offset, number = offset, offset + len(line), number + 1
        if b'"' not in line:
            cells = line.rstrip(b"\r\n").split(b",")
            if cells != [b""]:  # a blank line
                yield begin, number, cells
            continue
        while line.count(b'"') % 2:  # a text that goes on in the next line
            more = file.readline()
            if not more:
                raise InputError(f"{path}, line {number}: unexpected end of data")
            line += more
            offset, number = offset + len(more), number + 1
        cells = parse_row(line, f"{path}, line {number}")
        yield begin, number, [cell.encode() for cell in cells]


def parse_row(data: bytes, place: str) -> list[str]:
    r"""Cells of the one row of CSV that some bytes hold.

    Raises
    ------
    InputError
        Naming the place, if they hold something else.

    Example
    -------
    >>> parse_row(b'a,"oui, non"\n', "a.csv, line 2")
    ['a', 'oui, non']
    """
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
        rows = [row for row in csv.reader(text, strict=True) if row]
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: this is not UTF-8 text: {error}") from error
    except csv.Error as error:
        raise InputError(f"{place}: {error}") from error
    if len(rows) != 1:
        raise InputError(
            f"{place}: {len(rows)} rows stand where one was expected; a quotation mark "
            f"within a text must be doubled, and the text put between quotation marks"
        )
    return rows[0]


def _duration(cell: bytes) -> float:
    """Return the number, or one that is refused."""
    try:
        return float(cell)
    except ValueError:
        return -1.0


def _check(cells: Sequence[bytes], names: Sequence[str], path: Path, line: int) -> None:
    """Raise if an utterance is unusable by itself."""
    place = f"{path}, line {line}"
    row = {name: cell.decode() for name, cell in zip(names, cells, strict=True)}
    problem = problem_of(utterance_of(row, folder=path.parent, place=place))
    if problem:
        raise InputError(f"{place}: {problem}")


def _check_ids(file: BinaryIO, path: Path, index: Index, hashes: np.ndarray) -> None:
    """Raise if an ID comes twice."""
    in_order = np.sort(hashes)
    repeated = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
    first: dict[str, int] = {}
    for row in (
        np.flatnonzero(np.isin(hashes, repeated)).tolist() if len(repeated) else []
    ):
        start, stop = index.offsets[row : row + 2].tolist()
        file.seek(start)
        cells = parse_row(file.read(stop - start), str(path))
        name = cells[index.names.index("ID")]
        if name in first:
            lines = [_line(file, int(index.offsets[one])) for one in (row, first[name])]
            raise InputError(
                f"{path}, line {lines[0]}: the ID {name!r} stands on line {lines[1]} "
                f"already; every utterance needs an ID of its own"
            )
        first[name] = row


def _line(file: BinaryIO, offset: int) -> int:
    """Number of the line that starts at a byte."""
    file.seek(0)
    return 1 + file.read(offset).count(b"\n")
