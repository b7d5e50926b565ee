"""The picture of a pretraining run: what is drawn where, and for which curves."""

import math

import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.report import draw_pretraining, learning_curve, read_curve

COLUMNS = ["update", "train_loss", "valid_loss", "valid_contrastive"]
COLUMNS += ["valid_accuracy", "valid_code_perplexity", "train_contrastive"]
COLUMNS += ["train_accuracy", "train_perplexity", "train_code_perplexity"]
COLUMNS += ["temperature"]
UNITS = ["train_unit", "valid_unit", "train_unit_accuracy", "valid_unit_accuracy"]
TITLES = [
    "loss (nats a masked frame)",
    "accuracy (%)",
    "codes in use (perplexity)",
    "Gumbel temperature",
]


def curve_csv(folder, columns=COLUMNS, num_rows=3):
    """A curve whose cells are 0.1 for the first column, 0.2 for the next one, ..."""
    path = folder / "learning_curve.csv"
    rows = [
        [1000 * (row + 1), *(f"{0.1 * i:.1f}" for i in range(1, len(columns)))]
        for row in range(num_rows)
    ]
    lines = [columns, *rows]
    path.write_text("\n".join(",".join(map(str, line)) for line in lines) + "\n")
    return path


def lines_of(figure):
    """Labels and first values of the lines of each panel."""
    return [
        {line.get_label(): line.get_ydata()[0] for line in axes.lines}
        for axes in figure.axes
    ]


def test_each_panel_draws_its_columns(tmp_path):
    """Losses, accuracies in percent, perplexities and the temperature."""
    names = COLUMNS[3:]
    curve = read_curve(curve_csv(tmp_path), names)
    figure = draw_pretraining(curve)
    assert [axes.get_ylabel() for axes in figure.axes] == TITLES
    assert lines_of(figure) == [
        pytest.approx({"contrastive, training": 0.6, "contrastive, validation": 0.3}),
        pytest.approx({"contrastive, training": 70, "contrastive, validation": 40}),
        pytest.approx(
            {
                "softmax, training": 0.8,
                "codes, training": 0.9,
                "codes, validation": 0.5,
            }
        ),
        pytest.approx({"temperature": 1.0}),
    ]
    for axes in figure.axes:
        assert axes.get_xlabel() == "updates"
        assert list(axes.lines[0].get_xdata()) == [1000, 2000, 3000]
        assert axes.get_ylim()[0] == 0


def test_units_are_drawn_where_there_are_some(tmp_path):
    """Beside the contrastive objective, or alone."""
    curve = read_curve(curve_csv(tmp_path, COLUMNS + UNITS), COLUMNS[3:] + UNITS)
    losses, accuracies, *_ = lines_of(draw_pretraining(curve))
    assert {"units, training", "units, validation"} < set(losses)
    assert accuracies["units, training"] == pytest.approx(130)
    alone = read_curve(curve_csv(tmp_path, ["update", *UNITS]), UNITS)
    assert [len(panel) for panel in lines_of(draw_pretraining(alone))] == [2, 2, 0, 0]


def test_the_curve_of_a_run_is_recognised(tmp_path, monkeypatch):
    """By its columns; it becomes the picture with four panels, the same each time."""
    drawn = []
    monkeypatch.setattr(
        "xlsr_sb.report.pretraining.draw_pretraining",
        lambda curve: drawn.append(curve) or draw_pretraining(curve),
    )
    pictures = []
    for name in ("a.png", "b.png"):
        learning_curve(curve_csv(tmp_path), tmp_path / name, constant_rate=0.9)
        pictures.append((tmp_path / name).read_bytes())
    assert pictures[0] == pictures[1]
    assert pictures[0].startswith(b"\x89PNG")
    assert 5_000 < len(pictures[0]) < 100_000
    assert len(drawn) == 2
    assert set(drawn[0]) == {"update", *COLUMNS[3:]}


def test_rows_without_a_good_update(tmp_path):
    """Their cells are empty; the others are drawn."""
    path = curve_csv(tmp_path)
    lines = path.read_text().splitlines()
    lines[2] = "2000,,3.5" + "," * (len(COLUMNS) - 4) + ",2.0"
    path.write_text("\n".join(lines))
    curve = read_curve(path, COLUMNS[3:])
    assert math.isnan(curve["train_contrastive"][1])
    figure = draw_pretraining(curve)
    assert list(figure.axes[0].lines[0].get_xdata()) == [1000, 3000]
    assert list(figure.axes[3].lines[0].get_xdata()) == [1000, 2000, 3000]


def test_a_cell_that_is_no_number(tmp_path):
    path = curve_csv(tmp_path)
    path.write_text(path.read_text().replace("0.6", "oops"))
    with pytest.raises(InputError, match="line 2: train_contrastive is 'oops'"):
        learning_curve(path, tmp_path / "a.png")
