"""Pairs of recordings that are to be compared, with or without what is true of them."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines
from xlsr_sb.metrics.verification import TrialList, read_trials
from xlsr_sb.transcription import Recording

SHOWN = 5  # names in an error


@dataclass(frozen=True, eq=False)
class Pairs:
    """Trials, of which it may be known whether one person speaks.

    Parameters
    ----------
    trials : TrialList
    is_labelled : bool
        Whether ``trials.is_target`` says anything.
    """

    trials: TrialList
    is_labelled: bool

    def recordings(self, present: Sequence[Recording]) -> dict[str, Recording]:
        """Recording of each id.

        Parameters
        ----------
        present : sequence of Recording
            An id is the name of one of them, with or without its suffix, or what it is
            called in a table.

        Raises
        ------
        InputError
            Naming ids that there is no recording of.

        Example
        -------
        >>> trials = TrialList(np.array([True]), ["x/a.wav"], ["b"])
        >>> present = [Recording("d/x/a.wav", "x/a", ""), Recording("d/b.wav", "b", "")]
        >>> found = Pairs(trials, True).recordings(present)
        >>> [found[name].path for name in ("x/a.wav", "b")]
        ['d/x/a.wav', 'd/b.wav']
        """
        known = {one.name + Path(one.path).suffix: one for one in present}
        known |= {one.name: one for one in present}
        if missing := [one for one in self.trials.ids if one not in known]:
            more = " ..." if len(missing) > SHOWN else ""
            first = next(iter(known), "")
            raise InputError(
                f"{len(missing)} recordings of the trials are not there: "
                f"{', '.join(missing[:SHOWN])}{more}; those that are have names such "
                f"as {first}"
            )
        return {one: known[one] for one in self.trials.ids}

    def among(self, ids: Container[str]) -> "Pairs":
        """Those of which both recordings are among some ids.

        Example
        -------
        >>> trials = TrialList(np.array([True, False]), ["a", "a"], ["b", "c"])
        >>> Pairs(trials, True).among(["a", "c"]).trials.tests
        ['c']
        """
        enrolments, tests = self.trials.enrolments, self.trials.tests
        rows = [
            place
            for place, pair in enumerate(zip(enrolments, tests, strict=True))
            if pair[0] in ids and pair[1] in ids
        ]
        return Pairs(
            TrialList(
                self.trials.is_target[rows],
                [enrolments[place] for place in rows],
                [tests[place] for place in rows],
            ),
            self.is_labelled,
        )


def read_pairs(path: str | Path) -> Pairs:
    r"""Read a list of trials, with labels or without.

    Parameters
    ----------
    path : path
        ``label enrolment test`` on each line, as of ``read_trials``, or ``enrolment
        test`` on each.

    Raises
    ------
    InputError
        Naming the file, the line, the value and what is allowed.

    Example
    -------
    >>> path = getfixture("tmp_path") / "trials.txt"
    >>> _ = path.write_text("a.wav b.wav\na.wav c.wav\n")
    >>> pairs = read_pairs(path)
    >>> pairs.is_labelled, pairs.trials.tests
    (False, ['b.wav', 'c.wav'])
    """
    first = next((line for line in read_lines(path) if line.strip()), "")
    if len(first.split()) != 2:
        return Pairs(read_trials(path), True)
    pairs = []
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        if words and len(words) != 2:
            raise InputError(
                f"{path}, line {number}: {len(words)} words in {line.strip()[:80]!r}; "
                "the first trial is 'enrolment test', and so must be all"
            )
        if words:
            pairs.append(words)
    enrolments, tests = ([*column] for column in zip(*pairs, strict=True))
    return Pairs(TrialList(np.zeros(len(pairs), bool), enrolments, tests), False)
