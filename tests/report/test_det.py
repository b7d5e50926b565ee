"""The picture of misses and false alarms: where its points and marks are."""

from statistics import NormalDist

import numpy as np
import pytest

from xlsr_sb.metrics.verification import (
    DetectionCost,
    TrialScores,
    equal_error_rate,
    error_curve,
    min_dcf,
)
from xlsr_sb.report import draw_det, write_picture


def curve_of(distance, *, number=20_000, seed=0):
    draw = np.random.default_rng(seed)
    targets, nontargets = draw.normal(distance, 1, number), draw.normal(0, 1, number)
    return error_curve(TrialScores.of_classes(targets, nontargets))


def test_normal_scores_give_a_straight_line():
    """Of slope -1, as far from the corner as the distributions are apart."""
    axes = draw_det({"a": curve_of(2.0)}).axes[0]
    alarms, misses = axes.lines[0].get_data()
    inside = (np.abs(alarms) < 2) & (np.abs(misses) < 2)
    assert inside.sum() > 100
    assert (alarms + misses)[inside] == pytest.approx(-2.0, abs=0.15)


def test_marks_are_at_eer_and_lowest_cost():
    curve, cost = curve_of(2.0), DetectionCost(0.05)
    axes = draw_det({"a": curve}, cost=cost).axes[0]
    line, circle, triangle, diagonal = axes.lines
    assert (circle.get_marker(), triangle.get_marker()) == ("o", "^")
    probit = NormalDist().inv_cdf
    eer, best = equal_error_rate(curve), min_dcf(curve, cost)
    assert circle.get_xydata()[0] == pytest.approx([probit(eer.value)] * 2)
    assert triangle.get_xydata()[0] == pytest.approx(
        [probit(best.false_alarm_rate), probit(best.miss_rate)]
    )
    assert line.get_label() == (
        f"a: EER {100 * eer.value:.2f} %, minDCF(0.05) {best.value:.3f}"
    )
    low, high = axes.get_xlim()
    assert axes.get_ylim() == (low, high)
    for mark in (circle, triangle):
        assert low < mark.get_xydata().min() <= mark.get_xydata().max() < high
    assert diagonal.get_linestyle() == ":"


def test_ticks_are_percentages_where_the_scale_has_them():
    axes = draw_det({"a": curve_of(2.0)}).axes[0]
    for place, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        share = float(label.get_text()) / 100
        assert NormalDist().cdf(place) == pytest.approx(share, rel=1e-6)
    assert {"5", "10", "40"} <= {label.get_text() for label in axes.get_xticklabels()}


def test_names_of_ticks_have_room_on_a_wide_scale():
    """A poor system's lowest cost is at rates near 1, where ticks are dense."""
    figure = draw_det({"a": curve_of(1.0)}, cost=DetectionCost(0.02))
    assert figure.axes[0].get_xlim()[1] > 1.5
    figure.draw_without_rendering()
    labels = figure.axes[0].get_xticklabels()
    boxes = sorted((box.x0, box.x1) for box in (o.get_window_extent() for o in labels))
    assert len(boxes) >= 8
    pairs = zip(boxes, boxes[1:], strict=False)
    assert all(left[1] < right[0] for left, right in pairs)


def test_accepting_nobody_is_not_marked():
    """Where no threshold is worth more, there is no triangle; the legend says 1."""
    axes = draw_det({"a": curve_of(0.1)}, cost=DetectionCost(0.001)).axes[0]
    assert [line.get_marker() for line in axes.lines].count("^") == 0
    assert axes.lines[0].get_label().endswith("minDCF(0.001) 1.000")
    assert axes.get_xlim()[1] < 0.5


def test_systems_have_their_own_colours_and_four_is_the_limit():
    curves = {name: curve_of(1 + i) for i, name in enumerate("abcd")}
    axes = draw_det(curves).axes[0]
    lines = [line for line in axes.lines if not line.get_label().startswith("_")]
    assert len({line.get_color() for line in lines}) == 4
    for wrong in ({}, {**curves, "e": curves["a"]}):
        with pytest.raises(ValueError, match=f"{len(wrong)} curves"):
            draw_det(wrong)


@pytest.mark.parametrize(
    ("targets", "nontargets"),
    [([2, 3], [0, 1]), ([0, 1], [2, 3]), ([1], [1]), ([1], [0])],
)
def test_perfect_and_useless_systems_are_drawn(tmp_path, targets, nontargets):
    """Rates of 0 and 1 are at no finite place."""
    curve = error_curve(TrialScores.of_classes(targets, nontargets))
    figure = draw_det({"a": curve}, cost=DetectionCost())
    for line in figure.axes[0].lines:
        assert np.isfinite(line.get_xydata()).all()
    write_picture(tmp_path / "det.png", figure)
    assert (tmp_path / "det.png").read_bytes().startswith(b"\x89PNG")


def test_file_of_many_trials_is_small(tmp_path):
    write_picture(tmp_path / "det.png", draw_det({"a": curve_of(3, number=300_000)}))
    assert 3_000 < (tmp_path / "det.png").stat().st_size < 60_000
