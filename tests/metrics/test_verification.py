"""EER, detection costs and Cllr against definitions written down one by one."""

import math
import tracemalloc
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlsr_sb.errors import InputError
from xlsr_sb.metrics.verification import (
    DetectionCost,
    TrialScores,
    actual_dcf,
    calibration_scores,
    cllr,
    equal_error_rate,
    error_curve,
    min_cllr,
    min_dcf,
    verification_scores,
)

COSTS = [DetectionCost(*one) for one in [(), (0.05,), (0.5,), (0.5, 10, 1)]]
# Few different values, so that most scores are tied; and many, so that none is.
tied = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=20)
free = st.lists(st.floats(-20, 20), min_size=1, max_size=20)
kinds = st.one_of(st.tuples(tied, tied), st.tuples(free, free))
EXAMPLES = settings(max_examples=150, deadline=None)


def rates(targets, nontargets):
    """Misses and false alarms, in fractions, at every threshold there is a use for."""
    thresholds = [*sorted({*targets, *nontargets}), math.inf]
    return [
        (
            Fraction(sum(one < threshold for one in targets), len(targets)),
            Fraction(sum(one >= threshold for one in nontargets), len(nontargets)),
        )
        for threshold in thresholds
    ]


def slow_eer(targets, nontargets):
    """Where the line from point to point meets misses = false alarms."""
    points = rates(targets, nontargets)
    for (miss, alarm), (next_miss, next_alarm) in zip(points, points[1:], strict=False):
        if miss <= alarm and next_miss >= next_alarm:
            gap, next_gap = alarm - miss, next_miss - next_alarm
            if gap + next_gap == 0:
                return miss
            return miss + gap / (gap + next_gap) * (next_miss - miss)
    raise AssertionError("the curve goes from accepting all to accepting none")


def slow_dcf(points, cost):
    """NIST's normalised cost, lowest over the points."""
    weighted = [
        cost.c_miss * cost.p_target * float(miss)
        + cost.c_fa * (1 - cost.p_target) * float(alarm)
        for miss, alarm in points
    ]
    blind = min(cost.c_miss * cost.p_target, cost.c_fa * (1 - cost.p_target))
    return min(weighted) / blind


def slow_cllr(targets, nontargets):
    """The formula, term by term, without loss in the sums."""
    misses = math.fsum(math.log1p(math.exp(-one)) for one in targets) / len(targets)
    alarms = math.fsum(math.log1p(math.exp(one)) for one in nontargets)
    return (misses + alarms / len(nontargets)) / 2 / math.log(2)


def isotonic(targets, nontargets):
    """Posterior of each score by the min-max formula: greatest mean over least."""
    scores = sorted({*targets, *nontargets})
    hits = [*accumulate(map(targets.count, scores), initial=0)]
    others = [*accumulate(map(nontargets.count, scores), initial=0)]

    def mean(first, last):
        own = hits[last + 1] - hits[first]
        return Fraction(own, own + others[last + 1] - others[first])

    number = len(scores)
    return {
        scores[place]: max(
            min(mean(first, last) for last in range(place, number))
            for first in range(place + 1)
        )
        for place in range(number)
    }


def slow_min_cllr(targets, nontargets):
    """Cllr of the log-likelihood ratios that the isotonic posteriors stand for."""
    posterior = isotonic(targets, nontargets)
    prior = Fraction(len(targets), len(nontargets))

    def bits(score, sign):
        share = posterior[score]
        if share == (1 if sign > 0 else 0):
            return 0.0
        odds = share / (1 - share) / prior
        return math.log2(1 + float(odds**-sign))

    misses = math.fsum(bits(one, 1) for one in targets) / len(targets)
    alarms = math.fsum(bits(one, -1) for one in nontargets) / len(nontargets)
    return (misses + alarms) / 2


@EXAMPLES
@given(kinds)
def test_eer_equals_a_loop_over_all_thresholds(scores):
    targets, nontargets = scores
    curve = error_curve(TrialScores.of_classes(targets, nontargets))
    found = equal_error_rate(curve)
    assert found.value == pytest.approx(float(slow_eer(targets, nontargets)), abs=1e-12)
    # At the threshold, what is counted is what the record says.
    miss = np.mean(np.array(targets) < found.threshold)
    alarm = np.mean(np.array(nontargets) >= found.threshold)
    assert (found.miss_rate, found.false_alarm_rate) == (miss, alarm)
    gaps = [abs(one - other) for one, other in rates(targets, nontargets)]
    assert abs(miss - alarm) == pytest.approx(float(min(gaps)), abs=1e-12)
    assert math.isfinite(found.threshold)


@EXAMPLES
@given(kinds)
def test_costs_equal_a_loop_over_all_thresholds(scores):
    targets, nontargets = scores
    trials = TrialScores.of_classes(targets, nontargets)
    curve, points = error_curve(trials), rates(targets, nontargets)
    for cost in COSTS:
        found = min_dcf(curve, cost)
        assert found.value == pytest.approx(slow_dcf(points, cost), abs=1e-12)
        assert found.value <= 1 + 1e-12
        odds = cost.c_miss * cost.p_target / (cost.c_fa * (1 - cost.p_target))
        threshold = -math.log(odds)
        point = (
            sum(one < threshold for one in targets) / len(targets),
            sum(one >= threshold for one in nontargets) / len(nontargets),
        )
        actual = actual_dcf(trials, cost)
        assert actual.value == pytest.approx(slow_dcf([point], cost), abs=1e-12)
        assert (actual.miss_rate, actual.false_alarm_rate) == point
        assert actual.value >= found.value - 1e-12


@EXAMPLES
@given(kinds)
def test_cllr_equals_its_formula(scores):
    targets, nontargets = scores
    trials = TrialScores.of_classes(targets, nontargets)
    assert cllr(trials) == pytest.approx(slow_cllr(targets, nontargets), rel=1e-12)
    least = min_cllr(error_curve(trials))
    wanted = slow_min_cllr(targets, nontargets)
    assert least == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    assert -1e-12 <= least <= min(1, cllr(trials)) + 1e-9


@EXAMPLES
@given(kinds, st.randoms(use_true_random=False))
def test_order_of_trials_and_rising_functions_change_nothing(scores, random):
    trials = TrialScores.of_classes(*scores)
    order = list(range(len(trials)))
    random.shuffle(order)
    ranks = np.unique(trials.scores, return_inverse=True)[1].astype(float)
    other = TrialScores(ranks[order] ** 3, trials.is_target[order])
    first, second = error_curve(trials), error_curve(other)
    assert equal_error_rate(first).value == equal_error_rate(second).value
    assert min_dcf(first).value == min_dcf(second).value
    assert min_cllr(first) == min_cllr(second)


@pytest.mark.parametrize(
    ("targets", "nontargets", "eer", "threshold"),
    [
        ([2, 3], [0, 1], 0.0, 2.0),  # perfect: the lowest score that is right
        ([0, 1], [2, 3], 1.0, 2.0),  # upside down
        ([1, 1], [1, 1], 0.5, 1.0),  # says nothing
        ([1, 3], [0, 2], 0.5, 2.0),
        ([3, 2, 1], [0, 0, 1.5], 1 / 3, 1.5),
        ([1, 2, 2, 2], [1, 1, 1, 1], 0.2, 2.0),  # a tie across the crossing
    ],
)
def test_eer_by_hand(targets, nontargets, eer, threshold):
    """Mutation that fails here: ties taken one after the other."""
    trials = TrialScores.of_classes(targets, nontargets)
    found = equal_error_rate(error_curve(trials))
    assert found.value == pytest.approx(eer, abs=1e-15)
    assert found.threshold == threshold


def test_numbers_of_normal_distributions():
    """Scores N(1, 2) and N(-1, 2), which are log-likelihood ratios."""
    generator = np.random.default_rng(0)
    spread = math.sqrt(2)
    targets = generator.normal(1, spread, 100_000)
    nontargets = generator.normal(-1, spread, 200_000)
    trials = TrialScores.of_classes(targets, nontargets)
    curve = error_curve(trials)
    eer = math.erfc(1 / spread / math.sqrt(2)) / 2
    assert equal_error_rate(curve).value == pytest.approx(eer, abs=0.002)
    assert equal_error_rate(curve).threshold == pytest.approx(0, abs=0.02)
    assert cllr(trials) == pytest.approx(min_cllr(curve), abs=0.002)
    for cost in COSTS:
        best = min_dcf(curve, cost).value
        assert actual_dcf(trials, cost).value == pytest.approx(best, abs=0.01)
        assert min_dcf(curve, cost).threshold == pytest.approx(
            cost.bayes_threshold, abs=1.0
        )


def test_named_scores():
    trials = TrialScores.of_classes([6.0, 3.0], [-4.0, 1.0])
    costs = [DetectionCost(0.01), DetectionCost(0.05, 10, 1)]
    rows = [*verification_scores(trials, costs=costs)]
    rows += calibration_scores(trials, costs=costs)
    assert [row.name for row in rows] == [
        *["EER", "minDCF(0.01)", "minDCF(0.05,10,1)", "minCllr"],
        *["actDCF(0.01)", "actDCF(0.05,10,1)", "Cllr"],
    ]
    assert [row.total for row in rows] == [4, *[None] * 6]
    assert {row.errors for row in rows} == {None}
    assert rows[0].value == rows[3].value == 0
    assert rows[-1].value == cllr(trials)
    assert rows[4].threshold == pytest.approx(math.log(99))


def test_nan_is_an_error_that_counts_them():
    with pytest.raises(InputError, match=r"2 of 4 .* trial 2 \(nan\)") as caught:
        TrialScores([0.0, math.nan, math.inf, 1.0], [True, False, False, True])
    assert "embeddings" in str(caught.value)


@pytest.mark.parametrize(
    ("label", "name"), [(True, "different-speaker"), (False, "same-speaker")]
)
def test_a_missing_kind_is_an_error(label, name):
    with pytest.raises(InputError, match=f"no {name} trial among 2"):
        TrialScores([0.0, 1.0], [label, label])


def test_all_that_is_wrong_is_one_error():
    with pytest.raises(InputError) as caught:
        TrialScores([math.nan], [True])
    assert "1 of 1 scores" in str(caught.value)
    assert "no different-speaker trial" in str(caught.value)


def test_no_trial_at_all_is_an_error():
    with pytest.raises(InputError, match="no same-speaker .*no different-speaker"):
        TrialScores([], [])


def test_scores_and_labels_must_be_as_many():
    with pytest.raises(ValueError, match=r"got \(2,\) and \(1,\)"):
        TrialScores([0.0, 1.0], [True])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0,), "p_target is 0.0; it must lie between 0 and 1"),
        ((1.5,), "p_target is 1.5"),
        ((math.nan,), "p_target is nan"),
        ((0.1, 0.0), "c_miss is 0.0; a cost must be above 0"),
        ((0.1, 1.0, math.inf), "c_fa is inf"),
    ],
)
def test_costs_that_make_no_sense(arguments, message):
    with pytest.raises(InputError, match=message):
        DetectionCost(*arguments)


def test_a_million_trials_take_little_memory():
    """A table of every trial against every threshold would be 8 TB."""
    generator = np.random.default_rng(0)
    is_target = generator.random(1_000_000) < 0.1
    scores = generator.normal(2.0 * is_target).round(5)  # with ties
    tracemalloc.start()
    trials = TrialScores(scores, is_target)
    found = verification_scores(trials, costs=COSTS) + calibration_scores(trials)
    points = len(error_curve(trials).thinned().misses)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6
    assert found[0].value == pytest.approx(0.1587, abs=0.002)
    assert points < 4_000


@EXAMPLES
@given(kinds)
def test_a_thinned_curve_keeps_to_the_curve(scores):
    """Every point of the full curve has one near by; the ends are there."""
    curve = error_curve(TrialScores.of_classes(*scores))
    thin = curve.thinned(0.5)
    assert (thin.num_targets, thin.num_nontargets) == tuple(map(len, scores))
    assert {*thin.thresholds} <= {*curve.thresholds}

    def odds(one):
        pairs = ((one.misses, len(scores[0])), (one.false_alarms, len(scores[1])))
        inside = [np.clip(counts, 0.5, total - 0.5) / total for counts, total in pairs]
        return np.stack([np.log(share / (1 - share)) for share in inside], axis=1)

    gaps = np.abs(odds(curve)[:, None] - odds(thin)[None]).max(axis=2).min(axis=1)
    assert gaps.max() <= 0.5
