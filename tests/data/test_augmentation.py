"""Augmentation: of the seed alone, as often as wanted, and never not finite.

Seen to fail: as many threads as there are; the same random numbers for two changes; the
first ones kept instead of any; a speed of 1 that counts; a seed left out; a codec ahead
of the room; a division by the power of silence; a clip without a frame.
"""

import pickle
import random
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from xlsr_sb.data.augmentation import Augmentation
from xlsr_sb.data.augmentation.coding import FORMATS, Codec
from xlsr_sb.data.augmentation.noise import Noise
from xlsr_sb.data.augmentation.reverberation import Reverberation
from xlsr_sb.data.augmentation.speed import Speed
from xlsr_sb.errors import InputError
from xlsr_sb.hparams import load_hparams
from xlsr_sb.lengths import RECEPTIVE_FIELD

FILES = Path(__file__).parents[2] / "hparams" / "augment"
NAMES = ("speed", "reverb", "noise", "codec")
KINDS = (Speed, Reverberation, Noise, Codec)
FACTORS = (0.8, 1.25)
ALL = Augmentation(
    **{f"{name}_chance": 1.0 for name in NAMES}, speed_factors=FACTORS, max_applied=4
)


def clip(num_samples: int = 8_000, *, seed: int = 0) -> torch.Tensor:
    """Noise that comes and goes, as speech does."""
    drawn = torch.Generator().manual_seed(seed)
    beats = torch.sin(torch.arange(num_samples) / 600).clamp(min=0)
    return 0.1 * torch.randn(num_samples, generator=drawn) * beats


@pytest.fixture
def applied(monkeypatch):
    """Effects that do nothing but say what they are and what they draw."""
    seen: list[tuple[str, float]] = []
    for name, kind in zip(NAMES, KINDS, strict=True):

        def effect(self, samples, random, name=name):  # noqa: ARG001
            seen.append((name, random.random()))
            return samples

        monkeypatch.setattr(kind, "__call__", effect)

    def of(augment, seed):
        seen.clear()
        augment(torch.zeros(4), seed)
        return dict(seen)

    return of


# --- What is drawn


def test_the_same_for_the_same_seed_alone():
    """Whatever came before, in a copy."""
    wave, copy = clip(), pickle.loads(pickle.dumps(ALL))
    seeds = [0, 1, 2**52 - 1, 2**52 - 2]
    first = {seed: ALL(wave, seed) for seed in seeds}
    for seed in reversed(seeds):
        assert torch.equal(copy(wave, seed), first[seed])
        assert not any(
            one.shape == first[seed].shape and torch.equal(one, first[seed])
            for other, one in first.items()
            if other != seed
        )


@pytest.mark.parametrize("name", NAMES)
def test_threads_change_nothing(name):
    """Workers have one, the process that reads by itself has all: the same bits."""
    augment = Augmentation(**{f"{name}_chance": 1.0}, speed_factors=FACTORS)
    waves, before = [clip(8_000), clip(40_000)], torch.get_num_threads()
    rows = []
    try:
        for threads in (1, 4, 16):
            torch.set_num_threads(threads)
            rows.append([augment(one, seed) for one in waves for seed in range(4)])
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for row in rows[1:]:
        assert all(map(torch.equal, row, rows[0]))


def test_global_random_numbers_stay_where_they_are():
    """Else clips would change the dropout of the model, but not with workers."""

    def states():
        return torch.get_rng_state().tolist(), random.getstate(), np_state()

    def np_state():
        kind, keys, *rest = np.random.get_state()  # noqa: NPY002
        return kind, keys.tolist(), rest

    before = states()
    for seed in range(4):
        ALL(clip(), seed)
    assert states() == before


def test_each_comes_as_often_as_wanted(applied):
    """By itself, in the order of sound; of the speeds those that are none count not."""
    chances = {"speed": 0.6, "reverb": 0.1, "noise": 0.7, "codec": 0.3}
    augment = Augmentation(
        **{f"{name}_chance": chance for name, chance in chances.items()},
        speed_factors=[0.9, 1.0, 1.1],
        max_applied=4,
    )
    drawn = [tuple(applied(augment, seed)) for seed in range(1_500)]
    counts = Counter(name for names in drawn for name in names)
    for name, chance in (chances | {"speed": 0.4}).items():
        assert abs(counts[name] / 1_500 - chance) < 0.04, name
    assert all(list(names) == sorted(names, key=NAMES.index) for names in drawn)
    both = sum({"speed", "noise"} <= set(names) for names in drawn)
    assert abs(both / 1_500 - 0.4 * 0.7) < 0.04


def test_at_most_so_many_are_applied(applied):
    """Which of them stay is drawn; each as often."""
    drawn = [tuple(applied(replace(ALL, max_applied=2), seed)) for seed in range(900)]
    assert {len(names) for names in drawn} == {2}
    counts = Counter(drawn)
    assert len(counts) == 6
    assert min(counts.values()) > 110


def test_what_one_draws_does_not_depend_on_the_others(applied):
    """So that a comparison without one of them leaves the rest as it was."""
    for seed in range(20):
        together = applied(ALL, seed)
        assert len(set(together.values())) == 4
        for name in NAMES:
            alone = Augmentation(**{f"{name}_chance": 1.0}, speed_factors=FACTORS)
            assert applied(alone, seed) == {name: together[name]}


def test_nothing_is_done_by_a_chance_of_nothing():
    """The clip comes back, and may not grow."""
    wave = clip()
    for augment in (Augmentation(), replace(ALL, **{f"{n}_chance": 0 for n in NAMES})):
        assert torch.equal(augment(wave, 3), wave)
        assert augment.max_growth == 1
    assert Augmentation(speed_chance=1.0, speed_factors=[1.1]).max_growth == 1
    assert replace(ALL, speed_factors=[0.9, 1.1]).max_growth == 1 / 0.9


# --- What comes out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "wave",
    [
        clip(),
        clip(6_401) * 40,
        clip(7) * 1e-30,
        torch.zeros(6_000),
        torch.zeros(1),
        torch.ones(1),
        torch.full((900,), -0.5),
    ],
    ids=["usual", "loud", "faint and short", "silent", "empty", "one", "constant"],
)
def test_what_comes_out_is_finite(name, wave):
    """A row of float32 as long as expected; what was given is not touched."""
    before = wave.clone()
    augment = Augmentation(**{f"{name}_chance": 1.0}, speed_factors=FACTORS)
    for seed in range(6):
        out = augment(wave, seed)
        assert out.dtype == torch.float32
        assert out.is_contiguous()
        assert out.isfinite().all()
        assert len(out) <= -(-len(wave) * 5 // 4)
        if name != "speed" or len(wave) < RECEPTIVE_FIELD:
            assert len(out) == len(wave)
        if not wave.any():
            assert out.abs().max() < 1e-6
    assert torch.equal(wave, before)


def test_no_clip_loses_its_last_frame():
    """A clip of 400 samples would have none at a higher speed."""
    augment = Augmentation(speed_chance=1.0, speed_factors=[1.25])
    for num_samples, expected in ((400, 400), (498, 498), (499, 400), (501, 401)):
        assert len(augment(clip(num_samples), 0)) == expected


# --- Settings


def test_the_shipped_files():
    """One gives nothing, the other what it says; every setting has a line."""
    assert load_hparams(FILES / "none.yaml")["module"]() is None
    section = load_hparams(FILES / "speech.yaml", "noise_chance: 1.0")
    augment = section["module"]()
    keys = {field.name for field in fields(augment) if field.init}
    assert set(section) == keys | {"module"}
    assert {name: getattr(augment, name) for name in keys} == {
        name: section[name] for name in keys
    }
    assert augment.noise_chance == 1
    assert set(augment.codecs) == set(FORMATS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise_chance": 1.5}, "noise_chance is 1.5; it must be a number from 0 to 1"),
        ({"codec_chance": float("nan")}, "codec_chance is nan"),
        ({"speed_chance": True}, "speed_chance is True; it must be a number from 0"),
        ({"speed_factors": []}, "speed_factors is .*; it must be a list of numbers fr"),
        ({"speed_factors": 0.9}, "speed_factors is 0.9; it must be a list"),
        ({"speed_factors": [90, 100]}, "a list of numbers from 0.5 to 2"),
        ({"reverb_rt60_seconds": [0.8, 0.2]}, "two numbers from 0.05 to 10, the lower"),
        ({"reverb_rt60_seconds": [0, 0.2]}, "reverb_rt60_seconds is"),
        ({"noise_snr_db": [5]}, "noise_snr_db is .5.; it must be two numbers from -50"),
        ({"noise_snr_db": ["5", "9"]}, "noise_snr_db is"),
        ({"codecs": ["mp3", "gsm"]}, "codecs is .*; it must be a list of some of tel"),
        ({"max_applied": 0}, "max_applied is 0; it must be a whole number from 1 on"),
        ({"max_applied": 1.0}, "max_applied is 1.0"),
        ({"noise_source": 3}, "noise_source is 3; it must be a path, or null"),
        ({"reverb_source": ""}, "reverb_source is ''; it must be a path, or null"),
        ({"reverb_source": "none", "reverb_chance": 0.1}, "'none', which is not there"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    """One error, which says what may be."""
    with pytest.raises(InputError, match=f"^augmentation: .*{message}"):
        Augmentation(**settings)
