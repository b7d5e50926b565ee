"""From transcripts to scores: characters and words, or symbols, by group.

Seen to fail: symbols counted as words of characters, a baseline of characters for
symbols, speakers among the rows of results.
"""

import csv

import pytest

from xlsr_sb.manifest import Utterance
from xlsr_sb.tasks.scoring import (
    Recognised,
    baseline_of,
    best_metric_of,
    evaluation_of,
)


def transcript(name, reference, hypothesis, *, language="aa", speaker="1"):
    """What was recognised of a clip."""
    clip = Utterance(
        name, f"{name}.wav", 1.0, wrd=reference, language=language, spk_id=speaker
    )
    return Recognised(clip, hypothesis)


@pytest.fixture
def phones():
    """Five symbols in two languages; one of them is wrong."""
    return [
        transcript("a", "tʃ a o", "tʃ a u"),
        transcript("b", "tʃ a", "tʃ a", language="bb", speaker="2"),
    ]


def test_symbols_have_one_rate(phones):
    evaluation = evaluation_of(phones, units="tokens")
    found = [(one.group, one.score.name, one.score.value) for one in evaluation.scores]
    assert found == [("aa", "PER", 1 / 3), ("bb", "PER", 0.0), ("all", "PER", 0.2)]
    assert evaluation.baseline.name == best_metric_of("tokens") == "PER"


def test_baseline_of_symbols_counts_symbols():
    """However long they are: "tʃ a" for both misses "o" and one whole "aaaa"."""
    assert baseline_of(["tʃ a o", "tʃ aaaa"], units="tokens").value == 2 / 5


def test_files_of_a_test_set(phones, tmp_path):
    """Scores with speakers and intervals, texts for sclite."""
    evaluation = evaluation_of(phones, units="tokens")
    for name, write in evaluation.files.items():
        write(tmp_path / name)
    with (tmp_path / "scores.csv").open(encoding="utf-8") as file:
        rows = [(row["kind"], row["group"]) for row in csv.DictReader(file)]
    groups = [("language", "aa"), ("language", "bb")]
    assert rows == [*groups, ("speaker", "aa/1"), ("speaker", "bb/2"), ("all", "all")]
    assert (tmp_path / "ref.trn").read_text("utf-8") == "tʃ a o (1-a)\ntʃ a (2-b)\n"
    assert (tmp_path / "hyp.trn").read_text("utf-8") == "tʃ a u (1-a)\ntʃ a (2-b)\n"


def test_a_language_without_words_has_no_score():
    """What is recognised in it counts in the whole."""
    clips = [transcript("a", "oui", "oui"), transcript("b", "", "non", language="bb")]
    scores = evaluation_of(clips, units="characters").scores
    found = {(one.group, one.score.name): one.score.value for one in scores}
    assert found == {
        ("aa", "WER"): 0.0,
        ("aa", "CER"): 0.0,
        ("all", "WER"): 1.0,
        ("all", "CER"): 1.0,
    }
