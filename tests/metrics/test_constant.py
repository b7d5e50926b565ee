"""The best output that hears nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from tests.metrics.texts import transcript
from xlsr_sb.metrics import character_errors, constant_output_errors


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
