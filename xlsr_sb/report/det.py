"""Picture of the two errors of verification at every threshold."""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtri

from xlsr_sb.metrics.verification import (
    DetectionCost,
    ErrorCurve,
    equal_error_rate,
    min_dcf,
)
from xlsr_sb.report.panels import COLOURS

TICKS = (
    *(1e-5, 1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4),
    *(0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999),
)
MARGIN = 0.15  # in standard deviations
ROOM = 1 / 18  # of the axis, for the name of a tick


def draw_det(
    curves: Mapping[str, ErrorCurve], *, cost: DetectionCost | None = None
) -> Figure:
    """Figure of misses against false alarms, with a line a system.

    Both axes are stretched as the normal distribution is: scores of two normal
    distributions give straight lines (Martin et al., Eurospeech 1997). A circle marks
    the EER, a triangle the lowest detection cost, unless that is reached by accepting
    none or all. Where less than one trial is counted, a line ends at half a trial.

    Parameters
    ----------
    curves : mapping of str to ErrorCurve
        By the name of the system, four at most.
    cost : DetectionCost, optional
        Of the triangle; without it there is none.

    Returns
    -------
    Figure

    Example
    -------
    >>> from xlsr_sb.metrics.verification import TrialScores, error_curve
    >>> trials = TrialScores.of_classes([0.3, 0.8, 0.9, 0.95], [0.1, 0.2, 0.4, 0.5])
    >>> axes = draw_det({"cosine": error_curve(trials)}, cost=DetectionCost()).axes[0]
    >>> axes.get_legend_handles_labels()[1]
    ['cosine: EER 25.00 %, minDCF(0.01) 0.250']
    """
    if not 1 <= len(curves) <= len(COLOURS):
        raise ValueError(f"{len(curves)} curves; a picture has 1 to {len(COLOURS)}")
    figure = Figure(figsize=(5.4, 5.6), dpi=110, layout="constrained")
    axes = figure.subplots()
    lines, marks = [], []
    for colour, (name, curve) in zip(COLOURS, curves.items(), strict=False):
        first, *others = _draw_curve(axes, name, curve, colour, cost)
        lines.append(first)
        marks += others
    low, high = _limits(np.concatenate(lines), np.concatenate(marks))
    axes.plot([low, high], [low, high], color="0.6", linestyle=":", linewidth=1)
    ticks = _ticks(low, high)
    names = [f"{100 * tick:g}" for tick in ticks]
    axes.set_xticks(ndtri(ticks), names)
    axes.set_yticks(ndtri(ticks), names)
    axes.set(
        xlim=(low, high),
        ylim=(low, high),
        xlabel="false alarms (%)",
        ylabel="misses (%)",
        aspect="equal",
    )
    axes.grid(alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), **_ABOVE)
    return figure


_ABOVE = {"loc": "outside upper center", "frameon": False, "fontsize": 9}


def _draw_curve(
    axes: Axes, name: str, curve: ErrorCurve, colour: str, cost: DetectionCost | None
) -> Iterator[np.ndarray]:
    """Draw one system; points [N, 2] of its line, then those of its marks."""
    eer = equal_error_rate(curve)
    label = f"{name}: EER {100 * eer.value:.2f} %"
    marks = [("o", eer.value, eer.value)]
    if cost is not None:
        best = min_dcf(curve, cost)
        label += f", minDCF({cost.name}) {best.value:.3f}"
        if best.false_alarm_rate not in (0, 1) or best.miss_rate not in (0, 1):
            marks.append(("^", best.false_alarm_rate, best.miss_rate))
    thin = curve.thinned()
    points = _stretched(curve, thin.false_alarm_rates, thin.miss_rates)
    axes.plot(*points, color=colour, linewidth=1.3, label=label)
    yield np.stack(points, axis=1)
    for mark, *rates in marks:
        points = _stretched(curve, *([rate] for rate in rates))
        axes.plot(*points, color=colour, marker=mark, markersize=6, linestyle="")
        yield np.stack(points, axis=1)


def _stretched(curve: ErrorCurve, false_alarms, misses) -> list[np.ndarray]:
    """Rates on the axes; none and all become half a trial and all but half of one."""
    totals = curve.num_nontargets, curve.num_targets
    pairs = zip((false_alarms, misses), totals, strict=True)
    return [ndtri(np.clip(one, 0.5 / n, 1 - 0.5 / n)) for one, n in pairs]


def _limits(lines: np.ndarray, marks: np.ndarray) -> tuple[float, float]:
    """Ends of both axes: up to a half, or to the highest mark; down to the lowest."""
    high = max(0.0, float(marks.max())) + MARGIN
    shown = lines[(lines <= high).all(axis=1)]
    return float(np.concatenate([shown, marks]).min()) - MARGIN, high


def _ticks(low: float, high: float) -> list[float]:
    """Shares that have a place on the axis and room for their names."""
    ticks, places = [], [-np.inf]
    for tick in TICKS:
        place = ndtri(tick)
        if low <= place <= high and place - places[-1] >= ROOM * (high - low):
            ticks.append(tick)
            places.append(place)
    return ticks
