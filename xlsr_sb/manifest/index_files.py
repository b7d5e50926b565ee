"""The file beside a big manifest that keeps its index.

One line of JSON, filled up with spaces, then the arrays. It is valid as long as the
manifest has the same size and time of change.
"""

import json
import logging
from pathlib import Path

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic_binary
from xlsr_sb.manifest.columns import Columns, Names
from xlsr_sb.manifest.indexing import Index, index_csv

logger = logging.getLogger(__name__)
VERSION = 1
SUFFIX = ".columns"
ALIGNMENT = 64  # bytes; arrays are read where they lie


def load_index(path: Path) -> Index:
    r"""Index of a manifest: from the file beside it, which is made where it is missing.

    Its arrays are mapped, so that processes share their memory.

    Parameters
    ----------
    path : Path
        Of the CSV file.

    Raises
    ------
    InputError
        When the manifest cannot be read or used.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.csv"
    >>> _ = path.write_text("ID,duration,wav\na,2.5,a.wav\n")
    >>> load_index(path).columns.durations.tolist()
    [2.5]
    >>> sorted(file.name for file in path.parent.iterdir())
    ['a.csv', 'a.csv.columns']
    """
    kept, identity = path.with_name(path.name + SUFFIX), _identity(path)
    index = _read(kept, identity)
    if index is not None:
        return index
    logger.info("%s is indexed once", path)
    index = index_csv(path)
    try:
        _write(kept, index, identity)
    except InputError as error:
        logger.warning("%s; so the manifest will be indexed each time", error)
    return index


def _identity(path: Path) -> list[int]:
    """Size and time of change."""
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    return [status.st_size, status.st_mtime_ns]


def _write(path: Path, index: Index, identity: list[int]) -> None:
    """Write an index."""
    columns = index.columns
    header = {
        "version": VERSION,
        "manifest": identity,
        "count": len(columns.durations),
        "names": index.names,
        "languages": columns.languages.names,
        "corpora": columns.corpora.names,
    }
    line = json.dumps(header).encode()
    line += b" " * (-(len(line) + 1) % ALIGNMENT) + b"\n"
    codes = columns.languages.codes, columns.corpora.codes
    with open_atomic_binary(path) as file:
        file.write(line)
        for values in (index.offsets, columns.durations, *codes):
            file.write(np.ascontiguousarray(values))


def _read(path: Path, identity: list[int]) -> Index | None:
    """Index that a file keeps; None where it does not belong to the manifest."""
    try:
        with path.open("rb") as file:
            line = file.readline()
        header = json.loads(line)
        if (header["version"], header["manifest"]) != (VERSION, identity):
            return None
        count, start, arrays = header["count"], len(line), []
        fields = ((count + 1, "<i8"), (count, "<f8"), (count, "<i4"), (count, "<i4"))
        for size, kind in fields:
            values = np.memmap(path, kind, mode="r", offset=start, shape=(size,))
            arrays.append(values.view(np.ndarray))
            start += values.nbytes
    except (OSError, ValueError, KeyError, TypeError):
        return None
    languages = Names(tuple(header["languages"]), arrays[2])
    corpora = Names(tuple(header["corpora"]), arrays[3])
    columns = Columns(arrays[1], languages, corpora)
    return Index(tuple(header["names"]), arrays[0], columns)
