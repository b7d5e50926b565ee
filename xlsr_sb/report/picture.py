"""Figures as small PNG files."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

COLOURS = 128  # enough for lines, shades and their soft edges


def write_picture(path: str | Path, figure: Figure) -> None:
    """Write a figure as a PNG of few colours, which makes it several times smaller.

    Parameters
    ----------
    path : path
        File to write; missing folders are made.
    figure : Figure

    Example
    -------
    >>> path = getfixture("tmp_path") / "empty.png"
    >>> write_picture(path, Figure(figsize=(2, 1)))
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, "PNG", optimize=True)
