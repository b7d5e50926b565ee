"""Error counts: by hand, against jiwer and SpeechBrain, on any text."""

import time

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speechbrain.utils.metric_stats import ErrorRateStats

from tests.metrics.texts import any_text, awkward, pairs_of, transcript
from xlsr_sb.metrics import (
    METRICS,
    Score,
    character_errors,
    count_errors,
    symbol_errors,
    word_errors,
)

FUNCTIONS = {"WER": word_errors, "CER": character_errors, "PER": symbol_errors}
PEERS = {
    "WER": jiwer.process_words,
    "CER": jiwer.process_characters,
    "PER": jiwer.process_words,
}


@pytest.mark.parametrize(
    ("reference", "hypothesis", "words", "characters"),
    [
        # total, substitutions, deletions, insertions
        ("a b c", "a x c", (3, 1, 0, 0), (5, 1, 0, 0)),
        ("a b c", "", (3, 0, 3, 0), (5, 0, 5, 0)),
        ("", "a b", (0, 0, 0, 2), (0, 0, 0, 3)),
        ("", "", (0, 0, 0, 0), (0, 0, 0, 0)),
        ("ab", "a b", (1, 1, 0, 1), (2, 0, 0, 1)),
        ("a b c d", "a c d e", (4, 0, 1, 1), (7, 3, 0, 0)),
        ("日本語", "日本後", (1, 1, 0, 0), (3, 1, 0, 0)),
        ("straße", "strasse", (1, 1, 0, 0), (6, 1, 0, 1)),
        (" a  b ", "a b", (2, 0, 0, 0), (4, 0, 1, 0)),
    ],
)
def test_by_hand(reference, hypothesis, words, characters):
    for metric, counts in [("WER", words), ("PER", words), ("CER", characters)]:
        found = count_errors(metric, [reference], [hypothesis])
        assert found.table.tolist() == [list(counts)]
        total, *parts = counts
        score = FUNCTIONS[metric]([reference], [hypothesis])
        assert score == Score(metric, sum(parts), total, *parts)


@settings(max_examples=80, deadline=None)
@given(pairs_of(any_text) | pairs_of(awkward) | pairs_of(st.text("ab ", max_size=20)))
def test_every_count_equals_jiwer(pairs):
    """Mutation that fails here: insertions and deletions are exchanged."""
    references, hypotheses = map(list, zip(*pairs, strict=True))
    for metric, peer in PEERS.items():
        score = FUNCTIONS[metric](references, hypotheses)
        theirs = peer(references, hypotheses)
        parts = theirs.substitutions, theirs.deletions, theirs.insertions
        assert score.parts == parts
        assert score.total == theirs.hits + theirs.substitutions + theirs.deletions
        # jiwer answers the count itself where the references are empty.
        ours = score.value if score.total else score.errors
        assert ours == pytest.approx(theirs.cer if metric == "CER" else theirs.wer)


@settings(max_examples=40, deadline=None)
@given(pairs_of(transcript))
def test_equals_speechbrain(pairs):
    references, hypotheses = map(list, zip(*pairs, strict=True))
    for score, split in [
        (word_errors(references, hypotheses), str.split),
        (character_errors(references, hypotheses), list),
    ]:
        stats = ErrorRateStats()
        ids = list(map(str, range(len(pairs))))
        stats.append(ids, list(map(split, hypotheses)), list(map(split, references)))
        summary = stats.summarize()
        assert score.errors == summary["num_edits"]
        assert score.total == summary["num_scored_tokens"]


@settings(max_examples=40, deadline=None)
@given(pairs_of(any_text), pairs_of(any_text, min_size=0))
def test_scores_of_parts_add_up(left, right):
    for metric in METRICS:
        count = FUNCTIONS[metric]
        whole = count(*zip(*left, *right, strict=True))
        parts = [count([r], [h]) for r, h in left + right]
        assert sum(parts[1:], start=parts[0]) == whole
        both = count_errors(metric, *zip(*left, *right, strict=True))
        rows = [(score.total, *score.parts) for score in parts]
        assert both.table.tolist() == [list(row) for row in rows]


@given(st.lists(transcript, min_size=1, max_size=5))
def test_perfect_and_silent_outputs(references):
    """Silence is also what counts for a recording that cannot be read."""
    assert character_errors(references, references).errors == 0
    silent = word_errors(references, [""] * len(references))
    assert silent.parts == (0, silent.total, 0)


def test_no_utterances_are_no_errors():
    """To jiwer an empty list is an utterance."""
    assert word_errors([], []) == Score("WER", 0, 0, 0, 0, 0)
    assert len(count_errors("CER", [], [])) == 0


def test_utterances_can_be_chosen_by_number_or_by_mask():
    counts = count_errors("WER", ["a", "b c", "d"], ["a", "b", "e"])
    assert counts.among([1]).score() == Score("WER", 1, 2, 0, 1, 0)
    assert counts.among(np.array([True, False, True])).errors.tolist() == [0, 1]


def test_texts_must_pair_up():
    with pytest.raises(ValueError, match=r"2 reference and 1 hypothesis"):
        word_errors(["a", "b"], ["a"])


def test_an_unknown_metric_is_named():
    with pytest.raises(ValueError, match="'WRE'"):
        count_errors("WRE", ["a"], ["a"])


def test_a_large_set_takes_seconds():
    """10,000 utterances of 20 words; processor time, so that others do not matter."""
    generator = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(500)])
    spoken = generator.integers(0, 500, (10_000, 20))
    wrong = generator.random(spoken.shape) < 0.3
    heard = np.where(wrong, generator.integers(0, 500, spoken.shape), spoken)
    references, hypotheses = ([*map(" ".join, words[one])] for one in (spoken, heard))
    start = time.process_time()
    score = word_errors(references, hypotheses)
    assert time.process_time() - start < 10
    assert score.total == 200_000
    assert score.value == pytest.approx(0.3, abs=0.01)
