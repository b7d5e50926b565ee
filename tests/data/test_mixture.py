"""Mixtures: chances by the formula, draws by the chances, and epochs that go on.

Seen to fail: utterances counted in place of seconds; the exponent of corpora used for
languages; each epoch starting its groups anew; short recordings drawn.
"""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlsr_sb.data.mixture import Mixture, group_probabilities
from xlsr_sb.errors import InputError
from xlsr_sb.manifest.columns import Columns, Names

# Corpus, language, utterances and seconds of each.
PARTS = [
    ("radio", "fr", 60, 10.0),
    ("books", "fr", 20, 4.0),
    ("books", "ka", 9, 5.0),
    ("radio", "ab", 3, 2.5),
    ("calls", "", 8, 7.0),
]


def columns(parts=PARTS, *, seed=0):
    """Columns of all parts, shuffled; and the group of each utterance."""
    rows = [part for part in parts for _ in range(part[2])]
    rows = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    found = Columns(
        np.array([row[3] for row in rows]),
        Names.of(row[1] for row in rows),
        Names.of(row[0] for row in rows),
    )
    return found, [(row[0], row[1]) for row in rows]


def mixture(parts=PARTS, **options):
    """Mixture with seed 1, of draws that are no shorter than two seconds."""
    found, _ = columns(parts)
    return Mixture(found, **{"min_seconds": 2.0, "seed": 1, **options})


def test_chances_by_hand():
    """Corpora of 100, 16 and 64 hours: 10 : 4 : 8; languages of 81 and 19, 15 and 1."""
    hours = {("a", "x"): 81.0, ("a", "y"): 19.0, ("b", "x"): 15.0, ("b", "z"): 1.0}
    hours[("c", "")] = 64.0
    found = group_probabilities(hours, corpus_alpha=0.5, language_alpha=1.0)
    expected = {("a", "x"): 10 / 22 * 0.81, ("a", "y"): 10 / 22 * 0.19}
    expected |= {("b", "x"): 4 / 22 * 15 / 16, ("b", "z"): 4 / 22 / 16}
    expected[("c", "")] = 8 / 22
    assert found == pytest.approx(expected)
    found = group_probabilities(hours, corpus_alpha=1.0, language_alpha=0.5)
    assert found["a", "x"] == pytest.approx(100 / 180 * 9 / (9 + 19**0.5))
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("alphas", [(0.5, 0.5), (1.0, 0.0), (0.2, 0.9), (1.0, 1.0)])
def test_draws_match_the_chances(alphas):
    """Over 300 epochs."""
    _, groups = columns()
    options = {"corpus_alpha": alphas[0], "language_alpha": alphas[1]}
    mixed = mixture(**options, draws=200)
    drawn = Counter(groups[i] for e in range(300) for i in mixed.epoch(e).tolist())
    speech = {(corpus, code): count * long for corpus, code, count, long in PARTS}
    chances = group_probabilities(speech, **options)
    assert {(one.corpus, one.language): one.chance for one in mixed.groups} == (
        pytest.approx(chances)
    )
    chi_square = sum(
        (drawn[group] - chance * 60_000) ** 2 / (chance * 60_000)
        for group, chance in chances.items()
    )
    assert chi_square < 24  # 4 degrees of freedom: passed once in 12,000 cases


@settings(max_examples=20)
@given(st.integers(0, 1_000), st.integers(1, 300))
def test_no_utterance_comes_again_before_all_of_its_group(seed, draws):
    """Within an epoch and across epochs: counts never differ by more than one."""
    mixed, (_, groups) = mixture(seed=seed, draws=draws), columns()
    seen = np.zeros(len(groups), dtype=int)
    members = {name: [i for i, g in enumerate(groups) if g == name] for name in groups}
    for epoch in range(4):
        order = mixed.epoch(epoch)
        assert order.shape == (draws,)
        for index in order.tolist():
            seen[index] += 1
            own = seen[members[groups[index]]]
            assert own.max() - own.min() <= 1


def test_an_epoch_depends_on_seed_and_number_alone():
    """Not on what was asked before, nor on the order of names in the manifest."""
    used = mixture(draws=50)
    for epoch in (3, 0, 7):
        used.epoch(epoch)
    assert np.array_equal(used.epoch(7), mixture(draws=50).epoch(7))
    assert not np.array_equal(used.epoch(7), used.epoch(6))
    assert not np.array_equal(used.epoch(7), mixture(draws=50, seed=2).epoch(7))
    found, _ = columns()
    turned = Names(
        found.corpora.names[::-1], len(found.corpora.names) - 1 - found.corpora.codes
    )
    other = Columns(found.durations, found.languages, turned)
    again = Mixture(other, min_seconds=2.0, seed=1, draws=50)
    assert np.array_equal(used.epoch(7), again.epoch(7))


def test_short_utterances_are_counted_and_never_drawn():
    """And do not count as speech of their language."""
    parts = [*PARTS, ("books", "ka", 40, 1.9), ("sms", "ka", 5, 0.5)]
    mixed, (_, groups) = mixture(parts, min_seconds=2.0, draws=5_000), columns(parts)
    assert mixed.num_dropped == 45
    assert mixed.seconds_dropped == pytest.approx(40 * 1.9 + 2.5)
    found, _ = columns(parts)
    assert found.durations[mixed.epoch(0)].min() >= 2.0
    assert "sms" not in {group.corpus for group in mixed.groups}
    plain = {(g.corpus, g.language): g.chance for g in mixture().groups}
    assert {(g.corpus, g.language): g.chance for g in mixed.groups} == plain
    assert len(groups) == 145


def test_the_default_number_of_draws(monkeypatch):
    """As many as there are utterances, within a bound."""
    assert mixture().draws == 100
    monkeypatch.setattr("xlsr_sb.data.mixture.DRAWS", 30)
    assert mixture().draws == 30
    assert mixture(draws=70).epoch(0).shape == (70,)


def test_more_groups_than_small_integers_can_number():
    """Keys then take more bits; 300 languages in 300 corpora."""
    count = 300
    codes = np.arange(count, dtype=np.int32)
    names = Names(tuple(f"{i:03}" for i in range(count)), codes)
    found = Columns(np.full(count, 3.0), names, names)
    mixed = Mixture(found, min_seconds=2.0, seed=1, draws=10_000)
    assert len(mixed.groups) == count
    assert set(mixed.epoch(0).tolist()) == set(range(count))


def test_one_group_is_a_permutation():
    """Of utterances of which nothing is known."""
    mixed = mixture([("", "", 30, 3.0)])
    assert sorted(mixed.epoch(0).tolist()) == list(range(30))
    assert mixed.table().splitlines()[1] == "-\t-\t30\t0.03\t100.00%"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corpus_alpha": 1.2}, "corpus_alpha is 1.2; it must be from 0 to 1"),
        ({"language_alpha": -1}, "language_alpha is -1; it must be from 0 to 1"),
        ({"draws": 0}, "utterances_per_epoch is 0; it must be at least 1, or null"),
        (
            {"min_seconds": 60.0},
            "all 100 utterances are shorter than min_crop_seconds, 60.0 s",
        ),
        (
            {"parts": [*PARTS, ("books", "", 2, 3.0)]},
            "2 utterances of the corpus 'books' have no language and the others",
        ),
    ],
)
def test_what_cannot_be_mixed(options, message):
    """It says what to do."""
    with pytest.raises(InputError, match=message):
        mixture(**options)


def test_languages_may_be_missing_where_they_do_not_matter():
    """With an exponent of 1."""
    parts = [*PARTS, ("books", "", 2, 3.0)]
    assert len(mixture(parts, language_alpha=1.0).groups) == 6
