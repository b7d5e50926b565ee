r"""The tables of both corpora, read in the dialect of the publisher's script.

Tabs between cells, nothing quoted, a backslash before a character that is meant as it
is (a tab, another backslash). Every cell is a text: ``null``, ``nan`` and ``NA`` are
words, and nothing is missing.
"""

import csv
import io
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines

ARCHIVE = ".tar.gz"


def table_rows(
    path: Path, *, required: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    r"""Number of the last line, and cells by column, of each row.

    Parameters
    ----------
    path : Path
        A table, or the archive ``<name of the table>.tar.gz`` of one.
    required : sequence of str
        Columns that must be there.

    Yields
    ------
    line : int
    cells : dict of str to str
        Those that a row lacks at its end are empty.

    Raises
    ------
    InputError
        For a file that cannot be read, a missing column, a row with too many cells.

    Example
    -------
    >>> path = getfixture("tmp_path") / "covost_v2.fr_en.tsv"
    >>> _ = path.write_text('path\ttranslation\na.mp3\t"Null\\\tvoid."\nb.mp3\tNA\n')
    >>> [row["translation"] for _, row in table_rows(path, required=["path"])]
    ['"Null\tvoid."', 'NA']
    """
    lines = _archived_lines(path) if path.name.endswith(ARCHIVE) else read_lines(path)
    reader = csv.reader(
        lines, delimiter="\t", quoting=csv.QUOTE_NONE, escapechar="\\", strict=True
    )
    try:
        columns = next(reader, [])
        if missing := [name for name in required if name not in columns]:
            raise InputError(
                f"{path}, line 1: there is no column {', '.join(missing)}; the columns "
                f"are {', '.join(columns) or 'none'}; fetch the table again"
            )
        for cells in reader:
            if len(cells) > len(columns):
                raise InputError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells for "
                    f"{len(columns)} columns; a tab too many stands there: mend this "
                    f"row, or fetch the table again"
                )
            if cells:  # no blank line
                cells += [""] * (len(columns) - len(cells))
                yield reader.line_num, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from error


def _archived_lines(path: Path) -> Iterator[str]:
    """Lines of the table in an archive, each with its own ending."""
    wanted = path.name.removesuffix(ARCHIVE)
    try:
        with tarfile.open(path, "r:gz") as archive:
            files = {Path(one.name).name: one for one in archive if one.isfile()}
            if wanted not in files:
                raise InputError(
                    f"{path} must hold {wanted}; it holds {', '.join(files) or 'none'}"
                )
            content = archive.extractfile(files[wanted])
            yield from io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise InputError(
            f"{path} is no complete archive ({error}); fetch it again"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {wanted} is not UTF-8 text: {error}") from error
