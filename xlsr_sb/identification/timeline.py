"""From the probabilities of overlapping windows to stretches of one class.

A recording is laid out in cells of one hop. A cell has the mean of the windows that
hold it, and the likeliest course of classes through all cells is found in which each
change has a price. A change is then moved to the quietest place near it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xlsr_sb.identification.answer import Stretch
from xlsr_sb.transcription.quiet import WINDOW

STEPS = 100  # a second
RANGE = 1e-4  # energy below the loudest that is no sound: 40 decibels
SPARSE = 0.1  # share of a cell's steps with sound below which nobody speaks in it
CHANGE = 2.0  # price of a change: nats of log-probability
LEAST = 1e-4  # probability of a class in a cell


@dataclass(frozen=True, eq=False)
class Timeline:
    """What is known of a recording once its windows were looked at.

    Parameters
    ----------
    energies : ndarray [S]
        Of each hundredth of a second.
    starts, stops : ndarray [W], int
        Of each window, in hundredths of a second.
    probabilities : ndarray [W, C]
        Of the classes in each window.

    Example
    -------
    >>> rows = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]])
    >>> starts = np.array([0, 100, 200, 300])
    >>> timeline = Timeline(np.ones(500), starts, starts + 200, rows)
    >>> timeline.overall.tolist()
    [0.5, 0.5]
    >>> for one in timeline.stretches(["fr", "it"], hop=100):
    ...     print(one)
    Stretch(start=0.0, end=2.0, label='fr', probability=0.875)
    Stretch(start=2.0, end=5.0, label='it', probability=0.7333)
    """

    energies: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    probabilities: np.ndarray

    @cached_property
    def sounding(self) -> np.ndarray:
        """Whether there is sound in each hundredth of a second, [S]."""
        length = min(WINDOW, len(self.energies))
        loudest = np.convolve(self.energies, np.ones(length) / length, "valid").max()
        return self.energies > RANGE * loudest

    @property
    def overall(self) -> np.ndarray:
        """Probabilities of the whole recording, [C]: windows with sound count."""
        weights = self._counts(self.starts, self.stops)
        if not weights.any():  # of less than a hundredth of a second
            weights = np.ones(len(weights))
        return weights @ self.probabilities / weights.sum()

    def stretches(self, labels: list[str], *, hop: int) -> tuple[Stretch, ...]:
        """Stretches of one class each; where nobody speaks there is none.

        Parameters
        ----------
        labels : list of C str
        hop : int
            Hundredths of a second that are decided on together.
        """
        edges = [*range(0, len(self.energies), hop), len(self.energies)]
        firsts, lasts = np.array(edges[:-1]), np.array(edges[1:])
        cells = self._cells(firsts, lasts)
        spoken = self._counts(firsts, lasts) > SPARSE * (lasts - firsts)
        course = _course(cells, spoken)
        runs = _runs(course, spoken)
        bounds = self._bounds([(firsts[a], lasts[b - 1]) for a, b in runs], hop)
        return tuple(
            Stretch(
                float(start) / STEPS,
                float(end) / STEPS,
                labels[course[a]],
                round(float(cells[a:b, course[a]].mean()), 4),
            )
            for (a, b), (start, end) in zip(runs, bounds, strict=True)
        )

    def _counts(self, firsts: np.ndarray, lasts: np.ndarray) -> np.ndarray:
        """Steps with sound from each first to before each last, of any shape."""
        reached, most = self._reached, len(self.energies)
        return reached[np.minimum(lasts, most)] - reached[np.minimum(firsts, most)]

    @cached_property
    def _reached(self) -> np.ndarray:
        """Steps with sound before each step and behind the last, [S + 1]."""
        return np.concatenate([[0], np.cumsum(self.sounding)])

    def _cells(self, firsts: np.ndarray, lasts: np.ndarray) -> np.ndarray:
        """Probabilities [N, C] of cells: windows count as they share sound with one."""
        shares = self._counts(self.starts, self.stops) / (self.stops - self.starts)
        cells = np.zeros((len(firsts), self.probabilities.shape[1]))
        begins = np.searchsorted(self.stops, firsts, side="right")
        ends = np.searchsorted(self.starts, lasts, side="left")
        for place, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
            held = slice(begins[place], ends[place])
            starts = np.maximum(first, self.starts[held])
            stops = np.minimum(last, self.stops[held])
            weights = shares[held] * self._counts(starts, stops)
            total = max(weights.sum(), np.finfo(float).tiny)
            cells[place] = weights @ self.probabilities[held] / total
        return cells

    def _bounds(self, spans: list[tuple[int, int]], hop: int) -> list[list[int]]:
        """Begin and end of stretches: where it is quiet, or where there is sound."""
        bounds = [list(span) for span in spans]
        sounding = np.flatnonzero(self.sounding)
        for place, (start, end) in enumerate(spans):
            inside = sounding[(sounding >= start) & (sounding < end)]
            bounds[place] = [int(inside[0]), int(inside[-1]) + 1]
            if place and spans[place - 1][1] == start:
                first = max(start - hop // 2, bounds[place - 1][0] + 1)
                last = min(start + hop // 2, bounds[place][1] - 1)
                change = self._quietest(first, max(last, first + 1), near=start)
                bounds[place][0] = bounds[place - 1][1] = change
        return bounds

    def _quietest(self, first: int, last: int, *, near: int) -> int:
        """Middle of the quietest window between two steps; of equals the nearest."""
        place, near = near, self.energies[first:last]
        length = min(WINDOW, len(near))
        sums = np.convolve(near, np.ones(length), "valid")
        best = np.flatnonzero(sums <= sums.min())
        middle = best + first + length // 2
        return int(middle[np.argmin(abs(middle - place))])


def _course(cells: np.ndarray, spoken: np.ndarray) -> np.ndarray:
    """Class of each cell on the likeliest course, [N]; silent cells say nothing."""
    gains = np.where(spoken[:, None], np.log(np.maximum(cells, LEAST)), 0.0)
    score, classes, back = gains[0], np.arange(cells.shape[1]), []
    for gain in gains[1:]:
        best = int(score.argmax())
        changed = score[best] - CHANGE
        back.append(np.where(score >= changed, classes, best))
        score = np.maximum(score, changed) + gain
    course = [int(score.argmax())]
    for sources in reversed(back):
        course.append(int(sources[course[-1]]))
    return np.array(course[::-1])


def _runs(course: np.ndarray, spoken: np.ndarray) -> list[tuple[int, int]]:
    """Neighbouring cells of one class in which somebody speaks: first, and behind."""
    keys = np.where(spoken, course, -1)
    edges = np.flatnonzero(np.diff(keys)) + 1
    bounds = [0, *edges.tolist(), len(keys)]
    pairs = zip(bounds[:-1], bounds[1:], strict=True)
    return [(first, last) for first, last in pairs if keys[first] >= 0]
