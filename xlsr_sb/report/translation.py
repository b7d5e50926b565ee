"""Picture of a translation run: whether it foretells the text, and writes it alone."""

from matplotlib.figure import Figure

from xlsr_sb.report.panels import Curve, Panel, add_legend

PANELS = (
    Panel(
        "loss without smoothing (nats a token)",
        {"train_nll": "training", "valid_nll": "validation"},
    ),
    Panel("BLEU, greedily", {"BLEU": "mean of the pairs, validation"}),
)
COLUMNS = tuple(name for panel in PANELS for name in panel.lines)


def draw_translation(curve: Curve) -> Figure:
    """Figure with two panels: losses on the left, BLEU on the right.

    Parameters
    ----------
    curve : dict of str to list of float
        ``update`` and the columns of a translation run.

    Returns
    -------
    Figure

    Example
    -------
    >>> curve = dict.fromkeys(["update", "train_nll", "valid_nll", "BLEU"], [1.0, 2.0])
    >>> [len(axes.lines) for axes in draw_translation(curve).axes]
    [2, 1]
    """
    figure = Figure(figsize=(9, 3.4), dpi=100, layout="constrained")
    for axes, panel in zip(figure.subplots(1, 2), PANELS, strict=True):
        panel.draw(axes, curve)
        add_legend(axes)
    return figure
