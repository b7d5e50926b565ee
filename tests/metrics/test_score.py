"""A score and its parts."""

import pytest

from xlsr_sb.metrics import Score


def test_parts_add_up_beside_the_errors():
    one, other = Score("WER", 3, 9, 1, 0, 2), Score("WER", 4, 5, 1, 3, 0)
    assert one + other == Score("WER", 7, 14, 2, 3, 2)
    assert (one + other).parts == (2, 3, 2)


def test_without_the_parts_of_one_the_sum_has_none():
    assert Score("CER", 1, 2, 1, 0, 0) + Score("CER", 2, 4) == Score("CER", 3, 6)


@pytest.mark.parametrize("parts", [(1, 1, 0), (0, 0, 0)])
def test_parts_must_make_up_the_errors(parts):
    with pytest.raises(ValueError, match="WER: 1 errors, but substitutions"):
        Score("WER", 1, 3, *parts)


def test_parts_are_given_together():
    with pytest.raises(ValueError, match="three counts or none"):
        Score("WER", 1, 3, substitutions=1)


def test_a_score_of_nothing_has_no_value():
    with pytest.raises(ZeroDivisionError, match=r"WER .* references are empty \(2 err"):
        _ = Score("WER", 2, 0).value


def test_different_scores_do_not_add_up():
    with pytest.raises(ValueError, match="WER and a CER"):
        Score("WER", 1, 2) + Score("CER", 1, 2)
    with pytest.raises(TypeError):
        Score("WER", 1, 2) + 1
