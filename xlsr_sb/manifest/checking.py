"""What an utterance needs to be of use to later stages."""

import math
from collections.abc import Sequence
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.manifest.utterance import Utterance

FIRST_LINE = 2  # of the utterances: line 1 holds the column names


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
        that is negative or not a number, or an impossible segment.

    Example
    -------
    >>> check_manifest([Utterance("a", "a.wav", -1.0)], source="train.csv")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: train.csv, line 2: duration of 'a' is -1.0; it must be \
a positive number of seconds, or 0 for a recording that cannot be read
    """
    check_lines(
        utterances, range(FIRST_LINE, FIRST_LINE + len(utterances)), source=source
    )


def check_lines(
    utterances: Sequence[Utterance], lines: Sequence[int], *, source: str | Path
) -> None:
    """Raise for the first unusable utterance, naming its line.

    As ``check_manifest``, of utterances that stand on any lines.

    Example
    -------
    >>> check_lines([Utterance("", "a.wav", 1.0)], [7], source="train.csv")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: train.csv, line 7: the ID is empty; every utterance \
needs one
    """
    if not utterances:
        raise InputError(f"{source} is empty; it must hold at least one utterance")
    line_of: dict[str, int] = {}
    for one, line in zip(utterances, lines, strict=True):
        problem = problem_of(one)
        if problem:
            raise InputError(f"{source}, line {line}: {problem}")
        if one.id in line_of:
            raise InputError(
                f"{source}, line {line}: the ID {one.id!r} stands on line "
                f"{line_of[one.id]} already; every utterance needs an ID of its own"
            )
        line_of[one.id] = line


def problem_of(one: Utterance) -> str | None:
    """Say what makes one utterance unusable by itself; None if nothing does.

    Example
    -------
    >>> problem_of(Utterance("", "a.wav", 1.0))
    'the ID is empty; every utterance needs one'
    """
    if not one.id.strip():
        return "the ID is empty; every utterance needs one"
    if not one.wav.strip():
        return f"wav of {one.id!r} is empty; it must be the path of an audio file"
    if not 0 <= one.duration < math.inf:
        return (
            f"duration of {one.id!r} is {one.duration}; it must be a positive number "
            f"of seconds, or 0 for a recording that cannot be read"
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
