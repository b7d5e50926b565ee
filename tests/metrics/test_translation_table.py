"""Scores of pairs and averages: every number by another way, and the file."""

import csv

import numpy as np
import pytest
from sacrebleu import corpus_bleu, corpus_chrf

from xlsr_sb.errors import InputError
from xlsr_sb.metrics import (
    TranslationScore,
    count_translations,
    mean_score,
    translation_interval,
    translation_table,
    write_translation_table,
)

COLUMNS = [
    *("kind", "group", "metric", "clips", "value", "low", "high", "drawn"),
    "signature",
]
PAIRS = [("fr", "en"), ("it", "en"), ("en", "zh-CN")]
LETTERS = {"en": ["the", "cat", "is", "a", "dog"], "zh-CN": list("你好今天气很，。")}


@pytest.fixture
def clips():
    """References, hypotheses, pairs, speakers: 90 clips in a mixed order."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(90):
        pair = PAIRS[number % 3]
        letters, space = LETTERS[pair[1]], "" if pair[1] == "zh-CN" else " "
        words = generator.choice(letters, 8)
        others = np.where(generator.random(8) < 0.2, letters[0], words)
        speaker = f"s{number // 3 % 12}" if pair[0] == "fr" else ""
        rows.append((space.join(words), space.join(others), pair, speaker))
    return [list(column) for column in zip(*rows, strict=True)]


def table_of(clips, **options):
    references, hypotheses, pairs, speakers = clips
    return translation_table(
        references, hypotheses, pairs=pairs, speakers=speakers, **options
    )


def by_key(rows):
    return {(row.kind, row.group, row.score.name): row for row in rows}


def test_pairs_have_sacrebleus_scores(clips):
    """Of Chinese by character, and of nothing else."""
    rows = by_key(table_of(clips, draws=10))
    for source, target in PAIRS:
        texts = [
            [side[n] for n in range(90) if clips[2][n] == (source, target)]
            for side in clips[:2]
        ]
        tokenize = "char" if target == "zh-CN" else "13a"
        bleu = corpus_bleu(texts[1], [texts[0]], tokenize=tokenize)
        chrf = corpus_chrf(texts[1], [texts[0]])
        name = f"{source}_{target}"
        assert rows["pair", name, "BLEU"].score.value == pytest.approx(bleu.score)
        assert rows["pair", name, "chrF"].score.value == pytest.approx(chrf.score)
        assert f"tok:{tokenize}|" in rows["pair", name, "BLEU"].score.signature
        assert rows["pair", name, "BLEU"].clips == 30


def test_averages_are_means_of_pairs(clips):
    averages = {"to English": ["it_en", "fr_en"], "one": ["fr_en"]}
    table = table_of(clips, draws=10, averages=averages)
    rows = by_key(table)
    for metric in ("BLEU", "chrF"):
        fr, it, zh = (
            rows["pair", name, metric].score.value
            for name in ("fr_en", "it_en", "en_zh-CN")
        )
        for name, value, clips_of in [
            ("to English", (fr + it) / 2, 60),
            ("one", fr, 30),
            ("all", (fr + it + zh) / 3, 90),
        ]:
            row = rows["average", name, metric]
            assert row.score.value == pytest.approx(value)
            assert (row.clips, row.interval) == (clips_of, None)
    signature = rows["average", "all", "BLEU"].score.signature
    assert signature.count(" and ") == 1
    assert "tok:13a" in signature
    assert "tok:char" in signature
    assert " and " not in rows["average", "to English", "BLEU"].score.signature
    keys = [(row.kind, row.group) for row in table][::2]
    assert keys == [
        *(("pair", "en_zh-CN"), ("pair", "fr_en"), ("pair", "it_en")),
        *(("average", "to English"), ("average", "one"), ("average", "all")),
    ]


def test_average_without_one_of_its_pairs_is_left_out(clips):
    averages = {"high": ["fr_en", "de_en"], "low": ["it_en"]}
    rows = by_key(table_of(clips, draws=10, averages=averages))
    assert ("average", "low", "BLEU") in rows
    assert ("average", "high", "BLEU") not in rows


def test_of_one_pair_there_is_no_average():
    rows = translation_table(["a"], ["a"], pairs=[("fr", "en")], speakers=[""])
    assert [row.kind for row in rows] == ["pair", "pair"]
    assert translation_table([], [], pairs=[], speakers=[]) == []


def test_intervals_are_of_the_pair_and_its_speakers(clips):
    rows = by_key(table_of(clips, seed=3))
    for name, metric in [("fr", "BLEU"), ("it", "chrF")]:
        places = [n for n in range(90) if clips[2][n][0] == name]
        texts = [[side[n] for n in places] for side in clips[:2]]
        speakers = [clips[3][n] for n in places]
        counts = count_translations(metric, *texts)
        wanted = translation_interval(counts, speakers=speakers, seed=3)
        row = rows["pair", f"{name}_en", metric]
        assert row.interval == wanted
        assert row.interval.drawn == ("speakers" if name == "fr" else "utterances")
        assert row.interval.low < row.score.value < row.interval.high


def test_columns_must_be_of_as_many_utterances(clips):
    with pytest.raises(ValueError, match=r"as many utterances, got \[90, 90, 90, 1\]"):
        table_of([*clips[:3], ["s"]])


def test_mean_of_two_metrics():
    scores = [TranslationScore(name, 1.0, "") for name in ("BLEU", "chrF")]
    with pytest.raises(ValueError, match=r"of one metric, got \['BLEU', 'chrF'\]"):
        mean_score(scores)


def test_file_holds_every_row(tmp_path, clips):
    rows = table_of(clips, averages={"low": ["it_en"]})
    write_translation_table(tmp_path / "scores.csv", rows)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == COLUMNS
    assert len(lines) == len(rows) == 10
    for cells, row in zip(lines, rows, strict=True):
        line, score = dict(zip(header, cells, strict=True)), row.score
        names = line["kind"], line["group"], line["metric"], line["signature"]
        assert names == (row.kind, row.group, score.name, score.signature)
        assert int(line["clips"]) == row.clips
        assert float(line["value"]) == pytest.approx(score.value, abs=1e-4)
        if row.interval:
            limits = float(line["low"]), float(line["high"])
            wanted = row.interval.low, row.interval.high
            assert limits == pytest.approx(wanted, abs=1e-4)
            assert line["drawn"] == row.interval.drawn
        else:
            assert (line["low"], line["high"], line["drawn"]) == ("", "", "")


def test_file_that_cannot_be_written(tmp_path):
    (tmp_path / "scores.csv").mkdir()
    with pytest.raises(InputError, match=r"scores\.csv cannot be written"):
        write_translation_table(tmp_path / "scores.csv", [])
