"""The learning curve and the train log."""

import csv

import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.training.journal import Journal
from xlsr_sb.training.progress import Progress, Running


def progressed() -> Progress:
    """Ten updates in: 6 nats over 4 sentences since the last row, one bad update."""
    running = Running(6.0, 4.0, updates=5, bad_updates=1, extras={"blank_frames": 30.0})
    return Progress(
        update=10, epoch=1, seconds=12.34, audio_seconds=1800.0, running=running
    )


def read(path):
    """Rows of a curve."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_by_hand(tmp_path):
    """Mean loss 6 / 4 and 1800 s = 0.5 h; the sums are not touched."""
    progress = progressed()
    row = Journal(tmp_path).row(progress, 0.001, {"WER": 0.5, "CER": 0.25})
    assert row == {
        "update": 10,
        "epoch": 1,
        "seconds": 12.3,
        "audio_hours": 0.5,
        "learning_rate": 0.001,
        "train_loss": 1.5,
        "bad_updates": 1,
        "train_blank_frames": 30.0,
        "WER": 0.5,
        "CER": 0.25,
    }
    assert progress == progressed()


def test_without_a_good_update_there_is_no_loss(tmp_path):
    """Not 0, which would look like success; an empty cell of the curve."""
    progress = Progress(update=2, running=Running(updates=2, bad_updates=2))
    journal = Journal(tmp_path)
    row = journal.row(progress, 0.1, {"WER": 1.0, "CER": 1.0})
    assert row["train_loss"] is None
    journal.write([row])
    assert read(tmp_path / "learning_curve.csv")[0]["train_loss"] == ""
    assert "train loss" not in (tmp_path / "train_log.txt").read_text()


def test_the_curve_is_written_whole_each_time(tmp_path):
    """A row that a killed run wrote, but did not save, does not stand there twice."""
    journal = Journal(tmp_path)
    rows = [{"update": n, "epoch": 0, "seconds": 1.0, "CER": 1 / n} for n in (1, 2, 3)]
    rows = [{**row, "learning_rate": 0.1} for row in rows]
    journal.write(rows[:2])
    journal.write(rows[:1])  # resumed from a checkpoint before the second
    journal.write(rows[:2])
    journal.write(rows)
    found = read(tmp_path / "learning_curve.csv")
    assert [row["update"] for row in found] == ["1", "2", "3"]
    assert [float(row["CER"]) for row in found] == [1.0, 0.5, 1 / 3]


def test_columns_that_appear_later_are_kept(tmp_path):
    """Earlier rows are empty there."""
    base = {"epoch": 0, "seconds": 1.0, "learning_rate": 0.1}
    rows = [{"update": 1, **base}, {"update": 2, **base, "BLEU": 30.0}]
    Journal(tmp_path).write(rows)
    found = read(tmp_path / "learning_curve.csv")
    assert [row["BLEU"] for row in found] == ["", "30.0"]


def test_the_train_log_is_speechbrains(tmp_path):
    """One line a row, training and validation apart."""
    journal = Journal(tmp_path)
    row = journal.row(progressed(), 0.001, {"WER": 0.5, "CER": 0.25})
    journal.write([row])
    line = (tmp_path / "train_log.txt").read_text().strip()
    assert line.startswith(
        "update: 10, epoch: 1, seconds: 12.30, learning_rate: 1.00e-03"
    )
    train, valid = line.split(" - ")[1:]
    assert train == "train loss: 1.50, train blank_frames: 30.00"
    assert valid.startswith("valid ")
    assert "valid WER: 5.00e-01" in valid


def test_a_folder_that_cannot_be_written(tmp_path):
    """Is an error of the user's, and names the file."""
    (tmp_path / "learning_curve.csv").mkdir()
    row = {"update": 1, "epoch": 0, "seconds": 1.0, "learning_rate": 0.1}
    with pytest.raises(InputError, match=r"learning_curve\.csv cannot be written"):
        Journal(tmp_path).write([row])
    (tmp_path / "learning_curve.csv").rmdir()
    (tmp_path / "train_log.txt").mkdir()
    with pytest.raises(InputError, match=r"train_log\.txt cannot be written"):
        Journal(tmp_path).write([row])
