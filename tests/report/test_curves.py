"""The learning curve: what is read, what is drawn, what is left behind."""

import math

import matplotlib
import pytest
from matplotlib import _pylab_helpers

from xlsr_sb.errors import InputError
from xlsr_sb.report import draw_curve, learning_curve, read_curve

HEADER = "update,seconds,learning_rate,train_loss,valid_loss,WER,CER,blank_share"


@pytest.fixture
def curve_csv(tmp_path):
    path = tmp_path / "learning_curve.csv"
    lines = [HEADER]
    for update in range(10, 2010, 10):
        loss = 3 * math.exp(-update / 700) + 0.2 * math.sin(update)
        measured = f"{loss + 0.1},1.1,{loss / 3},0.7" if update % 200 == 0 else ",,,"
        lines.append(f"{update},{update / 5},1e-4,{loss},{measured}")
    path.write_text("\n".join(lines))
    return path


def test_png_is_small_and_the_same_each_time(curve_csv, tmp_path):
    pictures = []
    for name in ("one.png", "two.png"):
        learning_curve(curve_csv, tmp_path / name, constant_rate=0.78)
        pictures.append((tmp_path / name).read_bytes())
    assert pictures[0] == pictures[1]
    assert pictures[0].startswith(b"\x89PNG")
    assert 5_000 < len(pictures[0]) < 60_000


def raw_settings():
    """Return matplotlib's settings; asking for the backend by name would choose one."""
    return dict(dict.items(matplotlib.rcParams))


def test_leaves_no_state_in_matplotlib(curve_csv, tmp_path):
    settings = raw_settings()
    learning_curve(curve_csv, tmp_path / "curve.png")
    assert raw_settings() == settings
    assert not _pylab_helpers.Gcf.figs


def test_draws_what_was_measured(curve_csv):
    losses, rates = draw_curve(read_curve(curve_csv), constant_rate=0.78).axes
    train, valid = losses.lines
    assert train.get_label() == "training"
    assert len(train.get_xdata()) == 200
    assert list(valid.get_xdata()) == list(range(200, 2010, 200))
    assert [line.get_label() for line in rates.lines] == [
        "WER",
        "CER",
        "CER of the best constant output",
    ]
    wer, _, constant = rates.lines
    assert wer.get_ydata()[0] == pytest.approx(110)
    assert constant.get_ydata()[0] == pytest.approx(78)
    assert constant.get_linestyle() == "--"
    assert losses.get_xlabel() == rates.get_xlabel() == "updates"


def test_columns_are_found_by_name_and_bad_steps_left_out(tmp_path):
    path = tmp_path / "learning_curve.csv"
    path.write_text(
        "CER,extra,WER,valid_loss,train_loss,update\n,x,,,nan,1\n0.5,x,1,2.5,3,2\n"
    )
    curve = read_curve(path)
    assert curve["update"] == [1, 2]
    assert math.isnan(curve["CER"][0])
    assert curve["CER"][1] == 0.5
    losses, _ = draw_curve(curve).axes
    assert list(losses.lines[0].get_xdata()) == [2]


def test_a_curve_without_any_validation_is_drawn(tmp_path):
    path = tmp_path / "learning_curve.csv"
    path.write_text(f"{HEADER}\n1,1,1e-4,3.5,,,,\n")
    _, rates = draw_curve(read_curve(path)).axes
    assert not rates.lines
    learning_curve(path, tmp_path / "curve.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"curve.csv, line 1: no column update, train_loss, valid_loss, WER, CER"),
        ("update,train_loss,WER,CER\n", r"line 1: no column valid_loss; .* has update"),
        (f"{HEADER}\n", r"curve.csv: the learning curve has no line yet"),
        (f"{HEADER}\n1,1,1,2,,,,\n2,1,1,oops,,,,\n", r"line 3: train_loss is 'oops'"),
    ],
)
def test_errors_name_file_line_and_column(tmp_path, text, message):
    path = tmp_path / "curve.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        learning_curve(path, tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_a_missing_curve_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none.csv: no such learning curve"):
        learning_curve(tmp_path / "none.csv", tmp_path / "curve.png")
