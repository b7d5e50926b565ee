"""Picture of a classification run: whether it tells the classes, learnt and unseen."""

from matplotlib.figure import Figure

from xlsr_sb.report.panels import Curve, Panel, add_legend

PANELS = (
    Panel(
        "loss without margin (nats a crop)",
        {"train_nll": "training", "valid_nll": "validation"},
    ),
    Panel("error rate", {"train_ERR": "training", "ERR": "validation"}),
)
COLUMNS = tuple(name for panel in PANELS for name in panel.lines)


def draw_classification(curve: Curve, *, constant_rate: float | None = None) -> Figure:
    """Figure with two panels: losses on the left, error rates on the right.

    Parameters
    ----------
    curve : dict of str to list of float
        ``update`` and the columns of a classification run.
    constant_rate : float, optional
        Error rate of the best constant answer, drawn as a dashed line.

    Returns
    -------
    Figure

    Example
    -------
    >>> curve = dict.fromkeys(["update", *COLUMNS], [1.0, 2.0])
    >>> figure = draw_classification(curve, constant_rate=0.8)
    >>> [len(axes.lines) for axes in figure.axes]
    [2, 3]
    """
    figure = Figure(figsize=(9, 3.4), dpi=100, layout="constrained")
    losses, rates = figure.subplots(1, 2)
    for axes, panel in zip((losses, rates), PANELS, strict=True):
        panel.draw(axes, curve)
    if constant_rate is not None:
        rates.axhline(constant_rate, color="gray", ls="--", lw=1, label="one answer")
    for axes in (losses, rates):
        add_legend(axes)
    return figure
