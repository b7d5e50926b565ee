"""Orders of an epoch: permutations, and languages drawn as the formula says."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlsr_sb.data.ordering import epoch_order, language_probabilities
from xlsr_sb.errors import InputError

# Seconds and numbers of utterances differ: 80 of 1 s, 20 of 16 s, 5 of 4 s.
LANGUAGES = ["fr"] * 80 + ["ka"] * 20 + ["ab"] * 5
SECONDS = [1.0] * 80 + [16.0] * 20 + [4.0] * 5


def orders(languages, seconds, *, alpha: float, seed: int = 1, epochs: int) -> list:
    """Orders of the first epochs."""
    return [
        epoch_order(languages, seconds=seconds, alpha=alpha, seed=seed, epoch=epoch)
        for epoch in range(epochs)
    ]


def test_an_epoch_is_a_permutation_of_its_own():
    """Other in each epoch and for each seed, the same for the same two."""
    first, second = orders(None, SECONDS, alpha=1.0, epochs=2)
    (other,) = orders(None, SECONDS, alpha=1.0, seed=2, epochs=1)
    for order in (first, second, other):
        assert sorted(order.tolist()) == list(range(105))
    assert len({tuple(order) for order in (first, second, other)}) == 3
    assert np.array_equal(first, orders(None, SECONDS, alpha=1.0, epochs=1)[0])


def test_every_place_is_equally_likely():
    """Of 2,000 permutations of 5; fails for sorted, rotated or bucketed orders."""
    rows = np.array(orders(None, [1.0] * 5, alpha=1.0, epochs=2_000))
    for place in range(5):
        counts = np.bincount(rows[:, place], minlength=5)
        chi_square = ((counts - 400) ** 2 / 400).sum()
        assert chi_square < 25  # 4 degrees of freedom: passed once in 20,000 cases


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 0.99])
def test_probabilities_are_those_of_the_formula(alpha):
    """Of seconds, not of utterances."""
    found = language_probabilities({"fr": 80.0, "ka": 320.0, "ab": 20.0}, alpha)
    weights = {"fr": (80 / 420) ** alpha, "ka": (320 / 420) ** alpha}
    weights["ab"] = (20 / 420) ** alpha
    total = sum(weights.values())
    assert found == pytest.approx({key: one / total for key, one in weights.items()})


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9])
def test_draws_match_the_probabilities(alpha):
    """Over 400 epochs; fails when utterances are counted in place of seconds."""
    drawn = np.concatenate(orders(LANGUAGES, SECONDS, alpha=alpha, epochs=400))
    counts = Counter(np.array(LANGUAGES)[drawn].tolist())
    chances = language_probabilities({"fr": 80.0, "ka": 320.0, "ab": 20.0}, alpha)
    chi_square = sum(
        (counts[language] - chance * len(drawn)) ** 2 / (chance * len(drawn))
        for language, chance in chances.items()
    )
    assert chi_square < 20  # 2 degrees of freedom: passed once in 20,000 cases


def test_languages_are_mixed_within_an_epoch():
    """The first half of an epoch holds about half of each."""
    halves = [
        Counter(np.array(LANGUAGES)[order[:52]].tolist())
        for order in orders(LANGUAGES, SECONDS, alpha=0.5, epochs=200)
    ]
    whole = [
        Counter(np.array(LANGUAGES)[order].tolist())
        for order in orders(LANGUAGES, SECONDS, alpha=0.5, epochs=200)
    ]
    for language in ("fr", "ka", "ab"):
        share = sum(one[language] for one in halves) / sum(
            one[language] for one in whole
        )
        assert share == pytest.approx(52 / 105, abs=0.03)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1_000), st.sampled_from([0.0, 0.4, 0.9]))
def test_no_utterance_comes_again_before_all_of_its_language(seed, alpha):
    """Within an epoch and across epochs: counts never differ by more than one."""
    seen = np.zeros(len(LANGUAGES), dtype=int)
    names = np.array(LANGUAGES)
    for order in orders(LANGUAGES, SECONDS, alpha=alpha, seed=seed, epochs=4):
        for index in order:
            seen[index] += 1
            own = seen[names == names[index]]
            assert own.max() - own.min() <= 1
    assert seen[names == "ab"].min() > 1  # the smallest went round


def test_each_round_through_a_language_is_another():
    """Also within one epoch, and with more rounds than one generator makes."""
    order = epoch_order(
        ["ab"] * 3 + ["fr"] * 20_000,
        seconds=[1.0] * 20_003,
        alpha=0.0,
        seed=1,
        epoch=0,
    )
    own = order[order < 3]
    rounds = own[: len(own) // 3 * 3].reshape(-1, 3)
    assert len(rounds) > 3_000
    assert (np.sort(rounds, axis=1) == [0, 1, 2]).all()
    counts = np.array(list(Counter(map(tuple, rounds.tolist())).values()))
    assert len(counts) == 6
    assert ((counts - len(rounds) / 6) ** 2 / (len(rounds) / 6)).sum() < 30


def test_the_number_of_draws_is_the_number_of_utterances():
    """So an epoch is about as long as with alpha 1."""
    for order in orders(LANGUAGES, SECONDS, alpha=0.1, epochs=3):
        assert order.shape == (105,)


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        (None, "alpha is 0.5, but the utterances have no language"),
        (["fr", "", "ka"], "alpha is 0.5, but utterance 1 has no language"),
    ],
)
def test_languages_are_needed_below_one(languages, message):
    """One that is unknown would be a language of its own."""
    with pytest.raises(InputError, match=message):
        epoch_order(languages, seconds=[1.0] * 3, alpha=0.5, seed=0, epoch=0)
