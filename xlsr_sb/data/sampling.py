"""Which utterances make up each optimiser update, and on which process.

Nothing here opens audio: a plan is made of lengths and a seed.
"""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise

import numpy as np

from xlsr_sb.data.ordering import epoch_order, language_probabilities
from xlsr_sb.errors import InputError

__all__ = ["UpdatePlan", "epoch_order", "language_probabilities"]

TICKS = 1_000_000  # a second; lengths are whole microseconds, so that sums are exact


@dataclass(eq=False)
class UpdatePlan:
    """The utterances of each update, in micro-batches that fit a device.

    An update takes utterances in the epoch's order until ``seconds_per_update`` would
    be passed. It is then split into micro-batches of about equal length: as few as
    fit ``seconds_per_device``, a multiple of ``world_size``. The updates are the same
    whatever the number of processes, as long as each gets at least one utterance.

    Parameters
    ----------
    durations : sequence of float
        Length of each utterance in seconds.
    seconds_per_update : float
        Speech in one optimiser update, over all processes.
    seconds_per_device : float
        Most speech in one micro-batch.
    seed : int
    languages : sequence of str, optional
        Language of each utterance, needed with ``alpha`` below 1.
    alpha : float
        See ``epoch_order``.
    order : callable, optional
        Indices of an epoch in their order, in place of ``epoch_order``; the number of
        them is the same in all epochs.
    rank, world_size : int
        Which of how many processes this one is.

    Raises
    ------
    InputError
        When an utterance is longer than ``seconds_per_device``, when there are fewer
        utterances than processes, or when a setting is out of its range.

    Example
    -------
    >>> plan = UpdatePlan([2.0] * 4, seconds_per_update=4, seconds_per_device=2, seed=1)
    >>> plan.num_updates(0), plan.epoch(0)
    (2, [[[3], [0]], [[2], [1]]])
    """

    durations: Sequence[float]
    _: KW_ONLY
    seconds_per_update: float
    seconds_per_device: float
    seed: int
    languages: Sequence[str] | None = None
    alpha: float = 1.0
    order: Callable[[int], np.ndarray] | None = None
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        """Check the settings and count lengths in microseconds."""
        _check_settings(self)
        self._update_limit = round(self.seconds_per_update * TICKS)
        self._device_limit = round(self.seconds_per_device * TICKS)
        ticks = np.rint(np.asarray(self.durations, dtype=np.float64) * TICKS)
        _check_lengths(self, ticks)
        self._ticks = ticks.astype(np.int64)

    def epoch(self, epoch: int) -> list[list[list[int]]]:
        """Return the updates of an epoch, as this process's micro-batches of indices.

        Each process has at least one micro-batch in each update. Where an update has
        hardly more utterances than processes, one may have one more than another.
        """
        order, bounds = self._updates(epoch)
        ticks = self._ticks[order].tolist()
        requests = self._requests(order, epoch)
        return [
            self._micro_batches(requests[start:stop], ticks[start:stop])
            for start, stop in pairwise(bounds)
        ]

    def num_updates(self, epoch: int) -> int:
        """Return the number of updates of an epoch."""
        _, bounds = self._updates(epoch)
        return len(bounds) - 1

    def _requests(self, order: np.ndarray, epoch: int) -> list:  # noqa: ARG002
        """What the dataset is asked for, by place of the epoch: an index."""
        return order.tolist()

    def _updates(self, epoch: int) -> tuple[np.ndarray, list[int]]:
        """Order of the utterances, and where in it updates start and stop."""
        order = self._order(epoch)
        ends = np.cumsum(self._ticks[order]).tolist()
        bounds, before = [0], 0
        while bounds[-1] < len(ends):
            stop = bisect_right(ends, before + self._update_limit, lo=bounds[-1])
            stop = max(stop, bounds[-1] + self.world_size)
            if len(ends) - stop < self.world_size:  # too few for an update of their own
                stop = len(ends)
            bounds.append(stop)
            before = ends[stop - 1]
        return order, bounds

    def _order(self, epoch: int) -> np.ndarray:
        """Order of the utterances."""
        if self.order is not None:
            return self.order(epoch)
        return epoch_order(
            self.languages,
            seconds=self.durations,
            alpha=self.alpha,
            seed=self.seed,
            epoch=epoch,
        )

    def _micro_batches(self, indices: list[int], ticks: list[int]) -> list[list[int]]:
        """Split one update and return this process's part."""
        limit = self._device_limit
        needed = -(-sum(ticks) // limit)
        number = -(-needed // self.world_size) * self.world_size
        batches = _balanced(indices, ticks, number=number, limit=limit)
        while batches is None:
            number += self.world_size
            batches = _balanced(indices, ticks, number=number, limit=limit)
        return batches[self.rank :: self.world_size]


def _balanced(
    indices: list[int], ticks: list[int], *, number: int, limit: int
) -> list[list[int]] | None:
    """Share utterances out, longest first, each to the shortest batch so far.

    None when a batch passes the limit. Batches without utterances are left out.
    """
    if number == 1:
        return [indices]
    batches: list[list[int]] = [[] for _ in range(number)]
    lengths = [(0, one) for one in range(number)]
    for place in sorted(range(len(ticks)), key=ticks.__getitem__, reverse=True):
        length, shortest = lengths[0]
        length += ticks[place]
        if length > limit:
            return None
        batches[shortest].append(indices[place])
        heapq.heapreplace(lengths, (length, shortest))
    return [batch for batch in batches if batch]


def _check_settings(plan: UpdatePlan) -> None:
    """Raise for a setting out of its range."""
    if plan.seconds_per_update <= 0:
        raise InputError(
            f"seconds_per_update is {plan.seconds_per_update}; it must be positive"
        )
    if not 0 <= plan.alpha <= 1:
        raise InputError(f"alpha is {plan.alpha}; it must be from 0 to 1")
    if plan.seed < 0:
        raise InputError(f"seed is {plan.seed}; it must be at least 0")
    if not 0 <= plan.rank < plan.world_size:
        raise InputError(
            f"rank is {plan.rank} of {plan.world_size} processes; it must be from 0 to "
            f"{plan.world_size - 1}"
        )


def _check_lengths(plan: UpdatePlan, ticks: np.ndarray) -> None:
    """Raise when the utterances do not fit each other, the device or the processes."""
    durations = plan.durations
    if len(durations) < plan.world_size:
        raise InputError(
            f"{len(durations)} utterances are too few for {plan.world_size} processes; "
            f"each needs at least one"
        )
    if plan.languages is not None and len(plan.languages) != len(durations):
        raise InputError(
            f"{len(plan.languages)} languages are given for {len(durations)} utterances"
        )
    usable = (ticks >= 1) & (ticks <= plan._device_limit)  # False for NaN
    if not usable.all():
        index = int(np.argmin(usable))
        raise InputError(
            f"utterance {index} is {durations[index]} s long; lengths must be above 0 "
            f"and at most seconds_per_device, {plan.seconds_per_device} s: leave it "
            f"out, cut it into segments, or raise that limit"
        )
