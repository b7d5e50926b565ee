"""What errors cost, and how often a speaker is who they are said to be."""

import math
from dataclasses import dataclass

import numpy as np

from xlsr_sb.errors import InputError


@dataclass(frozen=True)
class DetectionCost:
    """Prices of the two errors, and the share of same-speaker trials in use.

    Parameters
    ----------
    p_target : float
        Probability, before listening, that one person speaks; between 0 and 1.
    c_miss, c_fa : float
        Cost of a miss and of a false alarm, above 0.

    Example
    -------
    >>> cost = DetectionCost(0.01)
    >>> cost.name, round(cost.bayes_threshold, 3)
    ('0.01', 4.595)
    >>> round(cost.normalised(0.1, 0.002), 3)
    0.298
    """

    p_target: float = 0.01
    c_miss: float = 1.0
    c_fa: float = 1.0

    def __post_init__(self):
        if not 0 < self.p_target < 1:
            raise InputError(
                f"p_target is {self.p_target}; it must lie between 0 and 1, as 0.01"
            )
        for name, value in (("c_miss", self.c_miss), ("c_fa", self.c_fa)):
            if not 0 < value < math.inf:
                raise InputError(f"{name} is {value}; a cost must be above 0, as 1")

    @property
    def name(self) -> str:
        """``0.01``, or ``0.01,10,1`` with costs that are not both 1."""
        costs = (self.c_miss, self.c_fa)
        shown = [self.p_target, *(costs if costs != (1, 1) else ())]
        return ",".join(f"{number:g}" for number in shown)

    @property
    def bayes_threshold(self) -> float:
        """Log-likelihood ratio from which to accept is the cheaper choice."""
        odds = self.p_target / (1 - self.p_target)
        return -math.log(odds * self.c_miss / self.c_fa)

    def normalised(
        self, miss_rate: float | np.ndarray, false_alarm_rate: float | np.ndarray
    ) -> float | np.ndarray:
        """Expected cost over that of the better blind answer: always or never.

        Parameters
        ----------
        miss_rate, false_alarm_rate : float or ndarray
        """
        miss = self.c_miss * self.p_target
        false_alarm = self.c_fa * (1 - self.p_target)
        expected = miss * miss_rate + false_alarm * false_alarm_rate
        return expected / min(miss, false_alarm)


COST = DetectionCost()  # one trial in a hundred is of the same speaker
