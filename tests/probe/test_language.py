"""Language from the mean of frozen features.

Seen to fail: training targets in another order; padding counted in the mean; the
penalty chosen on what was fitted; the test set standardised by itself.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.probe.spectrum import Spectrum, tones
from xlsr_sb.errors import InputError
from xlsr_sb.probe import language, probe_language

PITCHES = {"aa": 300.0, "bb": 700.0, "cc": 1_300.0}
COUNTS = {"aa": 30, "bb": 20, "cc": 10}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Train and test: half of each is in one language."""
    folder = tmp_path_factory.mktemp("tones")
    return [
        [
            one
            for code, pitch in PITCHES.items()
            for one in tones(folder, code, pitch=pitch, count=COUNTS[code], seed=seed)
        ]
        for seed in (1, 2)
    ]


def probed(spoken, **options):
    """Lines by layer and group."""
    options = {"model": "spectrum", "layers": [0, 1], "seed": 0} | options
    lines = list(probe_language(Spectrum(), *spoken, **options))
    return {(line.layer, line.group): line for line in lines}


def test_the_layer_that_carries_the_language_wins(spoken):
    lines = probed(spoken)
    assert set(lines) == {(i, group) for i in (0, 1) for group in (*COUNTS, "all")}
    assert lines[1, "all"].value == lines[1, "all"].held_out == 1.0
    assert all(lines[1, code].value == 1.0 for code in COUNTS)
    chance = lines[0, "all"].chance
    assert chance == 0.5
    assert lines[0, "all"].value <= chance + 0.1
    assert lines[0, "aa"].chance is None
    assert {code: lines[0, code].clips for code in COUNTS} == COUNTS
    assert lines[0, "all"].clips == lines[0, "all"].score.total == 60


def test_it_is_the_same_again(spoken):
    assert probed(spoken) == probed(spoken)
    order = np.random.default_rng(0).permutation(60)
    shuffled = [spoken[0], [spoken[1][i] for i in order]]
    assert probed(shuffled, layers=[1])[1, "all"].value == 1.0


def test_a_language_that_was_not_trained_is_wrong(spoken):
    train, test = spoken
    test = [
        replace(one, language="zz") if one.language == "cc" else one for one in test
    ]
    lines = probed([train, test], layers=[1])
    assert lines[1, "zz"].value == 0.0
    assert lines[1, "all"].value == pytest.approx(50 / 60)


def test_each_test_utterance_stands_alone(spoken):
    """The others of the test set change nothing: here all are in one language."""
    train, test = spoken
    for code in COUNTS:
        part = [one for one in test if one.language == code]
        assert probed([train, part], layers=[1])[1, code].value == 1.0


def test_ids_of_two_manifests_may_be_the_same(spoken):
    """The same names stand for other sounds in training and test."""
    train, test = ([replace(one, id=str(i)) for i, one in enumerate(x)] for x in spoken)
    lines = probed([train, test[::-1]], layers=[1])
    assert lines[1, "all"].value == 1.0


def test_the_fit_is_the_optimum():
    """The gradient of loss and penalty, by hand, is zero there."""
    random = torch.Generator().manual_seed(0)
    rows = torch.randn(50, 6, generator=random, dtype=torch.float64)
    targets = torch.randint(3, (50,), generator=random)
    start = torch.zeros(3, 7, dtype=torch.float64)
    weights = language._fit(rows, targets, strength=0.1, like=start)
    padded = torch.cat([rows, torch.ones(50, 1)], dim=1)
    errors = (padded @ weights.T).softmax(dim=1)
    errors -= torch.nn.functional.one_hot(targets, 3)
    gradient = errors.T @ padded / 50
    gradient[:, :-1] += 0.1 * weights[:, :-1]
    assert gradient.abs().max() < 1e-5
    assert weights.abs().max() > 0.01


@pytest.mark.parametrize(
    ("signal", "strengths"), [(0.0, [1.0, 0.1]), (9.0, [1e-3, 1e-4])]
)
def test_noise_needs_a_strong_penalty(signal, strengths):
    random = torch.Generator().manual_seed(0)
    targets = torch.randint(2, (200,), generator=random)
    rows = torch.randn(200, 100, generator=random, dtype=torch.float64)
    rows[:, 0] += signal * targets
    chooses = torch.arange(200) % 10 == 0
    choice = language._choice(rows, targets, chooses, num_classes=2)
    assert choice.strength in strengths
    assert (choice.accuracy > 0.9) is bool(signal)


def test_few_utterances_all_decide(spoken):
    few = [one for split in spoken for one in split if one.language != "cc"][::8]
    lines = probed([few, spoken[1]], layers=[1])
    assert lines[1, "all"].held_out == 1.0
    assert lines[1, "aa"].value > 0.6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: replace(one, language=""), "train: 'aa-1-0' has no language"),
        (lambda one: replace(one, language="aa"), "train: all utterances are in 'aa'"),
    ],
)
def test_unusable_training(spoken, change, message):
    with pytest.raises(InputError, match=message):
        probed([list(map(change, spoken[0])), spoken[1]])
