"""Picture of a pretraining run: whether it learns, and whether its codes are in use."""

import math

from matplotlib.figure import Figure

from xlsr_sb.report.panels import Curve, Panel, add_legend

PANELS = (
    Panel(
        "loss (nats a masked frame)",
        {
            "train_contrastive": "contrastive, training",
            "valid_contrastive": "contrastive, validation",
            "train_unit": "units, training",
            "valid_unit": "units, validation",
        },
    ),
    Panel(
        "accuracy (%)",
        {
            "train_accuracy": "contrastive, training",
            "valid_accuracy": "contrastive, validation",
            "train_unit_accuracy": "units, training",
            "valid_unit_accuracy": "units, validation",
        },
        factor=100,
    ),
    Panel(
        "codes in use (perplexity)",
        {
            "train_perplexity": "softmax, training",
            "train_code_perplexity": "codes, training",
            "valid_code_perplexity": "codes, validation",
        },
    ),
    Panel("Gumbel temperature", {"temperature": "temperature"}),
)
COLUMNS = tuple(name for panel in PANELS for name in panel.lines)


def draw_pretraining(curve: Curve) -> Figure:
    """Figure with four panels: losses, accuracies, perplexities, temperature.

    Parameters
    ----------
    curve : dict of str to list of float
        ``update`` and any of the columns of a pretraining run; one that is not there
        was not measured.

    Returns
    -------
    Figure

    Example
    -------
    >>> figure = draw_pretraining({"update": [1.0, 2.0], "train_unit": [4.0, 3.0]})
    >>> [len(axes.lines) for axes in figure.axes]
    [1, 0, 0, 0]
    """
    nothing = [math.nan] * len(curve["update"])
    full = dict.fromkeys(COLUMNS, nothing) | curve
    figure = Figure(figsize=(9, 7), dpi=100, layout="constrained")
    for axes, panel in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
        panel.draw(axes, full)
        add_legend(axes, columns=2)
    return figure
