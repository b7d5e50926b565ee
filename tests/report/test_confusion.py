"""The picture of a confusion matrix: what is in its cells, few or many."""

import numpy as np
import pytest

from xlsr_sb.metrics import ConfusionMatrix
from xlsr_sb.report import draw_confusion, write_picture


def matrix_of(number, *, seed=0):
    """A good classifier of so many classes, each with another number of clips."""
    draw = np.random.default_rng(seed)
    counts = draw.poisson(0.3, (number, number)) + np.diag(
        draw.integers(20, 90, number)
    )
    return ConfusionMatrix(tuple(f"l{place}" for place in range(number)), counts)


def names_of(axes):
    return [
        [label.get_text() for label in labels]
        for labels in (axes.get_xticklabels(), axes.get_yticklabels())
    ]


def test_cells_hold_percentages_of_the_row():
    counts = np.array([[3, 1, 0], [0, 0, 0], [0, 1, 199]])
    matrix = ConfusionMatrix(("fr", "it", "ka"), counts)
    axes = draw_confusion(matrix).axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "75", (1, 0): "25", (1, 2): "<1", (2, 2): "100"}
    assert names_of(axes) == [["fr", "it", "ka"]] * 2
    assert axes.get_title() == "error 1.0 % (2 of 204)"
    shown = axes.images[0].get_array()
    assert shown[0].tolist() == [0.75, 0.25, 0]
    assert np.ma.getmaskarray(shown)[1].all() or np.isnan(shown[1]).all()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("answer", "truth")


def test_many_classes_are_all_named_and_the_worst_listed():
    matrix = matrix_of(107)
    matrix.counts[5, 9] = 40
    matrix.counts[7, 2] = 30
    axes, beside = draw_confusion(matrix).axes
    assert names_of(axes) == [list(matrix.classes)] * 2
    assert not axes.texts
    heading, first, second, *_ = beside.texts[0].get_text().splitlines()
    assert heading == "taken most often"
    assert first == f"l5 as l9: 40 of {matrix.clips[5]}"
    assert second == f"l7 as l2: 30 of {matrix.clips[7]}"


def test_names_of_many_classes_do_not_run_into_each_other():
    figure = draw_confusion(matrix_of(107))
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    tops = sorted((box.y0, box.y1) for box in boxes)
    assert len(tops) == 107
    overlaps = [low[1] - high[0] for low, high in zip(tops, tops[1:], strict=False)]
    assert max(overlaps) < 1.5  # pixels of the boxes; letters are lower than these


def test_without_a_confusion_there_is_nothing_to_list():
    matrix = ConfusionMatrix(tuple(map(str, range(30))), np.eye(30, dtype=int))
    assert draw_confusion(matrix).axes[1].texts[0].get_text() == "no confusion"


def test_classes_that_do_not_occur_are_not_drawn():
    counts = np.zeros((107, 107), dtype=int)
    counts[3, 3], counts[3, 90] = 4, 1
    matrix = ConfusionMatrix(tuple(f"l{place}" for place in range(107)), counts)
    assert names_of(draw_confusion(matrix).axes[0]) == [["l3", "l90"]] * 2


@pytest.mark.parametrize(("number", "most"), [(6, 60_000), (42, 300_000)])
def test_files_are_small_and_the_same_each_time(tmp_path, number, most):
    pictures = []
    for name in ("one.png", "two.png"):
        write_picture(tmp_path / "new" / name, draw_confusion(matrix_of(number)))
        pictures.append((tmp_path / "new" / name).read_bytes())
    assert pictures[0] == pictures[1]
    assert pictures[0].startswith(b"\x89PNG")
    assert len(pictures[0]) < most
