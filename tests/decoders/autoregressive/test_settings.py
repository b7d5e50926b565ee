"""Numbers of a search that cannot be used."""

import math

import pytest

from xlsr_sb.decoders.autoregressive.settings import SearchSettings
from xlsr_sb.errors import InputError


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("beam_size", 0, "at least 1"),
        ("max_tokens", 0, "at least 1"),
        ("length_penalty", math.nan, "a finite number"),
        ("length_penalty", math.inf, "a finite number"),
        ("early_stopping", "always", r"one of \(False, True, 'never'\)"),
        ("early_stopping", 1, r"one of \(False, True, 'never'\)"),
        ("early_stopping", None, r"one of \(False, True, 'never'\)"),
        ("num_best", 0, "in 1 to 5, which is beam_size"),
        ("num_best", 6, "in 1 to 5, which is beam_size"),
        ("no_repeat_ngram", -1, "at least 0"),
        ("min_tokens", -1, "in 0 to 9, which is max_tokens"),
        ("min_tokens", 10, "in 0 to 9, which is max_tokens"),
    ],
)
def test_refused(name, value, allowed):
    """Name, value, and what is allowed."""
    numbers = {"beam_size": 5, "max_tokens": 9, name: value}
    message = f"^decoding: {name} is {value!r}; it must be {allowed}$"
    with pytest.raises(InputError, match=message):
        SearchSettings(**numbers)


def test_edges_are_allowed():
    """Each bound itself."""
    settings = SearchSettings(
        beam_size=1, max_tokens=1, num_best=1, min_tokens=1, early_stopping="never"
    )
    assert settings.divisor(1) == 1.0


@pytest.mark.parametrize(
    ("length_penalty", "early_stopping", "expected"),
    [
        (2.0, False, 9.0),
        (2.0, True, 9.0),
        (2.0, "never", 100.0),
        (-1.0, "never", 1 / 3),
    ],
)
def test_what_a_running_sequence_may_become(length_penalty, early_stopping, expected):
    """Three tokens, of ten at most: longer is better only for a positive power."""
    settings = SearchSettings(
        beam_size=2,
        max_tokens=10,
        length_penalty=length_penalty,
        early_stopping=early_stopping,
    )
    assert settings.best_divisor(3) == pytest.approx(expected)
