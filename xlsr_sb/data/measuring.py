"""Lengths of many recordings, read from their headers once and remembered."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import astuple, replace
from pathlib import Path

from tqdm import tqdm

from xlsr_sb.data.audio import AudioInfo, probe_audio
from xlsr_sb.data.corpus import Note
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

ERROR, COUNT = UNREADABLE = ("error", "count")
SHOWN = 10  # problems listed in an error
ADVICE = (
    "fetch or mend these files, or prepare with `unreadable: count`: they are then "
    "left out of training, and in test sets they count as errors"
)


def measured(
    utterances: Sequence[Utterance],
    *,
    name: str,
    is_scored: bool,
    unreadable: str = ERROR,
    cache: str | Path | None = None,
) -> tuple[list[Utterance], Note]:
    """Utterances with the lengths of their recordings.

    Parameters
    ----------
    utterances : sequence of Utterance
        One recording each; their ``duration`` is not looked at.
    name : str
        Of the group, for the note and errors.
    is_scored : bool
        Whether this is a set that is scored: none of its utterances may get lost.
    unreadable : str
        What becomes of recordings that are missing or damaged. ``error``: the first
        ones are named and nothing is prepared. ``count``: they are left out of
        training; in a set that is scored they stay, with a duration of 0, which later
        stages take for a recording of which nothing was understood.
    cache : str or Path, optional
        File that remembers lengths, so that an interrupted preparation goes on.

    Returns
    -------
    utterances : list of Utterance
    note : Note

    Raises
    ------
    InputError
        For recordings that cannot be read, and for an unknown ``unreadable``.

    Example
    -------
    >>> import numpy as np, soundfile
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "a.wav", np.zeros(8_000), 16_000)
    >>> clips = [Utterance(x, str(folder / f"{x}.wav"), 0.0) for x in "ab"]
    >>> options = {"name": "fr test", "is_scored": True, "unreadable": "count"}
    >>> [clip.duration for clip in measured(clips, **options)[0]]
    [0.5, 0.0]
    """
    if unreadable not in UNREADABLE:
        raise InputError(f"unreadable must be one of {UNREADABLE}, got {unreadable!r}")
    kept, problems = [], []
    found = probe_all([one.wav for one in utterances], cache=cache)
    for one, info in zip(utterances, found, strict=True):
        if isinstance(info, AudioInfo):
            kept.append(replace(one, duration=info.duration))
            continue
        problems.append(f"{one.id}: {info}")
        if is_scored:
            kept.append(replace(one, duration=0.0))
    if problems and unreadable == ERROR:
        raise InputError(listed(name, problems))
    reason = "unreadable, counted as errors" if is_scored else "unreadable"
    seconds = sum(one.duration for one in kept)
    return kept, Note(name, len(kept), seconds, {reason: len(problems)})


def listed(name: str, problems: Sequence[str]) -> str:
    """One message of several recordings that cannot be read.

    Example
    -------
    >>> print(listed("fr test", ["a: a.wav: there is no such file"]))
    fr test: 1 recordings cannot be read:
      a: a.wav: there is no such file
      fetch or mend these files, or prepare with `unreadable: count`: they are then \
left out of training, and in test sets they count as errors
    """
    more = len(problems) - SHOWN
    lines = [*problems[:SHOWN], *([f"... and {more} more"] if more > 0 else []), ADVICE]
    return "\n  ".join([f"{name}: {len(problems)} recordings cannot be read:", *lines])


def probe_all(
    paths: Iterable[str], *, cache: str | Path | None = None
) -> list[AudioInfo | str]:
    """Headers of many files, read by several threads.

    Parameters
    ----------
    paths : iterable of str
        The same file may come several times.
    cache : str or Path, optional
        Lines are added to this file as headers are read, and files whose size has not
        changed are not opened again.

    Returns
    -------
    list of AudioInfo or str
        In the order of the paths; a text says what is wrong with a file.
    """
    paths = list(paths)
    known = _remembered(cache) if cache else {}
    found: dict[str, AudioInfo | str] = {}
    missing = []
    for path in dict.fromkeys(paths):
        size, info = known.get(path, (None, None))
        if info is not None and size == _size(path):
            found[path] = info
        else:
            missing.append(path)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(2 * (os.cpu_count() or 1)))
        write = _writer(stack, cache) if cache and missing else None
        bar = tqdm(pool.map(_probe, missing), total=len(missing), unit="file")
        for path, info in zip(missing, bar, strict=True):
            found[path] = info
            if write is not None and isinstance(info, AudioInfo):
                write.writerow([path, _size(path), *astuple(info)])
    return [found[path] for path in paths]


def _probe(path: str) -> AudioInfo | str:
    """Header of a file, or what is wrong with it."""
    try:
        return probe_audio(path)
    except InputError as error:
        return str(error)


def _size(path: str) -> int | None:
    """Bytes of a file; None if it is not there."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return None


def _writer(stack: ExitStack, cache: str | Path):
    """Writer that adds lines to the cache."""
    Path(cache).parent.mkdir(parents=True, exist_ok=True)
    return csv.writer(
        stack.enter_context(Path(cache).open("a", encoding="utf-8", newline=""))
    )


def _remembered(cache: str | Path) -> dict[str, tuple[int, AudioInfo]]:
    """What the cache holds; a last line that was cut off is passed over."""
    return dict(_lines(Path(cache))) if Path(cache).exists() else {}


def _lines(cache: Path) -> Iterator[tuple[str, tuple[int, AudioInfo]]]:
    """Path, size and header of each whole line."""
    with cache.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if len(row) == 5 and all(cell.isdigit() for cell in row[1:]):
                size, *fields = map(int, row[1:])
                yield row[0], (size, AudioInfo(*fields))
