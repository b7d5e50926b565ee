"""Margins between classes that are directions: what the true class must be nearer by.

Wang et al. 2018 (CosFace, arXiv 1801.09414) and Deng et al. 2019 (ArcFace, 1801.07698).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from xlsr_sb.errors import InputError

COSINE, ANGULAR = "am_softmax", "aam_softmax"
LARGEST = {COSINE: 1.0, ANGULAR: math.pi / 2}  # margins must be below


def cosine_margin(cosines: Tensor, margin: float) -> Tensor:
    """Cosines less a margin: CosFace, or AM-softmax.

    Parameters
    ----------
    cosines : Tensor
        Between embeddings and their own classes, of any shape.
    margin : float

    Returns
    -------
    Tensor
        Of the same shape.

    Example
    -------
    >>> cosine_margin(torch.tensor([1.0, 0.5]), 0.25).tolist()
    [0.75, 0.25]
    """
    return cosines - margin


def angular_margin(cosines: Tensor, margin: float) -> Tensor:
    """Cosines of angles to which a margin is added: ArcFace, or AAM-softmax.

    Beyond pi - ``margin`` the cosine would rise again, and reward what is farther off.
    There, as in the authors' own code, it is cos(angle) - margin sin(margin): always
    lower than before, and the lower the farther.

    Parameters
    ----------
    cosines : Tensor
        Between embeddings and their own classes, of any shape.
    margin : float
        In radians, from 0 to below pi.

    Returns
    -------
    Tensor
        Of the same shape. Its gradient is finite everywhere, also at angles of 0 and
        pi, where that of the angle is not.

    Example
    -------
    An angle of 60 degrees and a margin of 30 are a right one.

    >>> cosine = angular_margin(torch.tensor(0.5), math.pi / 6)
    >>> bool(cosine.abs() < 1e-6)
    True
    """
    least = torch.finfo(cosines.dtype).eps
    sines = (1 - cosines.square()).clamp(min=least).sqrt()
    turned = cosines * math.cos(margin) - sines * math.sin(margin)
    beyond = cosines - margin * math.sin(margin)
    return torch.where(cosines > -math.cos(margin), turned, beyond)


MARGINS: dict[str, Callable[[Tensor, float], Tensor]] = {
    COSINE: cosine_margin,
    ANGULAR: angular_margin,
}


@dataclass(frozen=True)
class Margin:
    """A margin that grows in training, for logits that are scaled cosines.

    Parameters
    ----------
    kind : str
        ``am_softmax``, between cosines, or ``aam_softmax``, between angles.
    size : float
        Of the full margin: a cosine, or radians.
    scale : float
        Logit of a cosine of one.
    start_update, full_update : int
        There is no margin before the first; from there it grows evenly, and is full
        from the second on. Without both it is full from the beginning.

    Raises
    ------
    InputError
        If a value is out of its range.

    Example
    -------
    >>> margin = Margin("aam_softmax", 0.2, start_update=100, full_update=200)
    >>> [margin.at(update) for update in (0, 100, 150, 200, 300)]
    [0.0, 0.0, 0.1, 0.2, 0.2]
    """

    kind: str
    size: float = 0.2
    scale: float = 30.0
    start_update: int = 0
    full_update: int = 0

    def __post_init__(self):
        """Refuse what cannot work."""
        if self.kind not in MARGINS:
            raise InputError(
                f"margin: there is no kind {self.kind!r}; there are {list(MARGINS)}"
            )
        if not 0 <= self.size < LARGEST[self.kind]:
            raise InputError(
                f"margin of {self.kind} is {self.size}; it must be from 0 to below "
                f"{LARGEST[self.kind]:.4g}"
            )
        if not 0 < self.scale < math.inf:
            raise InputError(
                f"scale of {self.kind} is {self.scale}; it must be a number above 0"
            )
        if not 0 <= self.start_update <= self.full_update:
            raise InputError(
                f"the margin starts at update {self.start_update} and is full at "
                f"{self.full_update}; it must start at 0 or later, and be full then or "
                "later"
            )

    def at(self, update: int) -> float:
        """The margin at an update, counted from 0."""
        if update >= self.full_update:
            return self.size
        if update <= self.start_update:
            return 0.0
        growing = self.full_update - self.start_update
        return self.size * (update - self.start_update) / growing

    def applied(self, logits: Tensor, targets: Tensor, *, update: int) -> Tensor:
        """Logits with the margin of an update on those of the true classes.

        Parameters
        ----------
        logits : Tensor [B, C]
            Scaled cosines.
        targets : LongTensor [B]
        update : int
            Counted from 0.

        Returns
        -------
        Tensor [B, C], of the type of the logits
        """
        columns = targets[:, None]
        own = MARGINS[self.kind](
            logits.gather(1, columns) / self.scale, self.at(update)
        )
        return logits.scatter(1, columns, self.scale * own)
