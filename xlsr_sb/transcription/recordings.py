"""Which recordings are meant by files, folders, lists and tables, and their names."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from xlsr_sb.data.slices import is_slice
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines, read_rows

# Those that cannot be read are named, not passed over.
AUDIO = (
    *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc"),
    *(".au", ".snd", ".caf", ".w64", ".rf64", ".sph", ".nist", ".m4a", ".aac", ".amr"),
    *(".wma", ".webm", ".mka"),
)
TABLE, LISTS = ".csv", (".txt", ".lst", ".list")
COLUMNS = ("wav", "path")  # either of them


@dataclass(frozen=True)
class Recording:
    """An audio file, or a segment of one.

    Parameters
    ----------
    path : str
    name : str
        Of what is written of it, in a folder; with ``/`` where folders are mirrored.
    shown : str
        What it is called on a line of output: its path, or its ID in a table.
    start, stop : int, optional
        Segment in samples at the file's own rate.
    text : str, optional
        What is said in it, if that is known.
    """

    path: str
    name: str
    shown: str
    start: int | None = None
    stop: int | None = None
    text: str | None = None


def find_recordings(
    places: Sequence[str], *, text_column: str | None = None
) -> list[Recording]:
    """Recordings in the order of the places; each comes once.

    Parameters
    ----------
    places : sequence of str
        Audio files; folders, with all audio in them and in theirs; lists of paths
        (.txt, .lst, .list) and tables (.csv) with a column ``wav`` or ``path``.
    text_column : str, optional
        Column of the tables with what is said.

    Raises
    ------
    InputError
        If a list cannot be read, a folder holds no audio, or texts are wanted of what
        is no table.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> for name in ("b.mp3", "a.wav", "notes.md"):
    ...     (folder / name).touch()
    >>> [recording.name for recording in find_recordings([str(folder)])]
    ['a', 'b']
    """
    if text_column is not None:
        others = [place for place in places if Path(place).suffix.lower() != TABLE]
        if others:
            raise InputError(
                f"--text {text_column}: {others[0]} has no columns; give a table "
                f"({TABLE}) with the columns wav and {text_column}"
            )
    found = [one for place in places for one in _of_place(place, text_column)]
    return list(dict.fromkeys(found))


def shown(path: str) -> str:
    r"""Path in characters that can be printed, whatever its bytes are.

    Example
    -------
    >>> shown("a\udce9.wav")
    'a\ufffd.wav'
    """
    return os.fsencode(path).decode("utf-8", errors="replace")


def check_names(recordings: Sequence[Recording]) -> None:
    """Raise if two recordings would be written to the same files.

    Raises
    ------
    InputError
        Naming both.

    Example
    -------
    >>> check_names(find_recordings(["x/a.wav", "y/a.wav"]))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: x/a.wav and y/a.wav would both be written to a.*; give \
the folder that they are in, or a table with an ID for each
    """
    known: dict[str, Recording] = {}
    for one in recordings:
        other = known.setdefault(one.name, one)
        if other is not one:
            raise InputError(
                f"{other.shown} and {one.shown} would both be written to {one.name}.*; "
                "give the folder that they are in, or a table with an ID for each"
            )


def _of_place(place: str, text_column: str | None) -> Iterator[Recording]:
    """Recordings of one argument."""
    suffix = Path(place).suffix.lower()
    if suffix == TABLE:
        yield from _of_table(Path(place), text_column)
    elif suffix in LISTS and not Path(place).is_dir():
        yield from _of_list(Path(place))
    elif Path(place).is_dir():
        yield from _of_folder(Path(place))
    else:
        yield Recording(place, _name(Path(place).name), shown(place))


def _of_folder(folder: Path) -> Iterator[Recording]:
    """All audio in a folder and its folders, but for what is hidden."""
    paths = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [
            Path(parent, name)
            for name in names
            if Path(name).suffix.lower() in AUDIO and not name.startswith(".")
        ]
    if not paths:
        raise InputError(
            f"{folder} holds no audio: no file of it ends in {', '.join(AUDIO)}"
        )
    for path in sorted(paths):
        yield Recording(
            str(path), _name(path.relative_to(folder).as_posix()), shown(str(path))
        )


def _of_list(path: Path) -> Iterator[Recording]:
    """Recordings of a file with a path a line; relative ones start at its folder."""
    for line in read_lines(path):
        if entry := line.strip():
            audio = os.path.join(path.parent, entry)
            yield Recording(audio, _name(entry), shown(audio))


def _of_table(path: Path, text_column: str | None) -> Iterator[Recording]:
    """Recordings of a table; relative paths start at its folder."""
    required = [] if text_column is None else [text_column]
    for line, row in read_rows(path, required=required):
        entry = next((row[name] for name in COLUMNS if row.get(name)), None)
        if entry is None:
            raise InputError(
                f"{path}, line {line}: there is no audio file; a column "
                f"{' or '.join(COLUMNS)} must name it"
            )
        audio = os.path.join(path.parent, entry)
        yield Recording(
            audio,
            _inside(row["ID"]) if row.get("ID") else _name(entry),
            shown(row.get("ID") or audio),
            _samples(row.get("start"), f"{path}, line {line}: start"),
            _samples(row.get("stop"), f"{path}, line {line}: stop"),
            None if text_column is None else row[text_column],
        )


def _samples(cell: str | None, place: str) -> int | None:
    """Bound of a segment, where there is one."""
    if not cell:
        return None
    if not cell.isdecimal():
        raise InputError(f"{place} is {cell!r}; it must be a whole number of samples")
    return int(cell)


def _name(path: str) -> str:
    """Name of a file, without its last suffix, as a path inside of a folder."""
    return _inside(path if is_slice(path) else os.path.splitext(path)[0])


def _inside(path: str) -> str:
    """Path that leads into a folder, not out of it."""
    whole = PurePath(os.path.normpath(path))
    parts = [part for part in whole.parts if part not in (whole.anchor, "..")]
    return PurePath(*parts).as_posix()
