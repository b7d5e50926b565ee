"""What is known of each utterance, and the CSV files that hold it.

The columns have SpeechBrain's names. Everything after this stage reads manifests
only, whatever the corpus looked like.
"""

import csv
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic, read_rows

REQUIRED = ("ID", "duration", "wav")
COLUMNS = (*REQUIRED, "start", "stop", "spk_id", "language", "wrd")
TRANSLATION = "translation_"  # followed by a language code
FIRST_LINE = 2  # of the utterances: line 1 holds the column names


@dataclass(frozen=True, slots=True)
class Utterance:
    """One stretch of speech and what is known of it.

    Parameters
    ----------
    id : str
        Unique in its manifest.
    wav : str
        Path of the audio file.
    duration : float
        Length in seconds: of the segment where there is one, else of the file.
    start, stop : int, optional
        Segment in samples at the file's own rate, ``stop`` exclusive. Without them,
        from the first sample, up to the last.
    spk_id, language : str
        Empty where unknown.
    wrd : str
        Transcript.
    translations : mapping of str to str
        Text by language code.

    Example
    -------
    >>> Utterance(id="a", wav="a.wav", duration=2.0, wrd="bonjour").wrd
    'bonjour'
    """

    id: str
    wav: str
    duration: float
    start: int | None = None
    stop: int | None = None
    spk_id: str = ""
    language: str = ""
    wrd: str = ""
    translations: Mapping[str, str] = field(default_factory=dict, hash=False)


def write_manifest(path: str | Path, utterances: Sequence[Utterance]) -> None:
    """Check the utterances and write them as CSV, all of them or none.

    Audio paths are written as absolute paths, so that the manifest may stand
    anywhere.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.csv"
    >>> write_manifest(path, [Utterance("a", "/audio/a.wav", 2.0, language="fr")])
    >>> print(path.read_text(), end="")
    ID,duration,wav,start,stop,spk_id,language,wrd
    a,2.0,/audio/a.wav,,,,fr,
    """
    check_manifest(utterances, source=path)
    codes = sorted({code for one in utterances for code in one.translations})
    with open_atomic(path) as file:
        writer = csv.writer(_UnixLines(file))
        writer.writerow([*COLUMNS, *(TRANSLATION + code for code in codes)])
        writer.writerows(_cells(one, codes) for one in utterances)


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
            _utterance(row, folder=path.parent, place=f"{path}, line {line}")
        )
        lines.append(line)
    _check(utterances, lines, source=path)
    return utterances


def check_manifest(utterances: Sequence[Utterance], *, source: str | Path) -> None:
    """Raise an error for the first utterance that no later stage could use.

    Parameters
    ----------
    utterances : sequence of Utterance
        In the order of the manifest's lines.
    source : str or Path
        The manifest, as errors shall name it.

    Raises
    ------
    InputError
        For an empty manifest, an empty or repeated id, no audio path, a duration
        that is not a positive number, or an impossible segment.

    Example
    -------
    >>> check_manifest([Utterance("a", "a.wav", 0.0)], source="train.csv")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: train.csv, line 2: duration of 'a' is 0.0; it must be \
a positive number of seconds
    """
    _check(utterances, range(FIRST_LINE, FIRST_LINE + len(utterances)), source=source)


def _check(
    utterances: Sequence[Utterance], lines: Sequence[int], *, source: str | Path
) -> None:
    """Raise for the first unusable utterance, naming its line."""
    if not utterances:
        raise InputError(f"{source} is empty; it must hold at least one utterance")
    line_of: dict[str, int] = {}
    for one, line in zip(utterances, lines, strict=True):
        problem = _problem(one)
        if problem:
            raise InputError(f"{source}, line {line}: {problem}")
        if one.id in line_of:
            raise InputError(
                f"{source}, line {line}: the ID {one.id!r} stands on line "
                f"{line_of[one.id]} already; every utterance needs an ID of its own"
            )
        line_of[one.id] = line


def _problem(one: Utterance) -> str | None:
    """Say what makes one utterance unusable by itself."""
    if not one.id.strip():
        return "the ID is empty; every utterance needs one"
    if not one.wav.strip():
        return f"wav of {one.id!r} is empty; it must be the path of an audio file"
    if not (math.isfinite(one.duration) and one.duration > 0):
        return (
            f"duration of {one.id!r} is {one.duration}; "
            f"it must be a positive number of seconds"
        )
    start = 0 if one.start is None else one.start
    if start < 0:
        return f"start of {one.id!r} is {start}; it must be at least 0 samples"
    if one.stop is not None and start >= one.stop:
        return (
            f"the segment of {one.id!r} starts at {start} and stops at {one.stop}; "
            f"stop must be greater than start, both in samples"
        )
    return None


def _utterance(row: Mapping[str, str], *, folder: Path, place: str) -> Utterance:
    """Turn a row of cells into an utterance."""
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


class _UnixLines:
    r"""File for ``csv.writer``, which quotes ``\r`` only if its lines end in one."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> None:
        """Write a row with a plain line end."""
        self._file.write(row.removesuffix("\r\n") + "\n")


def _cells(one: Utterance, codes: Iterable[str]) -> list[str]:
    """Turn an utterance into the cells of its row."""
    bounds = ["" if bound is None else str(bound) for bound in (one.start, one.stop)]
    return [
        one.id,
        repr(float(one.duration)),
        os.path.abspath(one.wav),
        *bounds,
        one.spk_id,
        one.language,
        one.wrd,
        *(one.translations.get(code, "") for code in codes),
    ]
