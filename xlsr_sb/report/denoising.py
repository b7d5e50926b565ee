"""Picture of a denoising run: whether it foretells the text."""

from matplotlib.figure import Figure

from xlsr_sb.report.panels import Curve, Panel, add_legend

PANELS = (
    Panel(
        "loss without smoothing (nats a token)",
        {"train_nll": "training", "valid_nll": "validation"},
    ),
    Panel(
        "tokens told right (%)",
        {"token_accuracy": "training", "valid_token_accuracy": "validation"},
        factor=100,
    ),
)
COLUMNS = tuple(name for panel in PANELS for name in panel.lines)


def draw_denoising(curve: Curve) -> Figure:
    """Figure with two panels: losses on the left, accuracies on the right.

    Parameters
    ----------
    curve : dict of str to list of float
        ``update`` and the columns of a denoising run.

    Returns
    -------
    Figure

    Example
    -------
    >>> curve = dict.fromkeys(["update", *COLUMNS], [0.5, 0.8])
    >>> [len(axes.lines) for axes in draw_denoising(curve).axes]
    [2, 2]
    """
    figure = Figure(figsize=(9, 3.4), dpi=100, layout="constrained")
    for axes, panel in zip(figure.subplots(1, 2), PANELS, strict=True):
        panel.draw(axes, curve)
        add_legend(axes)
    return figure
