"""Lengths of clips: those that a release lists, else those in their headers."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from common_voice.tables import table_rows
from xlsr_sb.data.corpus import Note
from xlsr_sb.data.measuring import measured
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

LISTED = "clip_durations.tsv"  # of releases since 2023, in milliseconds
CLIP, DURATION = "clip", "duration"  # the latter with its unit in brackets


def listed_seconds(folder: Path, names: Iterable[str]) -> dict[str, float]:
    """Seconds of clips by file name, as far as the release lists them.

    Parameters
    ----------
    folder : Path
        Of the language.
    names : iterable of str
        Of the files that are asked for.
    """
    path = folder / LISTED
    if not path.exists():
        return {}
    wanted, seconds, column = set(names), {}, ""
    for row in table_rows(path, required=[CLIP]):
        column = column or _duration_column(path, row)
        if row[CLIP] in wanted and row[column].replace(".", "", 1).isdigit():
            seconds[row[CLIP]] = float(row[column]) / 1000
    return seconds


def _duration_column(path: Path, row: dict[str, str]) -> str:
    """Name of the column with the lengths."""
    if column := next((name for name in row if name.startswith(DURATION)), ""):
        return column
    raise InputError(
        f"{path}, line 1: there is no column {DURATION}[ms]; the columns are "
        f"{', '.join(row)}; without this file lengths are read from the clips"
    )


def with_lengths(
    clips: Sequence[Utterance],
    seconds: dict[str, float],
    *,
    name: str,
    is_scored: bool,
    unreadable: str,
    cache: str | Path | None,
) -> tuple[list[Utterance], Note]:
    """Clips with their lengths; only those without a listed one are opened.

    Parameters
    ----------
    clips : sequence of Utterance
    seconds : dict of str to float
        Of ``listed_seconds``. A clip of no bytes, or of a listed length of 0, has
        none: its header decides.
    name, is_scored, unreadable, cache
        See ``measured``.
    """
    sizes = _sizes([one.wav for one in clips])
    known = {
        one.id: replace(one, duration=listed)
        for one, size in zip(clips, sizes, strict=True)
        if size and (listed := seconds.get(Path(one.wav).name, 0.0)) > 0
    }
    opened, note = measured(
        [one for one in clips if one.id not in known],
        name=name,
        is_scored=is_scored,
        unreadable=unreadable,
        cache=cache,
    )
    known |= {one.id: one for one in opened}
    kept = [known[one.id] for one in clips if one.id in known]
    total = sum(one.duration for one in kept)
    return kept, replace(note, kept=len(kept), seconds=total)


def _sizes(paths: Sequence[str]) -> list[int]:
    """Bytes of each file; 0 where there is none."""
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        return list(pool.map(_size, paths))


def _size(path: str) -> int:
    """Bytes of a file; 0 if it is not there."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
