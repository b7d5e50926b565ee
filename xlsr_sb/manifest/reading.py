"""CSV to utterances."""

import os
from collections.abc import Mapping
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.files import read_rows
from xlsr_sb.manifest.checking import check_lines
from xlsr_sb.manifest.utterance import CORPUS, REQUIRED, TRANSLATION, Utterance


def read_manifest(path: str | Path) -> list[Utterance]:
    r"""Read and check a manifest.

    Only the columns ``ID``, ``duration`` and ``wav`` must be there; columns that
    mean nothing here are passed over. Relative audio paths start at the manifest's
    folder.

    Raises
    ------
    InputError
        Naming the file, the line, the value and what is allowed.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.csv"
    >>> _ = path.write_text("ID,duration,wav,wrd\na,2.5,/audio/a.wav,bonjour\n")
    >>> [(one.id, one.duration, one.wrd) for one in read_manifest(path)]
    [('a', 2.5, 'bonjour')]
    """
    path = Path(path)
    utterances, lines = [], []
    for line, row in read_rows(path, required=REQUIRED):
        utterances.append(
            utterance_of(row, folder=path.parent, place=f"{path}, line {line}")
        )
        lines.append(line)
    check_lines(utterances, lines, source=path)
    return utterances


def utterance_of(row: Mapping[str, str], *, folder: Path, place: str) -> Utterance:
    """Turn a row of cells into an utterance, which is not checked yet.

    Parameters
    ----------
    row : mapping of str to str
        Cells by column.
    folder : Path
        Where relative audio paths start.
    place : str
        Where the row stands, as errors shall name it.

    Example
    -------
    >>> row = {"ID": "a", "duration": "2.5", "wav": "a.wav"}
    >>> utterance_of(row, folder=Path("/audio"), place="train.csv, line 2").wav
    '/audio/a.wav'
    """
    return Utterance(
        id=row["ID"],
        wav=os.path.join(folder.absolute(), row["wav"]) if row["wav"].strip() else "",
        duration=_number(float, row["duration"], name="duration", place=place),
        start=_samples(row, "start", place=place),
        stop=_samples(row, "stop", place=place),
        spk_id=row.get("spk_id", ""),
        language=row.get("language", ""),
        wrd=row.get("wrd", ""),
        translations={
            name.removeprefix(TRANSLATION): text
            for name, text in row.items()
            if name.startswith(TRANSLATION) and text
        },
        corpus=row.get(CORPUS, ""),
    )


def _samples(row: Mapping[str, str], name: str, *, place: str) -> int | None:
    """Bound of a segment, where the row has one."""
    cell = row.get(name, "")
    return _number(int, cell, name=name, place=place) if cell.strip() else None


def _number(kind: type, cell: str, *, name: str, place: str):
    """Read a cell as a number of the given kind."""
    try:
        return kind(cell)
    except ValueError:
        unit = "a number of seconds" if kind is float else "a whole number of samples"
        raise InputError(f"{place}: {name} is {cell!r}; it must be {unit}") from None
