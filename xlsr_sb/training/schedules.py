"""Learning rates as a function of the update number."""

import math
from collections.abc import Sequence

from torch.optim import Optimizer

from xlsr_sb.errors import InputError


class TriStage:
    r"""Linear warm-up, plateau, exponential decay: fairseq's ``tri_stage``.

    ::

        peak           ______________
                      /              `-.
                     /                  `--.___  final_scale * peak, also after
        init_scale  /                           the last update
                    | warm-up |  hold  |  decay |

    The stages are shares of ``num_updates``. Every parameter group follows the same
    curve under its own peak, which is its ``lr`` when the schedule is built, so a
    head and an encoder can have different rates. There is no state: the rate is a
    function of the update number, so a resumed run needs nothing but that number,
    and it obeys the rates in its own hyperparameters, not those in the checkpoint.

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
        self.optimizer = optimizer
        # Rounded down as in fairseq: what is left of the run stays at the final rate.
        stages = [int(num_updates * ratio) for ratio in ratios]
        self.num_warmup, self.num_hold, self.num_decay = stages
        self.init_scale = init_scale
        self.final_scale = final_scale
        # A group that already carries a peak was under a schedule before: its current
        # rate is a point on that curve.
        self.peaks = [
            float(group.get("peak_lr", group["lr"])) for group in optimizer.param_groups
        ]

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

    def set_update(self, update: int) -> None:
        """Give every group of the optimiser its rate for an update, counted from 0."""
        scale = self.scale(update)
        groups = self.optimizer.param_groups
        for group, peak in zip(groups, self.peaks, strict=True):
            group["peak_lr"] = peak
            group["lr"] = peak * scale


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
