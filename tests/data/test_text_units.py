"""What becomes of a transcript, by the units that are learnt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsr_sb.data.text import (
    UNITS,
    Vocabulary,
    normalise_text,
    one_character_each,
    transcript_of,
)
from xlsr_sb.errors import InputError
from xlsr_sb.metrics import character_errors, word_errors

STRANGE = " Ə  tʃ\tA ' ɑ̃\n5 | "
sequences = st.lists(st.sampled_from(["a", "aː", "tʃ", "t", "ʃ"]), max_size=6)


def test_symbols_stay_as_they_are_and_characters_do_not():
    """No case folded, nothing composed, nothing taken for punctuation."""
    options = {"keep": "'"}
    assert transcript_of(STRANGE, "tr", units="tokens", **options) == "Ə tʃ A ' ɑ̃ 5 |"
    text = transcript_of("IŞIK, d'A-B", "tr", units="characters", keep="'-")
    assert text == normalise_text("IŞIK, d'A-B", "tr", keep="'-") == "ışık d'a-b"


@pytest.mark.parametrize("units", ["phones", "", None, "Tokens"])
def test_other_units_are_refused(units):
    with pytest.raises(
        InputError, match=r"data\.units is .*\('characters', 'tokens'\)"
    ):
        transcript_of("a", "fr", units=units, keep="")


def test_every_unit_has_a_vocabulary():
    """That knows which it is."""
    assert [Vocabulary.of(["a"], units=units).units for units in UNITS] == [*UNITS]


@given(st.lists(st.tuples(sequences, sequences), min_size=1, max_size=4))
def test_counting_characters_counts_symbols(pairs):
    """As counting words does, which knows nothing of this."""
    references, hypotheses = [
        list(map(" ".join, side)) for side in zip(*pairs, strict=True)
    ]
    words = word_errors(references, hypotheses)
    letters = character_errors(*one_character_each(references, hypotheses))
    assert (words.errors, words.total) == (letters.errors, letters.total)
