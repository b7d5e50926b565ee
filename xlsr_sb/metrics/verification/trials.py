"""Lists of trials: which recordings are compared, and whether one person speaks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines

LABELS = {"1": True, "0": False}


@dataclass(frozen=True, eq=False)
class TrialList:
    """Pairs of recordings, each of one speaker or of two.

    Parameters
    ----------
    is_target : ndarray [N], bool
        True where both recordings are of the same speaker.
    enrolments, tests : list of str
        Recordings of each trial, by their ids.

    Example
    -------
    >>> trials = TrialList(np.array([True, False]), ["a", "a"], ["b", "c"])
    >>> len(trials), trials.ids
    (2, ['a', 'b', 'c'])
    """

    is_target: np.ndarray
    enrolments: list[str]
    tests: list[str]

    def __post_init__(self):
        lengths = [len(self.is_target), len(self.enrolments), len(self.tests)]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"labels, enrolments and tests must be as many, got {lengths}"
            )

    def __len__(self) -> int:
        return len(self.is_target)

    @property
    def ids(self) -> list[str]:
        """Every recording once, sorted."""
        return sorted({*self.enrolments, *self.tests})


def read_trials(path: str | Path) -> TrialList:
    r"""Read a list of trials: ``label enrolment test`` on each line.

    Parameters
    ----------
    path : path
        Text with three words on a line: 1 (same speaker) or 0 (different speakers),
        and the ids of two recordings. Blank lines are passed over; a pair may come
        several times, as it does in lists that were published.

    Returns
    -------
    TrialList
        In the order of the file.

    Raises
    ------
    InputError
        Naming the file, the line, the value and what is allowed.

    Example
    -------
    >>> path = getfixture("tmp_path") / "trials.txt"
    >>> _ = path.write_text("1 a/1.wav a/2.wav\n0 a/1.wav b/1.wav\n")
    >>> trials = read_trials(path)
    >>> trials.is_target.tolist(), trials.tests
    ([True, False], ['a/2.wav', 'b/1.wav'])
    """
    labels, enrolments, tests = [], [], []
    known: dict[str, str] = {}  # an id that comes a thousand times is kept once
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 3:
            raise InputError(
                f"{path}, line {number}: {len(words)} words in {line.strip()[:80]!r}; "
                "a trial is 'label enrolment test', with spaces between"
            )
        if words[0] not in LABELS:
            raise InputError(
                f"{path}, line {number}: the label is {words[0][:80]!r}; it must be 1 "
                "(same speaker) or 0 (different speakers), and comes first"
            )
        labels.append(LABELS[words[0]])
        enrolments.append(known.setdefault(words[1], words[1]))
        tests.append(known.setdefault(words[2], words[2]))
    if not labels:
        raise InputError(f"{path} holds no trial; a line is 'label enrolment test'")
    return TrialList(np.array(labels), enrolments, tests)
