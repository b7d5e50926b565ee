"""Scores by group: sums of what was aligned once, and the file of them."""

import csv
import random

import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.metrics import (
    METRICS,
    bootstrap_interval,
    count_errors,
    score_table,
    word_errors,
    write_score_table,
)

COLUMNS = [
    *["kind", "group", "metric", "clips", "total", "errors", "substitutions"],
    *["deletions", "insertions", "value", "low", "high", "drawn"],
]


@pytest.fixture
def clips():
    """Texts, languages and speakers of 300 clips; some have no speaker or language."""
    draw = random.Random(0)
    rows = []
    for _ in range(300):
        words = [draw.choice("abcdef") for _ in range(draw.randint(0, 8))]
        heard = [draw.choice("abcdef") if draw.random() < 0.3 else w for w in words]
        language = draw.choice(["fr", "it", "ka", ""])
        speaker = draw.choice([*map(str, range(15)), ""]) if language != "fr" else "7"
        rows.append((" ".join(words), " ".join(heard[1:]), language, speaker))
    return [list(column) for column in zip(*rows, strict=True)]


def table_of(clips, **options):
    references, hypotheses, languages, speakers = clips
    counts = [count_errors(metric, references, hypotheses) for metric in METRICS]
    return score_table(counts, languages=languages, speakers=speakers, **options)


def test_groups_are_those_of_their_own_texts(clips):
    """Mutation that fails here: speakers of the same name in two languages are one."""
    rows = table_of(clips, draws=10)
    found = {(row.kind, row.group): row for row in rows if row.score.name == "WER"}
    groups = {}
    for reference, hypothesis, language, speaker in zip(*clips, strict=True):
        code = language or "unknown"
        keys = [("language", code), ("all", "all")]
        keys += [("speaker", f"{code}/{speaker}")] if speaker else []
        for key in keys:
            groups.setdefault(key, []).append((reference, hypothesis))
    assert found.keys() == groups.keys()
    assert len(groups) > 40
    for key, pairs in groups.items():
        assert found[key].score == word_errors(*zip(*pairs, strict=True))
        assert found[key].clips == len(pairs)


def test_languages_add_up_to_all(clips):
    rows = table_of(clips, draws=10)
    for metric in METRICS:
        of_metric = [row for row in rows if row.score.name == metric]
        parts = [row.score for row in of_metric if row.kind == "language"]
        assert len(parts) == 4
        assert sum(parts[1:], start=parts[0]) == of_metric[-1].score
        assert of_metric[-1].kind == "all"


def test_rows_are_in_order(clips):
    keys = [(row.kind, row.group) for row in table_of(clips, draws=10)][::3]
    languages = [group for kind, group in keys if kind == "language"]
    speakers = [group for kind, group in keys if kind == "speaker"]
    assert languages == ["fr", "it", "ka", "unknown"]
    assert speakers == sorted(speakers)
    assert [kind for kind, _ in keys] == [
        *["language"] * 4,
        *["speaker"] * len(speakers),
        "all",
    ]


def test_of_one_language_speakers_keep_their_names():
    counts = count_errors("WER", ["a", "b"], ["a", "c"])
    rows = score_table([counts], languages=["fr"] * 2, speakers=["x", "y"])
    assert [row.group for row in rows] == ["fr", "x", "y", "all"]


def test_intervals_are_drawn_from_speakers_of_the_group(clips):
    references, hypotheses, languages, speakers = clips
    rows = {(row.kind, row.group): row for row in table_of(clips, seed=3)[::3]}
    counts = count_errors("WER", references, hypotheses)
    # One speaker speaks all of fr, and some of the others are unknown.
    assert {row.interval.drawn for row in rows.values() if row.interval} == {
        "utterances"
    }
    assert rows["all", "all"].interval == bootstrap_interval(counts, seed=3)
    named = [name or "16" for name in speakers]
    rows = score_table([counts], languages=languages, speakers=named)
    drawn = {row.group: row.interval.drawn for row in rows if row.kind != "speaker"}
    known = dict.fromkeys(["all", "it", "ka", "unknown"], "speakers")
    assert drawn == {"fr": "utterances", **known}
    people = [f"{code}/{name}" for code, name in zip(languages, named, strict=True)]
    assert rows[-1].interval == bootstrap_interval(counts, speakers=people)


def test_counts_must_be_of_the_same_utterances():
    counts = count_errors("WER", ["a", "b"], ["a", "c"])
    with pytest.raises(ValueError, match=r"got 2, 1 and \[2\]"):
        score_table([counts], languages=["fr"] * 2, speakers=["x"])


def test_table_of_no_utterances():
    rows = score_table([count_errors("WER", [], [])], languages=[], speakers=[])
    assert [(row.kind, row.clips, row.interval) for row in rows] == [("all", 0, None)]


def test_file_holds_every_row(tmp_path, clips):
    rows = table_of(clips)
    write_score_table(tmp_path / "scores.csv", rows)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == COLUMNS
    assert len(lines) == len(rows)
    for cells, row in zip(lines, rows, strict=True):
        line, score = dict(zip(header, cells, strict=True)), row.score
        parts = line["substitutions"], line["deletions"], line["insertions"]
        assert (line["kind"], line["group"], line["metric"]) == (
            row.kind,
            row.group,
            score.name,
        )
        assert [*map(int, parts)] == [*score.parts]
        assert (int(line["total"]), int(line["clips"])) == (score.total, row.clips)
        assert int(line["errors"]) == score.errors
        assert float(line["value"]) == pytest.approx(score.value, abs=1e-6)
        if row.interval:
            assert float(line["low"]) <= float(line["value"]) <= float(line["high"])


def test_cells_without_a_value_are_empty(tmp_path):
    """Empty references, one clip; a speaker's name can hold a comma."""
    counts = count_errors("WER", [""], ["a b"])
    rows = score_table([counts], languages=["fr"], speakers=["a,b"])
    write_score_table(tmp_path / "scores.csv", rows)
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert lines[2] == 'speaker,"a,b",WER,1,0,2,0,0,2,,,,'


def test_file_that_cannot_be_written(tmp_path):
    (tmp_path / "scores.csv").mkdir()
    with pytest.raises(InputError, match=r"scores\.csv cannot be written"):
        write_score_table(tmp_path / "scores.csv", [])
