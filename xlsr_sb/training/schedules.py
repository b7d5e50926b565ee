"""Learning rates as a function of the update number."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch.optim import Optimizer

from xlsr_sb.errors import InputError


class Schedule(ABC):
    """Rate of every parameter group under its own peak, by the update number.

    A group's peak is its ``lr`` when the schedule is built, so a head and an encoder
    can have different rates. There is no state: a resumed run needs nothing but the
    update number, and it obeys the rates in its own hyperparameters, not those in the
    checkpoint.

    Parameters
    ----------
    optimizer : Optimizer
        Each of its groups gets a ``peak_lr``.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        # A group that already carries a peak was under a schedule before: its current
        # rate is a point on that curve.
        self.peaks = [
            float(group.get("peak_lr", group["lr"])) for group in optimizer.param_groups
        ]

    @abstractmethod
    def scale(self, update: int) -> float:
        """Rate of an update as a share of the peak.

        Parameters
        ----------
        update : int
            Number of updates done before this one: 0 is the first.
        """

    def set_update(self, update: int) -> None:
        """Give every group of the optimiser its rate for an update, counted from 0."""
        scale = self.scale(update)
        groups = self.optimizer.param_groups
        for group, peak in zip(groups, self.peaks, strict=True):
            group["peak_lr"] = peak
            group["lr"] = peak * scale


class LinearDecay(Schedule):
    """Linear warm-up, then straight down to zero: fairseq's ``polynomial_decay``.

    Of power 1 and with an end rate of 0, as XLS-R was pretrained.

    Parameters
    ----------
    optimizer : Optimizer
    num_updates : int
        Updates of the whole run.
    warmup_updates : int
        Updates until the peak.

    Example
    -------
    >>> import torch
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    >>> schedule = LinearDecay(optimizer, num_updates=100, warmup_updates=20)
    >>> [schedule.scale(update) for update in (0, 9, 19, 20, 60, 99, 100)]
    [0.0, 0.45, 0.95, 1.0, 0.5, 0.0125, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, *, num_updates: int, warmup_updates: int
    ) -> None:
        if not 0 <= warmup_updates < num_updates:
            raise InputError(
                f"warmup_updates must be from 0 to num_updates - 1, "
                f"{num_updates - 1}, got {warmup_updates!r}"
            )
        super().__init__(optimizer)
        self.num_updates, self.warmup_updates = num_updates, warmup_updates

    def scale(self, update: int) -> float:
        """Rate of an update, counted from 0, as a share of the peak."""
        if update < self.warmup_updates:
            return update / self.warmup_updates
        left = self.num_updates - update
        return max(0.0, left / (self.num_updates - self.warmup_updates))


class InverseSquareRoot(Schedule):
    """Linear warm-up, then down with the root of the updates.

    It is fairseq's ``inverse_sqrt``, from a rate of 0, as with ``--warmup-init-lr 0``.
    Without a cool-down it does not know where a run ends, so a run may be made longer.

    Parameters
    ----------
    optimizer : Optimizer
    warmup_updates : int
        Updates until the peak, at least 1.
    cooldown_ratio : float
        Over this share of the run, at its end but behind the warm-up, the rate goes on
        to 0 in a straight line; short runs gain by it (Zhai et al., CVPR 2022).
    num_updates : int, optional
        Length of the run; needed for a cool-down.

    Example
    -------
    >>> import torch
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    >>> schedule = InverseSquareRoot(optimizer, warmup_updates=100)
    >>> [schedule.scale(update) for update in (0, 50, 100, 400, 10_000)]
    [0.0, 0.5, 1.0, 0.5, 0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        warmup_updates: int,
        cooldown_ratio: float = 0.0,
        num_updates: int | None = None,
    ) -> None:
        if warmup_updates < 1:
            raise InputError(f"warmup_updates must be at least 1, got {warmup_updates}")
        if not 0 <= cooldown_ratio <= 1 or (cooldown_ratio and num_updates is None):
            raise InputError(
                "cooldown_ratio must be from 0 to 1, with num_updates if above 0, got "
                f"{cooldown_ratio}"
            )
        super().__init__(optimizer)
        self.warmup_updates, self.num_updates = warmup_updates, num_updates
        length = round(cooldown_ratio * (num_updates or 0))
        self.cooldown_updates = min(length, (num_updates or 0) - warmup_updates)

    def scale(self, update: int) -> float:
        """Rate of an update, counted from 0, as a share of the peak."""
        if update < self.warmup_updates:
            return update / self.warmup_updates
        if self.cooldown_updates <= 0:
            return math.sqrt(self.warmup_updates / update)
        start = self.num_updates - self.cooldown_updates
        left = min(1.0, (self.num_updates - update) / self.cooldown_updates)
        return max(0.0, left) * math.sqrt(self.warmup_updates / min(update, start))


class TriStage(Schedule):
    r"""Linear warm-up, plateau, exponential decay: fairseq's ``tri_stage``.

    ::

        peak           ______________
                      /              `-.
                     /                  `--.___  final_scale * peak, also after
        init_scale  /                           the last update
                    | warm-up |  hold  |  decay |

    The stages are shares of ``num_updates``; see ``Schedule`` for the peaks.

    Parameters
    ----------
    optimizer : Optimizer
        Each of its groups gets a ``peak_lr``.
    num_updates : int
        Updates of the whole run.
    warmup_ratio, hold_ratio, decay_ratio : float
        Shares of the three stages; they must sum to 1.
    init_scale, final_scale : float
        First and last rate, as a share of the peak.

    Example
    -------
    >>> import torch
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    >>> schedule = TriStage(optimizer, num_updates=100)
    >>> [round(schedule.scale(update), 4) for update in (0, 5, 10, 49, 75, 100, 999)]
    [0.01, 0.505, 1.0, 1.0, 0.2236, 0.05, 0.05]
    >>> schedule.set_update(0)
    >>> optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["peak_lr"]
    (1e-05, 0.001)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        num_updates: int,
        warmup_ratio: float = 0.1,
        hold_ratio: float = 0.4,
        decay_ratio: float = 0.5,
        init_scale: float = 0.01,
        final_scale: float = 0.05,
    ) -> None:
        ratios = (warmup_ratio, hold_ratio, decay_ratio)
        _check(num_updates, ratios, init_scale=init_scale, final_scale=final_scale)
        super().__init__(optimizer)
        # Rounded down as in fairseq: what is left of the run stays at the final rate.
        stages = [int(num_updates * ratio) for ratio in ratios]
        self.num_warmup, self.num_hold, self.num_decay = stages
        self.init_scale = init_scale
        self.final_scale = final_scale

    def scale(self, update: int) -> float:
        """Rate of an update as a share of the peak.

        Parameters
        ----------
        update : int
            Number of updates done before this one: 0 is the first.
        """
        if update < self.num_warmup:
            return self.init_scale + (1 - self.init_scale) * update / self.num_warmup
        decayed = update - self.num_warmup - self.num_hold
        if decayed < 0:
            return 1.0
        if decayed < self.num_decay:
            return math.exp(math.log(self.final_scale) * decayed / self.num_decay)
        return self.final_scale


def _check(
    num_updates: int,
    ratios: Sequence[float],
    *,
    init_scale: float,
    final_scale: float,
) -> None:
    """Raise on settings that make no curve."""
    if num_updates < 1:
        raise InputError(f"num_updates must be at least 1, got {num_updates!r}")
    if min(ratios) < 0 or not math.isclose(sum(ratios), 1):
        raise InputError(
            "warmup_ratio, hold_ratio and decay_ratio must be shares that sum to 1, "
            f"got {', '.join(map(str, ratios))}, which sum to {sum(ratios):g}"
        )
    if not 0 <= init_scale <= 1:
        raise InputError(f"init_scale must lie in [0, 1], got {init_scale!r}")
    if not 0 < final_scale <= 1:
        raise InputError(f"final_scale must lie in (0, 1], got {final_scale!r}")
