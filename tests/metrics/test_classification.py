"""Errors of classes, confusions and the best few answers, counted one by one."""

import csv
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlsr_sb.errors import InputError
from xlsr_sb.metrics import (
    Score,
    bootstrap_interval,
    classification,
    confusion_matrix,
    count_answers,
    count_top_answers,
    duration_groups,
)

pairs = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")))


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_confusions_are_counted(found):
    references, answers = [[pair[side] for pair in found] for side in (0, 1)]
    matrix = confusion_matrix(references, answers, classes="dbca")
    for row, truth in enumerate("dbca"):
        for column, answer in enumerate("dbca"):
            assert matrix.counts[row, column] == found.count((truth, answer))
    wrong = sum(truth != answer for truth, answer in found)
    assert matrix.score() == Score("ERR", wrong, len(found))
    counts = count_answers(references, answers)
    assert counts.errors.tolist() == [truth != answer for truth, answer in found]
    assert counts.totals.tolist() == [1] * len(found)
    for row, share in zip(matrix.counts, matrix.shares, strict=True):
        if row.sum():
            assert share == pytest.approx(row / row.sum())
        else:
            assert np.isnan(share).all()


def test_classes_that_do_not_occur_are_left_out():
    matrix = confusion_matrix(["c", "c"], ["c", "a"], classes="abc").occurring()
    assert matrix.classes == ("a", "c")
    assert matrix.counts.tolist() == [[0, 0], [1, 1]]


def test_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match=r"\['x'\] are none of the 2 classes"):
        confusion_matrix(["a"], ["x"], classes="ab")


def test_an_empty_answer_is_wrong_and_as_many_are_needed():
    assert count_answers(["a"], [""]).score().value == 1
    for function in (count_answers, confusion_matrix):
        with pytest.raises(ValueError, match="2 references, 1 answers"):
            function(["a", "b"], ["a"])


def test_intervals_can_be_drawn():
    counts = count_answers(["a"] * 100, ["a", "b"] * 50)
    interval = bootstrap_interval(counts)
    assert interval.low == pytest.approx(0.4, abs=0.03)
    assert interval.high == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("piece", [1, 25, 4_000_000])
def test_best_answers_equal_sorting(monkeypatch, piece):
    """Ties as ``argmax`` breaks them; mutation that fails here: ties count as right."""
    monkeypatch.setattr(classification, "PIECE", piece)
    draw = random.Random(0)
    classes = "edcba"
    scores = np.array([[draw.randint(0, 3) for _ in classes] for _ in range(200)])
    references = [draw.choice("abcdex") for _ in range(200)]
    for top in range(1, 6):
        counts = count_top_answers(references, scores, classes=classes, top=top)
        wanted = []
        for truth, row in zip(references, scores.tolist(), strict=True):
            best = sorted(range(5), key=lambda place: (-row[place], place))[:top]  # noqa: B023
            wanted.append(truth not in [classes[place] for place in best])
        assert counts.errors.tolist() == wanted
        assert counts.metric == f"ERR@{top}"
    answers = [classes[place] for place in scores.argmax(axis=1)]
    first = count_top_answers(references, scores, classes=classes, top=1)
    assert first.errors.tolist() == count_answers(references, answers).errors.tolist()


def test_nan_is_no_best_answer(monkeypatch):
    """Else every comparison with it is false, and the answer right."""
    monkeypatch.setattr(classification, "PIECE", 2)
    scores = np.array([[0.5, 0.5], [0.5, 0.5], [np.nan, 0.5]])
    with pytest.raises(InputError, match=r"utterance 3 has .* \(nan\)"):
        count_top_answers(["a"] * 3, scores, classes="ab", top=1)


@pytest.mark.parametrize(("top", "columns"), [(0, 2), (3, 2), (1, 3)])
def test_scores_and_classes_must_fit(top, columns):
    with pytest.raises(ValueError, match=f"top {top} of 2 classes"):
        count_top_answers(["a"], np.ones((1, columns)), classes="ab", top=top)


def test_durations_at_the_edges():
    """As the paper's script has it: 5 s belongs to the short ones."""
    assert duration_groups([0.5, 5.0, 5.0001, 19.0]) == [
        *["0-5 s"] * 2,
        *["over 5 s"] * 2,
    ]
    names = duration_groups([1, 2.5, 2.6, 7, 8], edges=(2.5, 7))
    assert names == ["0-2.5 s", "0-2.5 s", "2.5-7 s", "2.5-7 s", "over 7 s"]
    assert duration_groups([]) == []


def test_file_of_a_confusion_matrix(tmp_path):
    matrix = confusion_matrix(["b", "a,c", "b"], ["b", "b", "a,c"])
    matrix.write(tmp_path / "confusion.csv")
    with (tmp_path / "confusion.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["reference", "a,c", "b"]
    assert rows == [["a,c", "0", "1"], ["b", "1", "1"]]
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="folder cannot be written"):
        matrix.write(tmp_path / "folder")
