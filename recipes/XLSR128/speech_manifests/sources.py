"""Manifests of others and of ours, row by row."""

import csv
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xlsr_sb.data.audio import probe_audio
from xlsr_sb.data.slices import is_slice
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines, read_rows
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.manifest.table import SHARDS
from xlsr_sb.manifest.utterance import COLUMNS, CORPUS, REQUIRED

HEADER = (*COLUMNS, CORPUS)
LIST = ("path", "corpus", "language")  # columns of a list of manifests
ZIPPED = re.compile(r".*\.zip:\d+:\d+")


@dataclass(frozen=True)
class Source:
    """One manifest.

    Parameters
    ----------
    path : Path
        A tsv of fairseq, a CSV manifest, or a folder of shards.
    corpus, language : str
        Of all its utterances; empty for what its rows say.
    """

    path: Path
    corpus: str = ""
    language: str = ""

    @property
    def stands_alone(self) -> bool:
        """Whether it can be used as it is."""
        return not (self.corpus or self.language or self.path.suffix == ".tsv")


def read_list(path: Path) -> list[Source]:
    """Sources that a list names, or the only one if ``path`` is none.

    Raises
    ------
    InputError
        If the list names none, or one that is not there.
    """
    if path.is_dir() or path.suffix == ".tsv":
        return [Source(path)]
    columns = next(csv.reader(read_lines(path)), [])
    if "wav" in columns:
        return [Source(path)]
    if not columns:
        raise InputError(f"{path} is empty; its first line must name the columns")
    if unknown := sorted(set(columns) - set(LIST)):
        raise InputError(
            f"{path}, line 1: no manifest has the columns {', '.join(columns)} (those "
            f"of utterances are {', '.join(REQUIRED)}), nor has a list of manifests, "
            f"which has {', '.join(LIST)}; {', '.join(unknown)} is not among them"
        )
    sources = []
    for line, row in read_rows(path, required=LIST[:1]):
        name, corpus, language = (row.get(column, "").strip() for column in LIST)
        if not name or not (path.parent / name).exists():
            raise InputError(f"{path}, line {line}: there is no {name!r}")
        sources.append(Source(path.parent / name, corpus, language))
    if not sources:
        raise InputError(f"{path} names no manifest; it must have a row for each")
    return sources


def rows_of(source: Source) -> Iterator[list[str]]:
    """Cells of each utterance of a source, in the order of ``HEADER``.

    Of the first one the audio file is opened, so that a wrong folder is found at once.

    Raises
    ------
    InputError
        Naming the file and line that cannot be used.
    """
    is_tsv = source.path.suffix == ".tsv"
    rows = _rows_of_tsv(source.path) if is_tsv else _rows_of_csv(source.path)
    first = True
    for place, row in rows:
        if first:
            _check_audio(place, row, exact=is_tsv)
            first = False
        row[6] = source.language or row[6]
        row[8] = source.corpus or row[8]
        yield row
    if first:
        raise InputError(f"{source.path} lists no utterance; take it out of the list")


def _rows_of_tsv(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Rows of fairseq: the folder on the first line, then path, tab, samples."""
    lines = read_lines(path)
    root = path.parent / next(lines, "").rstrip("\r\n")
    for number, line in enumerate(lines, start=2):
        place = f"{path}, line {number}"
        name, _, samples = line.rstrip("\r\n").partition("\t")
        if not name or not samples.isdigit() or samples == "0":
            raise InputError(
                f"{place} is {line.rstrip()[:100]!r}; it must be a path, a tab and a "
                f"number of samples at {SAMPLE_RATE} Hz"
            )
        if ZIPPED.fullmatch(name) and not is_slice(name):
            raise InputError(
                f"{place}: {name} lies in a zip file, which is not read; unpack it, "
                "list its files, and pack them with `xlsr-sb shard`"
            )
        seconds = repr(int(samples) / SAMPLE_RATE)
        yield place, [name, seconds, os.path.join(root, name), *[""] * 6]


def _rows_of_csv(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Rows of a manifest or of a folder of shards, with whole paths."""
    if path.is_dir():
        path = path / SHARDS
        if not path.exists():
            raise InputError(
                f"{path.parent} is a folder without {SHARDS}; give a manifest, or a "
                "folder that `xlsr-sb shard` has finished"
            )
    folder = path.parent.absolute()
    for number, row in read_rows(path, required=REQUIRED):
        place = f"{path}, line {number}"
        cells = [row.get(name, "") for name in HEADER]
        for name, cell in zip(REQUIRED, cells, strict=False):
            if not cell.strip():
                raise InputError(f"{place}: {name} is empty")
        cells[2] = os.path.join(folder, cells[2])
        cells[7] = ""  # nobody reads the texts
        yield place, cells


def _check_audio(place: str, row: list[str], *, exact: bool) -> None:
    """Raise unless an audio file is what its row says."""
    try:
        info = probe_audio(row[2])
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    if exact and (info.sample_rate, info.duration) != (SAMPLE_RATE, float(row[1])):
        raise InputError(
            f"{place}: {row[2]} has {info.num_samples} samples at {info.sample_rate} "
            f"Hz; the tsv must say how many there are, and at {SAMPLE_RATE} Hz"
        )
