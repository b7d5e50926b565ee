"""The map of embeddings: which directions it shows, and how labels are told apart."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from xlsr_sb.errors import InputError
from xlsr_sb.report import draw_embedding_map, project_embeddings, write_picture


def clusters(*, labels=4, each=30, width=10, seed=0):
    """Labels that lie apart in two dimensions, under noise that is louder elsewhere."""
    draw = np.random.default_rng(seed)
    places = np.repeat(np.arange(labels), each)
    vectors = draw.normal(size=(labels * each, width))
    vectors[:, :2] += draw.normal(0, 4, (labels, 2))[places]
    vectors[:, 2] *= 30
    return vectors, [f"l{place}" for place in places]


def apart(points, labels):
    """Share of the spread that lies between labels."""
    names = np.array(labels)
    means = np.stack([points[names == one].mean(axis=0) for one in labels])
    return (means**2).sum() / (points**2).sum()


def test_pca_shows_the_greatest_spread():
    """Against the eigenvalues of the covariance."""
    vectors, labels = clusters()
    points, shares = project_embeddings(vectors, labels)
    values = np.linalg.eigvalsh(np.cov(vectors.T, ddof=0))[::-1]
    assert points.var(axis=0) == pytest.approx(values[:2])
    assert shares == pytest.approx(values[:2] / values.sum())
    assert points.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert np.corrcoef(points.T)[0, 1] == pytest.approx(0, abs=1e-9)
    assert abs(np.corrcoef(points[:, 0], vectors[:, 2])[0, 1]) > 0.99


def test_lda_shows_what_sets_labels_apart():
    vectors, labels = clusters()
    points = {
        name: project_embeddings(vectors, labels, method=name)[0]
        for name in ("pca", "lda")
    }
    assert apart(points["lda"], labels) > 0.8 > 0.6 > apart(points["pca"], labels)


def test_axes_point_the_same_way_each_time():
    """Directions have no sign of their own; the longest way is made the positive."""
    vectors, labels = clusters()
    for method in ("pca", "lda"):
        points, _ = project_embeddings(vectors, labels, method=method)
        mirrored, _ = project_embeddings(-vectors, labels, method=method)
        assert (points.max(axis=0) >= -points.min(axis=0)).all()
        assert (mirrored.max(axis=0) >= -mirrored.min(axis=0)).all()
        again, _ = project_embeddings(vectors, labels, method=method)
        assert np.array_equal(points, again)


def test_embeddings_of_one_number():
    points, shares = project_embeddings(np.array([[1.0], [2.0], [4.0]]), list("abc"))
    assert points[:, 1].tolist() == [0, 0, 0]
    assert shares.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("number", "labels", "method", "message"),
    [
        (2, ["a", "b"], "pca", "map of 2 embeddings"),
        (4, ["a"] * 4, "tsne", "'tsne'; it must be one of pca, lda"),
        (4, ["a", "a", "b", "b"], "lda", "three labels for two axes, got 2"),
    ],
)
def test_what_cannot_be_shown(number, labels, method, message):
    vectors = np.random.default_rng(0).normal(size=(number, 5))
    with pytest.raises(InputError, match=message):
        project_embeddings(vectors, labels, method=method)


def test_embeddings_that_are_all_the_same():
    with pytest.raises(InputError, match="show nothing"):
        project_embeddings(np.ones((5, 3)), ["a"] * 5)
    with pytest.raises(ValueError, match="4 labels of 5 embeddings"):
        project_embeddings(np.ones((5, 3)), ["a"] * 4)


@pytest.mark.parametrize("number", [4, 24, 60])
def test_labels_are_told_apart(number):
    """No two have the same colour and mark; many are named on the map."""
    vectors, labels = clusters(labels=number, each=3)
    figure = draw_embedding_map(vectors, labels, title="languages")
    axes = figure.axes[0]
    looks = {
        (to_hex(group.get_facecolor()[0]), group.get_paths()[0].vertices.tobytes())
        for group in axes.collections
    }
    assert len(axes.collections) == len(looks) == number
    shown = sum(len(group.get_offsets()) for group in axes.collections)
    assert shown == 3 * number
    names = {text.get_text() for text in axes.texts}
    assert names == ({*labels} if number > 24 else set())
    assert bool(figure.legends) == (number <= 24)
    assert axes.get_title() == "languages"


def test_a_picture_by_lda_says_so(tmp_path):
    vectors, labels = clusters()
    figure = draw_embedding_map(vectors, labels, method="lda")
    assert "what sets the labels apart" in figure.axes[0].get_xlabel()
    write_picture(tmp_path / "map.png", figure)
    assert 3_000 < (tmp_path / "map.png").stat().st_size < 150_000
