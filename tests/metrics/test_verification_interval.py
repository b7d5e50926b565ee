"""Intervals of EERs: what is drawn, and whether the truth lies inside."""

import numpy as np
import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.metrics.verification import (
    TrialScores,
    equal_error_rate,
    error_curve,
    min_cllr,
    verification_interval,
)
from xlsr_sb.metrics.verification.curve import RankedTrials


def simulated(generator, *, speakers, clips=2, spread=0.0):
    """All pairs of clips; some speakers are mistaken more easily than others."""
    voices = np.repeat(np.arange(speakers), clips)
    ease = generator.normal(0, spread, speakers)[voices]
    left, right = np.triu_indices(len(voices), k=1)
    is_target = voices[left] == voices[right]
    scores = generator.normal(2.0 * is_target) + ease[left] + ease[right]
    names = [[f"s{voices[one]:02d}" for one in side] for side in (left, right)]
    return TrialScores(scores, is_target), tuple(names)


def test_weights_are_copies_of_trials():
    generator = np.random.default_rng(0)
    trials, _ = simulated(generator, speakers=6)
    weights = generator.integers(0, 4, len(trials))
    copies = np.repeat(np.arange(len(trials)), weights)
    wanted = error_curve(TrialScores(trials.scores[copies], trials.is_target[copies]))
    found = RankedTrials(trials).curve(weights)
    assert equal_error_rate(found).value == equal_error_rate(wanted).value
    assert min_cllr(found) == pytest.approx(min_cllr(wanted), abs=1e-12)


def test_draws_of_speakers_are_their_trials_copied_out():
    """Mutation that fails here: a trial of two drawn speakers counts at most once."""
    trials, names = simulated(np.random.default_rng(0), speakers=12, clips=3)
    people = sorted({*names[0], *names[1]})
    by_pair = {}
    for place, pair in enumerate(zip(*names, strict=True)):
        by_pair.setdefault(tuple(sorted(pair)), []).append(place)
    generator, values = np.random.default_rng(5), []
    for _ in range(100):
        places = []
        drawn = [people[one] for one in generator.integers(0, 12, 12)]
        for number, one in enumerate(drawn):
            places += by_pair[one, one]
            for other in drawn[number + 1 :]:
                if one != other:
                    places += by_pair[tuple(sorted((one, other)))]
        part = TrialScores(trials.scores[places], trials.is_target[places])
        values.append(equal_error_rate(error_curve(part)).value)
    interval = verification_interval(trials, speakers=names, draws=100, seed=5)
    wanted = np.percentile(values, [2.5, 97.5])
    assert interval.drawn == "speakers"
    assert [interval.low, interval.high] == pytest.approx(wanted, abs=1e-12)


def test_drawing_trials_makes_the_interval_too_narrow():
    """Speakers differ: of draws of trials, few intervals hold the truth."""
    generator = np.random.default_rng(3)
    everybody, _ = simulated(generator, speakers=300, spread=0.7)
    truth = equal_error_rate(error_curve(everybody)).value
    inside = {"speakers": 0, "trials": 0}
    for _ in range(40):
        trials, names = simulated(generator, speakers=30, spread=0.7)
        for speakers in (names, None):
            interval = verification_interval(trials, speakers=speakers, draws=100)
            inside[interval.drawn] += interval.low <= truth <= interval.high
    assert inside["speakers"] >= 34
    assert inside["trials"] <= inside["speakers"]


@pytest.mark.parametrize(("speakers", "drawn"), [(9, "trials"), (10, "speakers")])
def test_ten_speakers_are_enough(speakers, drawn):
    trials, names = simulated(np.random.default_rng(0), speakers=speakers)
    assert verification_interval(trials, speakers=names, draws=20).drawn == drawn


def test_unknown_speakers_are_not_drawn():
    trials, names = simulated(np.random.default_rng(0), speakers=12)
    names[1][5] = ""
    assert verification_interval(trials, speakers=names, draws=20).drawn == "trials"


def test_seed_decides_and_the_measure_is_ones_own():
    trials, names = simulated(np.random.default_rng(0), speakers=12)
    first = verification_interval(trials, speakers=names, draws=50)
    assert verification_interval(trials, speakers=names, draws=50) == first
    assert verification_interval(trials, speakers=names, draws=50, seed=1) != first
    other = verification_interval(trials, speakers=names, measure=min_cllr, draws=50)
    assert other.low < min_cllr(error_curve(trials)) < other.high
    assert other != first


def test_without_choice_there_is_no_interval():
    assert verification_interval(TrialScores([0.0, 1.0, 2.0], [1, 0, 0])) is None


def test_labels_that_speakers_contradict():
    trials, names = simulated(np.random.default_rng(0), speakers=12)
    names[1][0] = "s07"
    with pytest.raises(InputError, match="trial 1 of 's00' and 's07' is labelled 1"):
        verification_interval(trials, speakers=names)
    with pytest.raises(ValueError, match="scores of"):
        verification_interval(trials, speakers=(names[0], names[1][1:]))
