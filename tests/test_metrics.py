"""Error counts: by hand, against jiwer and SpeechBrain, on any text."""

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from speechbrain.utils.metric_stats import ErrorRateStats

from xlsr_sb.metrics import (
    Score,
    alignment_report,
    character_errors,
    constant_output_errors,
    word_errors,
)

any_text = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("ab é\u0301ß語🙂"),
    max_size=12,
)
# As normalised transcripts are: words with one space between them.
transcript = st.lists(st.text("aé\u0301ж語", min_size=1, max_size=3), max_size=6).map(
    " ".join
)


def pairs_of(texts, min_size=1):
    """Return a strategy for lists of (reference, hypothesis)."""
    return st.lists(st.tuples(texts, texts), min_size=min_size, max_size=6)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "words", "characters"),
    [
        ("a b c", "a x c", (1, 3), (1, 5)),
        ("a b c", "", (3, 3), (5, 5)),
        ("", "a b", (2, 0), (3, 0)),
        ("", "", (0, 0), (0, 0)),
        ("ab", "a b", (2, 1), (1, 2)),
        ("日本語", "日本後", (1, 1), (1, 3)),
        ("straße", "strasse", (1, 1), (2, 6)),
    ],
)
def test_by_hand(reference, hypothesis, words, characters):
    assert word_errors([reference], [hypothesis]) == Score("WER", *words)
    assert character_errors([reference], [hypothesis]) == Score("CER", *characters)


@settings(max_examples=60, deadline=None)
@given(pairs_of(any_text))
def test_equals_jiwer(pairs):
    references, hypotheses = map(list, zip(*pairs, strict=True))
    for score, peer in [
        (word_errors(references, hypotheses), jiwer.wer),
        (character_errors(references, hypotheses), jiwer.cer),
    ]:
        # jiwer answers the count itself where the references are empty.
        ours = score.value if score.total else score.errors
        assert ours == pytest.approx(peer(references, hypotheses))


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
    for count in (word_errors, character_errors):
        whole = count(*zip(*left, *right, strict=True))
        parts = [count([r], [h]) for r, h in left + right]
        assert sum(parts[1:], start=parts[0]) == whole


@given(st.lists(transcript, min_size=1, max_size=5))
def test_perfect_and_silent_outputs(references):
    assert character_errors(references, references).errors == 0
    silent = character_errors(references, [""] * len(references))
    assert silent.errors == silent.total


def test_texts_must_pair_up():
    with pytest.raises(ValueError, match=r"2 reference and 1 hypothesis"):
        word_errors(["a", "b"], ["a"])


def test_a_score_of_nothing_has_no_value():
    with pytest.raises(ZeroDivisionError, match=r"WER .* references are empty \(2 err"):
        _ = word_errors([""], ["a b"]).value


def test_different_scores_do_not_add_up():
    with pytest.raises(ValueError, match="WER and a CER"):
        Score("WER", 1, 2) + Score("CER", 1, 2)
    with pytest.raises(TypeError):
        Score("WER", 1, 2) + 1


def test_constant_output_of_one_common_text():
    score = constant_output_errors(["oui", "oui", "oui", "non merci"])
    assert score == character_errors(["oui"] * 3 + ["non merci"], ["oui"] * 4)


def test_constant_output_beats_simple_constants():
    """Mutation that fails here: only the empty and the commonest text are tried."""
    text = "the cat sat on a mat and ate the tea then left the tent"
    references = [text[start : start + 16].strip() for start in range(0, 39, 3)]
    constant = constant_output_errors(references)
    for guess in ["", "e", "t", " ", "e t a", *references]:
        simple = character_errors(references, [guess] * len(references))
        assert constant.errors <= simple.errors
    assert 0.4 < constant.value < 0.75


@settings(max_examples=20, deadline=None)
@given(st.lists(transcript, max_size=5))
def test_constant_output_is_at_most_silence(references):
    score = constant_output_errors(references)
    assert score.total == sum(map(len, references))
    assert score.errors <= score.total
    # No text can be closer to two references than half their distance.
    if len(references) == 2:
        assert 2 * score.errors >= Levenshtein.distance(*references)


def test_constant_output_of_a_large_set_uses_a_sample():
    references = ["the cat sat on the mat"] * 3_000
    assert constant_output_errors(references).errors == 0


def test_report_is_that_of_speechbrain(tmp_path):
    ids = ["u1", "u2", "u3"]
    references, hypotheses = ["a b c", "", "d"], ["a x c e", "f", ""]
    stats = ErrorRateStats()
    words = [[text.split() for text in texts] for texts in (hypotheses, references)]
    stats.append(ids, *words)
    with open(tmp_path / "wer.txt", "w") as file:
        stats.write_stats(file)
    report = alignment_report(ids, references, hypotheses)
    assert report == (tmp_path / "wer.txt").read_text()
    assert report.startswith("%WER 100.00 [ 4 / 4, 2 ins, 1 del, 1 sub ]")


def test_report_keeps_utterances_of_one_id():
    report = alignment_report(["u", "u"], ["a", "b c"], ["a", "b"])
    assert report.startswith("%WER 33.33 [ 1 / 3,")
    assert report.count("\nu, %WER") == 2


def test_report_of_nothing_is_empty():
    assert alignment_report([], [], []) == ""
