"""The line of calibration: least cost, and what is kept of it."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from xlsr_sb.errors import InputError
from xlsr_sb.metrics.verification import (
    LinearCalibration,
    TrialScores,
    cllr,
    error_curve,
    fit_calibration,
    min_cllr,
)


def trials_of(number=2_000, *, seed=0, scale=0.05, offset=0.4):
    """Log-likelihood ratios N(2, 4) and N(-2, 4), squeezed into cosines."""
    draw = np.random.default_rng(seed)
    targets, nontargets = draw.normal(2, 2, number), draw.normal(-2, 2, 3 * number)
    squeezed = [scale * one + offset for one in (targets, nontargets)]
    return TrialScores.of_classes(*squeezed)


def cross_entropy(line, trials, p_target):
    """As it is written in papers, sum by sum."""
    prior = math.log(p_target / (1 - p_target))
    targets = line[0] * trials.targets + line[1] + prior
    nontargets = line[0] * trials.nontargets + line[1] + prior
    misses = np.logaddexp(0, -targets).sum() / len(targets)
    alarms = np.logaddexp(0, nontargets).sum() / len(nontargets)
    return p_target * misses + (1 - p_target) * alarms


def test_line_that_made_the_scores_is_found():
    line = fit_calibration(trials_of(50_000))
    assert line.scale == pytest.approx(20, rel=0.03)
    assert line.offset == pytest.approx(-8, rel=0.03)


@pytest.mark.parametrize("p_target", [0.5, 0.01, 0.9])
@pytest.mark.parametrize(("scale", "offset"), [(0.05, 0.4), (1e-6, 1.0), (300, -7e4)])
def test_no_other_line_costs_less(p_target, scale, offset):
    """Beside a minimiser that uses no derivative; whatever the unit of the scores."""
    trials = trials_of(300, scale=scale, offset=offset)
    line = fit_calibration(trials, p_target=p_target)
    plain = trials_of(300, scale=1.0, offset=0.0)
    other = minimize(
        cross_entropy,
        np.array([1.0, 0.0]),
        args=(plain, p_target),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-14, "maxiter": 2_000},
    )
    found = cross_entropy([line.scale, line.offset], trials, p_target)
    assert found <= other.fun + 1e-12
    assert line.scale * scale == pytest.approx(other.x[0], rel=1e-4)
    assert line.scale * offset + line.offset == pytest.approx(other.x[1], abs=1e-4)


def test_other_trials_become_calibrated():
    raw, line = trials_of(20_000, seed=1), fit_calibration(trials_of(20_000))
    calibrated = line.trials(raw)
    least = min_cllr(error_curve(raw))
    assert cllr(raw) > least + 0.2
    assert cllr(calibrated) == pytest.approx(least, abs=0.005)
    assert min_cllr(error_curve(calibrated)) == pytest.approx(least, abs=1e-12)
    assert np.array_equal(calibrated.is_target, raw.is_target)


def test_share_of_targets_in_the_trials_does_not_matter():
    """Mutation that fails here: every trial weighs as much."""
    trials = trials_of()
    more = TrialScores.of_classes(trials.targets, np.tile(trials.nontargets, 5))
    one, two = fit_calibration(trials), fit_calibration(more)
    assert two.scale == pytest.approx(one.scale, rel=1e-6)
    assert two.offset == pytest.approx(one.offset, rel=1e-6)


@pytest.mark.parametrize(
    ("targets", "nontargets"),
    [([2.0, 3.0], [0.0, 1.0]), ([0.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0], [1.0])],
)
def test_trials_without_an_error_have_no_best_line(targets, nontargets):
    with pytest.raises(InputError, match="without an error .*take more trials"):
        fit_calibration(TrialScores.of_classes(targets, nontargets))


def test_prior_must_be_a_probability():
    with pytest.raises(InputError, match="p_target is 1"):
        fit_calibration(trials_of(10), p_target=1)


def test_what_is_saved_is_loaded(tmp_path):
    line = fit_calibration(trials_of(50))
    line.save(tmp_path / "new" / "calibration.json")
    assert LinearCalibration.load(tmp_path / "new" / "calibration.json") == line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON"),
        ("[1, 2]", "has list; a calibration is"),
        ('{"scale": 1}', r"has \['scale'\]"),
        ('{"scale": 1, "offset": 0, "x": 1}', r"'scale', 'x'\]"),
        ('{"scale": "1", "offset": 0}', "scale is '1'"),
        ('{"scale": true, "offset": 0}', "scale is True"),
        ('{"scale": 1, "offset": NaN}', "offset is nan"),
    ],
)
def test_files_that_are_no_calibration(tmp_path, text, message):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        LinearCalibration.load(path)
    assert "calibration.json" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        LinearCalibration.load(tmp_path / "calibration.json")
