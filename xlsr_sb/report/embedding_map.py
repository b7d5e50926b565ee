"""Embeddings as points in a plane, coloured by language or by speaker."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xlsr_sb.errors import InputError

PCA, LDA = METHODS = ("pca", "lda")
MARKS = "os^vDP*X<>"
MAX_LEGEND = 24  # labels up to which there is a legend; more are written on the map
SHRINKAGE = 0.1  # of the spread within labels towards that of a ball


def project_embeddings(
    embeddings: np.ndarray, labels: Sequence[str], *, method: str = PCA
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings seen from the side that shows most.

    Parameters
    ----------
    embeddings : ndarray [N, D], float
        Of three or more recordings.
    labels : sequence of str
        Of each.
    method : str
        ``pca``: the two directions of the greatest spread; labels are not looked at.
        ``lda``: those in which the means of the labels lie apart most, against the
        spread within labels. With few recordings in many dimensions it finds such
        directions in noise too; PCA is the picture to believe.

    Returns
    -------
    points : ndarray [N, 2]
        Around 0. Each axis points so that its longest way from 0 is upwards.
    shares : ndarray [2]
        Of the spread (of ``lda``, of the spread between labels) along each axis.

    Raises
    ------
    InputError
        If there are too few recordings or labels, or all are the same.

    Example
    -------
    >>> draw = np.random.default_rng(0).normal(size=(50, 4)) * [5, 2, 1, 1]
    >>> points, shares = project_embeddings(draw, ["a"] * 50)
    >>> points.shape, bool(shares[0] > 0.5)
    ((50, 2), True)
    """
    if method not in METHODS:
        raise InputError(
            f"map of embeddings by {method!r}; it must be one of {', '.join(METHODS)}"
        )
    embeddings = np.asarray(embeddings, dtype=np.float64)
    if len(labels) != len(embeddings):
        raise ValueError(f"{len(labels)} labels of {len(embeddings)} embeddings")
    if len(embeddings) < 3 or not np.ptp(embeddings, axis=0).any():
        raise InputError(
            f"a map of {len(embeddings)} embeddings that show nothing; it needs three "
            "recordings at least that are not the same"
        )
    centred = embeddings - embeddings.mean(axis=0)
    if method == LDA:
        centred, spread = _between(centred, labels)
    else:
        spread = centred
    _, sizes, axes = np.linalg.svd(spread, full_matrices=False)
    points = np.zeros((len(centred), 2))
    found = centred @ axes[:2].T
    points[:, : found.shape[1]] = found
    furthest = np.abs(points).argmax(axis=0)
    points *= np.where(points[furthest, [0, 1]] < 0, -1, 1)
    shares = np.zeros(2)
    shares[: len(sizes[:2])] = sizes[:2] ** 2 / (sizes**2).sum()
    return points, shares


def _between(
    centred: np.ndarray, labels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings with a round spread within labels, and the label's mean of each."""
    names, places = np.unique(list(labels), return_inverse=True)
    if len(names) < 3:
        raise InputError(f"lda needs three labels for two axes, got {len(names)}")

    def means_of(vectors):
        sums = np.zeros((len(names), vectors.shape[1]))
        np.add.at(sums, places, vectors)
        return (sums / np.bincount(places)[:, None])[places]

    within = centred - means_of(centred)
    covariance = within.T @ within / len(within)
    ball = np.trace(covariance) / len(covariance)
    # Without any spread inside labels there is nothing to make round.
    ball = ball if ball > 0 else 1.0
    values, vectors = np.linalg.eigh(
        (1 - SHRINKAGE) * covariance + SHRINKAGE * ball * np.eye(len(covariance))
    )
    whitened = centred @ (vectors / np.sqrt(values))
    return whitened, means_of(whitened)


def draw_embedding_map(
    embeddings: np.ndarray,
    labels: Sequence[str],
    *,
    method: str = PCA,
    title: str = "",
) -> Figure:
    """Figure with a point a recording, and a colour and mark a label.

    Parameters
    ----------
    embeddings : ndarray [N, D], float
    labels : sequence of str
        Language or speaker of each.
    method : str
        See ``project_embeddings``.
    title : str

    Returns
    -------
    Figure

    Example
    -------
    >>> draw = np.random.default_rng(0).normal(size=(6, 4))
    >>> figure = draw_embedding_map(draw, ["fr", "it"] * 3)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['fr (3)', 'it (3)']
    """
    points, shares = project_embeddings(embeddings, labels, method=method)
    figure = Figure(figsize=(7, 5.4), dpi=110, layout="constrained")
    axes = figure.subplots()
    names, places = np.unique(list(labels), return_inverse=True)
    colours = _colours(len(names))
    for number, name in enumerate(names):
        own = points[places == number]
        axes.scatter(
            *own.T,
            s=14,
            color=colours[number],
            marker=MARKS[number % len(MARKS)],
            linewidths=0,
            alpha=0.75,
            label=f"{name} ({len(own)})",
        )
        if len(names) > MAX_LEGEND:
            place = np.median(own, axis=0)
            axes.annotate(name, place, fontsize=7, ha="center", va="center")
    if len(names) <= MAX_LEGEND:
        figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    _name_axes(axes, shares, method)
    axes.set_title(title, fontsize=10)
    return figure


def _colours(number: int) -> np.ndarray:
    """As many colours as labels, neighbours far apart, [number, 4]."""
    few = colormaps["tab10" if number <= 10 else "tab20"]
    if number <= few.N:
        return few(np.arange(number))
    # Steps of the golden section round the circle never come close to each other.
    return colormaps["hsv"](np.arange(number) * 0.618034 % 1) * [0.8, 0.8, 0.8, 1]


def _name_axes(axes: Axes, shares: np.ndarray, method: str) -> None:
    """Tell how much of the spread each axis shows, and where labels chose the axes."""
    what = "of the spread" if method == PCA else "of what sets the labels apart"
    labels = [
        f"{place} axis: {100 * share:.0f} % {what}"
        for place, share in zip(("first", "second"), shares, strict=True)
    ]
    axes.set(xlabel=labels[0], ylabel=labels[1], xticks=[], yticks=[])
    axes.spines[["top", "right"]].set_visible(False)
