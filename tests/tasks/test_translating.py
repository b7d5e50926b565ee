"""Scores of a translated test set, and the files for sacrebleu."""

import csv

import pytest
import sacrebleu

from xlsr_sb.manifest import Utterance
from xlsr_sb.tasks.translating import (
    Translated,
    averages_of,
    by_pair,
    evaluation_of,
    mean_bleu,
)

REFERENCES = {
    ("fr", "en"): ["The cat sat on the mat.", "Where is the\tnext train, please?"],
    ("en", "ja"): ["これは日本語の文です。", "電車はどこですか。"],
}
HYPOTHESES = {
    ("fr", "en"): ["The cat sat on a mat.", ""],
    ("en", "ja"): ["これは日本の文です。", "電車はどこですか。"],
}


@pytest.fixture
def translated():
    """Two clips a pair."""
    return [
        Translated(
            Utterance(
                f"{source}{i}:{target}",
                "a.wav",
                1.0,
                language=source,
                wrd="dit" if i else "",
                translations={target: text},
            ),
            HYPOTHESES[source, target][i],
        )
        for (source, target), texts in REFERENCES.items()
        for i, text in enumerate(texts)
    ]


def bleu(pair):
    """As sacrebleu has it, characters for Japanese."""
    tokenize = "char" if pair[1] == "ja" else "13a"
    hypotheses, references = HYPOTHESES[pair], [REFERENCES[pair]]
    return sacrebleu.corpus_bleu(hypotheses, references, tokenize=tokenize).score


def test_pairs_are_sorted(translated):
    """Each with its clips."""
    parts = by_pair(translated)
    assert list(parts) == [("en", "ja"), ("fr", "en")]
    assert [one.reference for one in parts["fr", "en"]] == REFERENCES["fr", "en"]


def test_mean_bleu(translated):
    """Each pair counts as much, with its own tokeniser."""
    wanted = sum(bleu(pair) for pair in REFERENCES) / 2
    assert mean_bleu(translated) == pytest.approx(wanted)


def test_evaluation(translated, tmp_path):
    """Scores of each pair and the mean; every text; files that sacrebleu reads."""
    evaluation = evaluation_of(translated, averages={"both": "fr_en en_ja"})
    scores = {(one.group, one.score.name): one.score for one in evaluation.scores}
    assert scores["fr_en", "BLEU"].value == pytest.approx(bleu(("fr", "en")))
    assert "tok:char" in scores["en_ja", "BLEU"].signature
    means = [scores[name, "chrF"].value for name in ("both", "all")]
    assert means[0] == pytest.approx(means[1])
    evaluation.write(tmp_path, split="test")
    report = (tmp_path / "report_test.txt").read_text()
    assert "fr1:en\n  fr: dit\n  reference: Where is the\tnext train" in report
    for pair, texts in HYPOTHESES.items():
        name = "_".join(pair)
        read = (tmp_path / f"test.{name}.hyp.txt").read_text().splitlines()
        assert read == texts
    references = (tmp_path / "test.fr_en.ref.txt").read_text().splitlines()
    assert references[1] == "Where is the next train, please?"  # a line is a text
    with (tmp_path / "test.scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["group"] for row in rows} == {"fr_en", "en_ja", "both", "all"}
    assert all(row["signature"].startswith("nrefs:1") for row in rows)


def test_averages_need_all_their_pairs(caplog):
    """None of them: not asked for. Some of them: told, as a name may be misspelt."""
    section = {"high": "fr_en de_en", "low": "cy_en", "one": "fr_en"}
    assert averages_of(section, ["fr_en", "it_en"]) == {"one": ["fr_en"]}
    (record,) = caplog.records
    assert record.getMessage() == "no average 'high': de_en is not scored"
