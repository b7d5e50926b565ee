"""Picture of a confusion matrix, for six classes or for a hundred."""

from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from xlsr_sb.metrics.classification import ConfusionMatrix

MAX_NUMBERS = 20  # classes up to which the cells hold numbers
MAX_LARGE = 40  # classes up to which names are nearly as large as other text
CELL, EMPTY_CELL, SMALL_CELL = 0.42, 0.24, 0.115  # inches
NAMED = 20  # confusions that are listed where the cells hold none
DARK = 0.4  # share from which text on a cell is white


def draw_confusion(matrix: ConfusionMatrix) -> Figure:
    """Figure with a row a true class and a column an answer.

    Shades are shares of the row, stretched so that small ones are seen. With few
    classes the cells hold percentages; with many, the most frequent confusions are
    listed beside the matrix. Classes that do not occur are left out.

    Parameters
    ----------
    matrix : ConfusionMatrix

    Returns
    -------
    Figure

    Example
    -------
    >>> from xlsr_sb.metrics.classification import confusion_matrix
    >>> figure = draw_confusion(confusion_matrix(["fr", "it"], ["fr", "fr"]))
    >>> figure.axes[0].get_title()
    'error 50.0 % (1 of 2)'
    """
    matrix = matrix.occurring()
    number = len(matrix.classes)
    has_numbers, is_large = number <= MAX_NUMBERS, number <= MAX_LARGE
    cell = CELL if has_numbers else EMPTY_CELL if is_large else SMALL_CELL
    side = number * cell
    size = (max(4.0, side + 1.6) + (0 if has_numbers else 2.2), max(3.4, side + 1.2))
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    figure.get_layout_engine().set(h_pad=0.12)
    if has_numbers:
        axes = figure.subplots()
    else:
        axes, beside = figure.subplots(1, 2, width_ratios=(size[0] - 2.2, 2.2))
        _list_confusions(beside, matrix)
    image = axes.imshow(
        matrix.shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), aspect="equal"
    )
    _name_cells(axes, matrix.classes, fontsize=9 if is_large else 6)
    if has_numbers:
        _fill_cells(axes, matrix)
        bar = figure.colorbar(image, ax=axes, shrink=0.8, ticks=(0, 0.05, 0.25, 0.5, 1))
        bar.ax.set_yticklabels(["0 %", "5 %", "25 %", "50 %", "100 %"], fontsize=8)
    score = matrix.score()
    shown = f"error {100 * score.value:.1f} % ({score.errors:,} of {score.total:,})"
    axes.set_title(shown, fontsize=10)
    return figure


def _name_cells(axes: Axes, classes: tuple[str, ...], *, fontsize: int) -> None:
    """Write the classes along both sides, and a thin grid between the cells."""
    places = range(len(classes))
    upright = max(map(len, classes), default=0) > 3 or len(classes) > MAX_LARGE
    axes.set_xticks(places, classes, fontsize=fontsize, rotation=90 if upright else 0)
    axes.set_yticks(places, classes, fontsize=fontsize)
    edges = [place - 0.5 for place in places[1:]]
    ends = (-0.5, len(classes) - 0.5)
    for lines in (axes.hlines, axes.vlines):
        lines(edges, *ends, color="0.85", linewidth=0.4)
    axes.tick_params(length=0)
    axes.set(xlabel="answer", ylabel="truth", facecolor="0.95")


def _fill_cells(axes: Axes, matrix: ConfusionMatrix) -> None:
    """Write the share of the row into every cell that has any, in percent."""
    shares = matrix.shares
    for row, column in zip(*matrix.counts.nonzero(), strict=True):
        share = shares[row, column]
        axes.text(
            column,
            row,
            f"{100 * share:.0f}" if share >= 0.01 else "<1",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if share > DARK else "black",
        )


def _list_confusions(axes: Axes, matrix: ConfusionMatrix) -> None:
    """Write the most frequent confusions, with how often and of how many."""
    counts, classes = matrix.counts.copy(), matrix.classes
    counts[range(len(classes)), range(len(classes))] = 0
    # Equals stay in the order of the classes.
    order = (-counts.ravel()).argsort(kind="stable")
    pairs = [divmod(int(place), len(classes)) for place in order[:NAMED]]
    lines = [
        f"{classes[row]} as {classes[column]}: "
        f"{counts[row, column]:,} of {matrix.clips[row]:,}"
        for row, column in pairs
        if counts[row, column]
    ]
    text = "\n".join(["taken most often", *lines] if lines else ["no confusion"])
    axes.text(0, 1, text, va="top", fontsize=9, linespacing=1.5, wrap=False)
    axes.set_axis_off()
