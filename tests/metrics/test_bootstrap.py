"""Intervals against closed forms, simulations and a loop that draws one by one."""

import time
import tracemalloc

import numpy as np
import pytest

from xlsr_sb.metrics import (
    ErrorCounts,
    bootstrap,
    bootstrap_interval,
    count_errors,
    paired_difference,
)


def counts_of(errors, totals):
    """Counts with substitutions only."""
    nothing = np.zeros_like(errors)
    return ErrorCounts("WER", np.stack([totals, errors, nothing, nothing], axis=1))


def simulated(generator, *, speakers, clips, share=0.2, spread=0.0):
    """Counts and speakers of a set in which speakers differ by ``spread``."""
    shares = np.clip(generator.normal(share, spread, speakers), 0.01, 0.99)
    totals = generator.integers(5, 30, speakers * clips)
    errors = generator.binomial(totals, np.repeat(shares, clips))
    names = [f"s{number}" for number in np.repeat(np.arange(speakers), clips)]
    return counts_of(errors, totals), names


def test_width_is_that_of_the_normal_distribution():
    """Words of one-word clips are wrong or right alone: p (1 - p) / n."""
    errors = np.arange(2_000) % 5 == 0
    counts = counts_of(errors.astype(int), np.ones(2_000, dtype=int))
    interval = bootstrap_interval(counts, draws=4_000)
    half = 1.96 * np.sqrt(0.2 * 0.8 / 2_000)
    assert interval.low == pytest.approx(0.2 - half, abs=0.1 * half)
    assert interval.high == pytest.approx(0.2 + half, abs=0.1 * half)


def test_equals_drawing_one_by_one():
    """Mutation that fails here: a rate is the mean of the rates of utterances."""
    counts, _ = simulated(np.random.default_rng(0), speakers=40, clips=1)
    generator = np.random.default_rng(1)
    rates = [
        counts.among(generator.integers(0, len(counts), len(counts))).score().value
        for _ in range(2_000)
    ]
    interval = bootstrap_interval(counts, draws=2_000)
    width = interval.high - interval.low
    assert interval.low == pytest.approx(np.percentile(rates, 2.5), abs=0.1 * width)
    assert interval.high == pytest.approx(np.percentile(rates, 97.5), abs=0.1 * width)


def test_the_truth_lies_inside_in_95_of_100_sets_if_speakers_are_drawn():
    """Mutation that fails here: utterances are drawn where speakers are known."""
    generator = np.random.default_rng(2)
    inside = {"speakers": 0, "utterances": 0}
    for _ in range(150):
        counts, names = simulated(generator, speakers=30, clips=20, spread=0.08)
        for speakers in (names, None):
            interval = bootstrap_interval(counts, speakers=speakers, draws=200)
            inside[interval.drawn] += interval.low <= 0.2 <= interval.high
    assert inside["speakers"] / 150 == pytest.approx(0.94, abs=0.05)
    assert inside["utterances"] / 150 < 0.6


@pytest.mark.parametrize(
    ("speakers", "drawn"),
    [
        ([f"s{number % 10}" for number in range(40)], "speakers"),
        ([f"s{number % 9}" for number in range(40)], "utterances"),
        ([*(f"s{number % 10}" for number in range(39)), ""], "utterances"),
        (None, "utterances"),
    ],
)
def test_speakers_are_drawn_if_all_are_known_and_enough(speakers, drawn):
    counts, _ = simulated(np.random.default_rng(0), speakers=40, clips=1)
    assert bootstrap_interval(counts, speakers=speakers).drawn == drawn


def test_seed_decides_and_order_does_not():
    counts, names = simulated(np.random.default_rng(0), speakers=12, clips=3)
    order = np.random.default_rng(1).permutation(len(counts))
    mixed = counts.among(order), [names[place] for place in order]
    for speakers, others in ((names, mixed[1]), (None, None)):
        first = bootstrap_interval(counts, speakers=speakers)
        assert bootstrap_interval(counts, speakers=speakers) == first
        assert bootstrap_interval(mixed[0], speakers=others) == first
        assert bootstrap_interval(counts, speakers=speakers, seed=1) != first


def test_pieces_make_no_difference(monkeypatch):
    """In memory or not: the same draws."""
    counts, _ = simulated(np.random.default_rng(0), speakers=20, clips=1)
    whole = bootstrap_interval(counts)
    monkeypatch.setattr(bootstrap, "CHUNK", 60)
    assert bootstrap_interval(counts) == whole


@pytest.mark.parametrize("texts", [[], ["a b"], ["", ""]])
def test_without_choice_there_is_no_interval(texts):
    assert bootstrap_interval(count_errors("WER", texts, ["c"] * len(texts))) is None


def test_draws_without_units_are_left_out():
    """Half of the draws of these two hold the word."""
    counts = count_errors("WER", ["a", ""], ["b", ""])
    interval = bootstrap_interval(counts)
    assert (interval.low, interval.high) == (1.0, 1.0)


def test_speakers_must_be_as_many():
    with pytest.raises(ValueError, match="1 speakers of 2 utterances"):
        bootstrap_interval(count_errors("WER", ["a", "b"], ["a", "b"]), speakers=["s"])


def test_difference_of_two_systems():
    """By hand: of ten clips the other mends two, and spoils one."""
    totals = np.ones(10, dtype=int)
    ours = counts_of(np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]), totals)
    other = counts_of(np.array([0, 0, 1, 1, 1, 0, 0, 0, 0, 0]), totals)
    difference = paired_difference(ours, other, draws=20_000)
    assert difference.value == pytest.approx(-0.1)
    assert difference.low < -0.1 < 0 < difference.high
    # Exactly: steps of -1, 0, +1 with 0.2, 0.7, 0.1; ten of them below 0.
    steps = np.array([0.2, 0.7, 0.1])
    chances = np.array([1.0])
    for _ in range(10):
        chances = np.convolve(chances, steps)
    assert difference.improvement == pytest.approx(chances[:10].sum(), abs=0.01)


def test_what_both_find_hard_cancels_out():
    """Pairs tell systems apart whose intervals overlap."""
    generator = np.random.default_rng(3)
    ours, names = simulated(generator, speakers=30, clips=10, spread=0.1)
    fewer = generator.binomial(ours.errors, 0.9)
    other = counts_of(fewer, ours.totals)
    for speakers in (names, None):
        one, two = (bootstrap_interval(x, speakers=speakers) for x in (ours, other))
        assert two.high > one.low
        difference = paired_difference(ours, other, speakers=speakers)
        assert difference.drawn == one.drawn
        assert difference.high < 0
        assert difference.improvement == 1.0
        back = paired_difference(other, ours, speakers=speakers)
        assert (back.improvement, back.value) == (0.0, -difference.value)


def test_a_system_does_not_improve_on_itself():
    counts, _ = simulated(np.random.default_rng(0), speakers=20, clips=1)
    same = paired_difference(counts, counts)
    assert (same.value, same.low, same.high, same.improvement) == (0, 0, 0, 0)


def test_systems_are_compared_on_the_same_references():
    ours, other = (count_errors("WER", [text], ["a"]) for text in ("a", "a b"))
    with pytest.raises(ValueError, match="not of the same references"):
        paired_difference(ours, other)
    with pytest.raises(ValueError, match="WER and 1 CER"):
        paired_difference(ours, count_errors("CER", ["a"], ["a"]))
    empty = count_errors("WER", [""], ["a"])
    with pytest.raises(ValueError, match="references are empty"):
        paired_difference(empty, empty)


def test_a_large_set_takes_seconds_and_little_memory():
    """100,000 utterances, 1,000 draws; processor time, so that others do not matter."""
    counts, _ = simulated(np.random.default_rng(0), speakers=100_000, clips=1)
    tracemalloc.start()
    start = time.process_time()
    interval = bootstrap_interval(counts)
    assert time.process_time() - start < 15
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6
    assert 0 < interval.high - interval.low < 0.01
