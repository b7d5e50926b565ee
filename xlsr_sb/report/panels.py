"""Lines against updates, one panel a question."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes

# Told apart by the colour-blind as well.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
MANY = 60  # points that are too close for marks

Curve = dict[str, list[float]]


@dataclass(frozen=True)
class Panel:
    """What is drawn in one pair of axes.

    Parameters
    ----------
    ylabel : str
    lines : mapping of str to str
        Column of the learning curve, and its name in the legend.
    factor : float
        Values are multiplied by it: 100 for percent.
    """

    ylabel: str
    lines: Mapping[str, str]
    factor: float = 1.0

    def draw(self, axes: Axes, curve: Curve) -> None:
        """Draw the lines that have values against updates."""
        for colour, (name, label) in zip(COLOURS, self.lines.items(), strict=False):
            points = [
                (update, self.factor * value)
                for update, value in zip(curve["update"], curve[name], strict=True)
                if math.isfinite(value)
            ]
            if points:
                axes.plot(
                    *zip(*points, strict=True),
                    color=colour,
                    marker="o" if len(points) <= MANY else None,
                    markersize=3,
                    linewidth=1.2,
                    label=label,
                )
        axes.set(xlabel="updates", ylabel=self.ylabel, ylim=(0, None))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)


def add_legend(axes: Axes, *, columns: int = 3) -> None:
    """Name the lines above the axes, if there are any, in so many columns."""
    if axes.get_legend_handles_labels()[1]:
        above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
        axes.legend(frameon=False, fontsize=9, ncols=columns, **above)
