"""Errors by class and group, and means over classes."""

import csv
import random
import tracemalloc

import numpy as np
import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.metrics import (
    bootstrap_interval,
    classification_mean,
    classification_table,
    count_answers,
    count_top_answers,
    macro_error,
    write_classification_table,
)


@pytest.fixture
def clips():
    """References, answers, speakers and sources of 240 clips of unequal classes."""
    draw = random.Random(0)
    rows = []
    for _ in range(240):
        truth = draw.choice("aaaabbc")
        answer = draw.choice("abc") if draw.random() < 0.4 else truth
        speaker = f"{truth}{draw.randint(0, 7)}"
        rows.append((truth, answer, speaker, draw.choice(["seen", "unseen", ""])))
    return [list(column) for column in zip(*rows, strict=True)]


def rate(truths, answers, places):
    wrong = [truths[place] != answers[place] for place in places]
    return sum(wrong) / len(wrong)


def test_rows_are_those_of_their_own_clips(clips):
    """Mutation that fails here: a mean over classes weighs them by their clips."""
    truths, answers, speakers, sources = clips
    rows = classification_table(
        truths, answers, speakers=speakers, groups={"source": sources}, draws=20
    )
    found = {(row.kind, row.group, row.score.name): row for row in rows}
    groups = {("all", "all"): range(240)}
    for kind, names in (("class", truths), ("source", sources)):
        for name in {*names} - {""}:
            groups[kind, name] = [i for i in range(240) if names[i] == name]
    assert len(groups) == 6
    assert len(found) == len(rows) == 3 + 2 * 2 + 2
    for (kind, group), places in groups.items():
        row = found[kind, group, "ERR"]
        assert row.score.value == pytest.approx(rate(truths, answers, places))
        assert row.clips == row.score.total == len(places)
        assert row.interval.low <= row.score.value <= row.interval.high
        if kind == "class":
            assert (kind, group, "macro ERR") not in found
            continue
        row = found[kind, group, "macro ERR"]
        members = [[i for i in places if truths[i] == one] for one in "abc"]
        wanted = sum(rate(truths, answers, one) for one in members) / 3
        assert row.score.value == pytest.approx(wanted)
        assert (row.score.total, row.score.errors, row.clips) == (3, None, len(places))
        assert row.interval.low <= wanted <= row.interval.high
    assert {row.interval.drawn for row in rows if row.kind != "class"} == {"speakers"}


def test_rows_are_in_order_and_other_counts_are_scored(clips):
    truths, answers, speakers, sources = clips
    scores = np.random.default_rng(0).random((240, 3))
    more = [count_top_answers(truths, scores, classes="abc", top=2)]
    rows = classification_table(
        truths, answers, speakers=speakers, groups={"s": sources}, more=more, draws=5
    )
    names = ["ERR", "ERR@2", "macro ERR"]
    wanted = [("class", one, "ERR") for one in "abc"]
    wanted += [("s", one, name) for one in ("seen", "unseen") for name in names]
    wanted += [("all", "all", name) for name in names]
    assert [(row.kind, row.group, row.score.name) for row in rows] == wanted
    assert rows[-2].score == more[0].score()


def test_intervals_are_those_of_the_bootstrap(clips):
    truths, answers, speakers, _ = clips
    counts = count_answers(truths, answers)
    for people in (speakers, [""] * 240):
        rows = classification_table(truths, answers, speakers=people, seed=3)
        assert rows[-2].interval == bootstrap_interval(counts, speakers=people, seed=3)


@pytest.mark.parametrize("drawn", ["speakers", "utterances"])
def test_mean_over_classes_equals_drawing_one_by_one(clips, drawn):
    truths, answers, speakers, _ = clips
    units = speakers if drawn == "speakers" else [*map(str, range(240))]
    members = {}
    for place, name in enumerate(units):
        members.setdefault(name, []).append(place)
    generator, values = np.random.default_rng(1), []
    for _ in range(1_000):
        chosen = generator.choice([*members], len(members)).tolist()
        places = [place for name in chosen for place in members[name]]
        by_class = {}
        for place in places:
            by_class.setdefault(truths[place], []).append(place)
        rates = [rate(truths, answers, one) for one in by_class.values()]
        values.append(sum(rates) / len(rates))
    people = speakers if drawn == "speakers" else None
    _, interval = macro_error(count_answers(truths, answers), truths, speakers=people)
    low, high = np.percentile(values, [2.5, 97.5])
    assert interval.drawn == drawn
    assert interval.low == pytest.approx(low, abs=0.12 * (high - low))
    assert interval.high == pytest.approx(high, abs=0.12 * (high - low))


def test_seed_decides_and_order_and_pieces_do_not(clips, monkeypatch):
    truths, answers, speakers, _ = clips
    order = np.random.default_rng(0).permutation(240)
    mixed = [[column[place] for place in order] for column in clips]
    for people, others in ((speakers, mixed[2]), (None, None)):
        counts = count_answers(truths, answers)
        first = macro_error(counts, truths, speakers=people)
        again = macro_error(count_answers(*mixed[:2]), mixed[0], speakers=others)
        assert again == first
        assert macro_error(counts, truths, speakers=people, seed=1) != first
        with monkeypatch.context() as patch:
            patch.setattr(classification_mean, "CHUNK", 700)
            few = macro_error(counts, truths, speakers=people)
        assert few[0] == first[0]
        assert few[1].low == pytest.approx(first[1].low, abs=1e-12)


def test_a_thousand_speakers_as_classes_take_little_memory():
    """Every speaker a class: the counts by speaker and class are mostly zero."""
    truths = [f"s{place % 1_200}" for place in range(8_000)]
    tracemalloc.start()
    counts = count_answers(truths, truths[::-1])
    mean, interval = macro_error(counts, truths, speakers=truths, draws=200)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6
    assert (mean.total, interval.drawn) == (1_200, "speakers")


def test_nothing_and_one_clip():
    (row,) = classification_table([], [], speakers=[])
    assert (row.kind, row.clips, row.score.total, row.interval) == ("all", 0, 0, None)
    rows = classification_table(["a"], ["b"], speakers=[""])
    assert [row.interval for row in rows] == [None] * 3


def test_columns_must_be_of_the_same_utterances():
    with pytest.raises(ValueError, match=r"got \[1, 2, 1, 1\]"):
        classification_table(["a"], ["a"], speakers=["", ""], groups={"x": ["y"]})


def test_file_holds_every_row(tmp_path, clips):
    truths, answers, speakers, sources = clips
    rows = classification_table(
        truths, answers, speakers=speakers, groups={"source": sources}, draws=20
    )
    write_classification_table(tmp_path / "scores.csv", rows)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert [line[name] for name in ("kind", "group", "metric", "clips")] == [
            *(row.kind, row.group, row.score.name),
            str(row.clips),
        ]
        errors = "" if row.score.errors is None else str(row.score.errors)
        assert (line["errors"], line["total"]) == (errors, str(row.score.total))
        assert float(line["value"]) == pytest.approx(row.score.value, abs=1e-6)
        assert float(line["low"]) == pytest.approx(row.interval.low, abs=1e-6)
        assert line["drawn"] == row.interval.drawn
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_classification_table(tmp_path / "folder", rows)
