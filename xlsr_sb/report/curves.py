"""Learning curves of a run, as a table and as a picture."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from xlsr_sb.errors import InputError
from xlsr_sb.report import classification, denoising, pretraining, translation
from xlsr_sb.report.panels import COLOURS, Curve, Panel, add_legend

LOSSES = Panel("loss", {"train_loss": "training", "valid_loss": "validation"})
RATES = Panel("error rate (%)", {"WER": "WER", "CER": "CER"}, factor=100)
SYMBOLS = Panel("error rate (%)", {"PER": "PER"}, factor=100)
COLUMNS = (*LOSSES.lines, *RATES.lines)


def learning_curve(
    csv_path: str | Path, png_path: str | Path, *, constant_rate: float | None = None
) -> None:
    r"""Draw losses and error rates against updates, as a small PNG.

    Of a pretraining run, losses, accuracies and perplexities; of a translation run,
    losses and BLEU; of a denoising run, losses and accuracies; of a classification run,
    losses and error rates.

    Parameters
    ----------
    csv_path : path
        Table with the columns ``update``, ``train_loss``, ``valid_loss``, ``WER`` and
        ``CER`` or ``PER`` among others, in any order; an empty cell is a value not
        measured. Or that of another kind of run.
    png_path : path
        File to write.
    constant_rate : float, optional
        CER, PER or ERR of the best constant output, drawn as a dashed line.

    Raises
    ------
    InputError
        If the table has no such column, no line, or a cell that is no number.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "learning_curve.csv")
    ...     text = "update,train_loss,valid_loss,WER,CER\n1,3.2,,,\n2,3.1,3.0,1.0,0.9"
    ...     _ = table.write_text(text)
    ...     learning_curve(table, table.with_suffix(".png"))
    ...     table.with_suffix(".png").read_bytes()[1:4]
    b'PNG'
    """
    columns = _columns(csv_path)
    if columns >= set(translation.COLUMNS):
        figure = translation.draw_translation(read_curve(csv_path, translation.COLUMNS))
    elif columns >= set(classification.COLUMNS):
        curve = read_curve(csv_path, classification.COLUMNS)
        figure = classification.draw_classification(curve, constant_rate=constant_rate)
    elif columns >= set(denoising.COLUMNS):
        figure = denoising.draw_denoising(read_curve(csv_path, denoising.COLUMNS))
    elif found := columns & set(pretraining.COLUMNS):
        figure = pretraining.draw_pretraining(read_curve(csv_path, sorted(found)))
    else:
        rates = SYMBOLS if columns >= set(SYMBOLS.lines) else RATES
        curve = read_curve(csv_path, (*LOSSES.lines, *rates.lines))
        figure = draw_curve(curve, constant_rate=constant_rate)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    # 64 colours are enough for four lines and make the file three times smaller.
    picture.quantize(64, dither=Image.Dither.NONE).save(png_path, "PNG", optimize=True)


def _columns(csv_path: str | Path) -> set[str]:
    """Names of the columns; none if there is no such file."""
    if not Path(csv_path).is_file():
        return set()
    with open(csv_path, encoding="utf-8", newline="") as file:
        return set(next(csv.reader(file), ()))


def read_curve(csv_path: str | Path, names: Sequence[str] = COLUMNS) -> Curve:
    r"""Columns of a learning curve by their names; NaN where a cell is empty.

    Parameters
    ----------
    csv_path : path
    names : sequence of str
        Columns wanted beside ``update``.

    Returns
    -------
    dict of str to list of float
        One number a line.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "learning_curve.csv")
    ...     _ = path.write_text("CER,WER,update,train_loss,valid_loss\n,,5,3.5,")
    ...     curve = read_curve(path)
    >>> curve["update"], curve["train_loss"], curve["CER"]
    ([5.0], [3.5], [nan])
    """
    columns = ("update", *names)
    if not Path(csv_path).is_file():
        raise InputError(f"{csv_path}: no such learning curve")
    with open(csv_path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError(
                f"{csv_path}, line 1: no column {', '.join(missing)};"
                f" a learning curve has {', '.join(columns)}"
            )
        curve: Curve = {name: [] for name in columns}
        for cells in reader:
            for name in columns:
                place = f"{csv_path}, line {reader.line_num}: {name}"
                curve[name].append(_number(cells[name], place))
    if not curve["update"]:
        raise InputError(f"{csv_path}: the learning curve has no line yet")
    return curve


def draw_curve(curve: Curve, *, constant_rate: float | None = None) -> Figure:
    """Figure with two panels: losses on the left, error rates on the right.

    It belongs to nobody's pyplot, so nothing has to be closed.

    Parameters
    ----------
    curve : dict of str to list of float
        As ``read_curve`` returns it.
    constant_rate : float, optional
        CER or PER of the best constant output, drawn as a dashed line.

    Returns
    -------
    Figure

    Example
    -------
    >>> curve = {"update": [1.0, 2.0], "train_loss": [3.2, 3.1],
    ...          "valid_loss": [math.nan, 3.0], "WER": [math.nan, 1.0],
    ...          "CER": [math.nan, 0.9]}
    >>> [axes.get_ylabel() for axes in draw_curve(curve).axes]
    ['loss', 'error rate (%)']
    """
    figure = Figure(figsize=(9, 3.4), dpi=100, layout="constrained")
    losses, rates = figure.subplots(1, 2, sharex=True)
    LOSSES.draw(losses, curve)
    panel = SYMBOLS if curve.keys() >= SYMBOLS.lines.keys() else RATES
    panel.draw(rates, curve)
    if constant_rate is not None:
        rates.axhline(
            100 * constant_rate,
            color=COLOURS[len(panel.lines) - 1],
            linestyle="--",
            linewidth=1,
            label=f"{[*panel.lines][-1]} of the best constant output",
        )
    for axes in (losses, rates):
        add_legend(axes)
    return figure


def _number(cell: str | None, place: str) -> float:
    """Content of a cell; NaN if it is empty. Errors name the ``place``."""
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        raise InputError(f"{place} is {cell!r}; it must be a number or empty") from None
