"""Batches for pretraining: bounded, mixed, resumable, the same on any processes."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.data.conftest import assert_same
from xlsr_sb.data.unlabelled import pretraining_eval_loader, pretraining_loader
from xlsr_sb.errors import InputError
from xlsr_sb.hparams import load_hparams
from xlsr_sb.manifest import Utterance

SETTINGS = {
    "min_crop_seconds": 0.1,
    "max_crop_seconds": 0.3,
    "language_alpha": 0.5,
    "corpus_alpha": 0.5,
    "utterances_per_epoch": 40,
    "seconds_per_update": 2.0,
    "seconds_per_device": 0.7,
    "num_workers": 0,
}


@pytest.fixture
def speech(tmp_path):
    """Eighteen recordings of 0.05 to 0.9 s of three groups, of several rates."""
    random = np.random.default_rng(0)
    clips = []
    for number in range(1, 19):
        rate = (16_000, 8_000, 44_100)[number % 3]
        path = tmp_path / f"{number}.flac"
        samples = random.uniform(-0.5, 0.5, round(0.05 * number * rate))
        soundfile.write(path, samples, rate)
        corpus, language = (("books", "fr"), ("books", "ka"), ("radio", "fr"))[
            number // 7
        ]
        seconds = len(samples) / rate
        clips.append(
            Utterance(str(number), str(path), seconds, language=language, corpus=corpus)
        )
    return clips


def updates(speech, epoch, *, start=0, settings=SETTINGS, **options):
    """Updates of an epoch, from one on."""
    loader = pretraining_loader(speech, settings, **{"seed": 1, **options})
    return list(loader.epoch(epoch, start=start))


def test_batches_are_bounded_and_without_targets(speech):
    """Every crop has a length that is allowed; short recordings never come."""
    found = updates(speech, 0)
    batches = [batch for update in found for batch in update]
    assert sum(map(len, batches)) == 40
    for batch in batches:
        assert batch.targets.shape == (len(batch), 0)
        assert batch.num_targets.tolist() == [0] * len(batch)
        assert 1_600 <= batch.num_samples.min() <= batch.num_samples.max() <= 4_800
        assert batch.num_seconds <= 0.7 + 1e-4
    drawn = {one for batch in batches for one in batch.ids}
    assert "1" not in drawn
    assert len(drawn) >= 16
    assert max(sum(batch.num_seconds for batch in update) for update in found) <= 2


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("world_size", [1, 2])
def test_an_epoch_goes_on_where_it_was_left(speech, num_workers, world_size):
    """Bit for bit, in a later epoch, on each process."""
    settings = SETTINGS | {"num_workers": num_workers}
    for rank in range(world_size):
        options = {"rank": rank, "world_size": world_size}
        whole = updates(speech, 5, **options)
        rest = updates(speech, 5, start=2, settings=settings, **options)
        assert len(rest) == len(whole) - 2 > 1
        for one, other in zip(rest, whole[2:], strict=True):
            for batch, same in zip(one, other, strict=True):
                assert_same(batch, same)


def test_processes_together_do_what_one_does(speech):
    """The same crops in each update."""
    alone = updates(speech, 2)
    shares = [updates(speech, 2, rank=rank, world_size=2) for rank in (0, 1)]
    for update, first, second in zip(alone, *shares, strict=True):
        one, two = (
            sorted((u.id, u.start or 0) for b in part for u in b.utterances)
            for part in (update, first + second)
        )
        assert one == two
        assert first
        assert second


def test_long_recordings_give_another_part_each_time(speech):
    """In the course of some epochs."""
    starts = [
        one.start
        for epoch in range(6)
        for update in updates(speech, epoch)
        for batch in update
        for one in batch.utterances
        if one.id == "18"
    ]
    assert len(starts) > 3
    assert len(set(starts)) == len(starts)


def test_what_is_left_out_is_said(speech, caplog):
    """Once, by the first process; the rest of the report is the mixture."""
    caplog.set_level(logging.INFO)
    updates(speech, 0, rank=1, world_size=2)
    assert caplog.text == ""
    updates(speech, 0)
    assert "1 of 18 utterances (0.00 h) are shorter than min_crop_seconds, 0.1" in (
        caplog.text
    )
    assert "40 draws from 2 languages of 2 corpora" in caplog.text
    assert "books\tka\t7" in caplog.text


def test_evaluation_is_the_same_each_time(speech):
    """All that give a frame, once; of long ones the beginning."""
    tiny = replace(speech[0], id="tiny", duration=0.0249)
    loader = pretraining_eval_loader([tiny, *speech], SETTINGS)
    batches, again = list(loader), list(loader)
    for one, other in zip(batches, again, strict=True):
        assert_same(one, other)
    seen = [one for batch in batches for one in batch.utterances]
    assert sorted(int(one.id) for one in seen) == list(range(1, 19))
    assert {one.start or 0 for one in seen} == {0}
    assert max(batch.num_samples.max() for batch in batches) == 4_800
    assert max(batch.num_seconds for batch in batches) <= 0.7 + 1e-4
    assert len(batches) <= 9  # cut lengths are what batches are filled by
    shares = [
        pretraining_eval_loader(speech, SETTINGS, rank=rank, world_size=2)
        for rank in (0, 1)
    ]
    ids = [one for share in shares for batch in share for one in batch.ids]
    assert sorted(map(int, ids)) == list(range(1, 19))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"min_crop_seconds": 0.02}, "min_crop_seconds is 0.02; .* at least 0.025"),
        ({"max_crop_seconds": 0.05}, "max_crop_seconds is 0.05; .* min_crop_seconds"),
        ({"max_crop_seconds": 2.0}, "is 2.0; .* at most seconds_per_device, 0.7"),
        ({"utterances_per_epoch": 1}, "1 utterances an epoch are too few for 2 proc"),
        ({"seconds_per_update": 0.0}, "seconds_per_update is 0.0; it must be positive"),
        ({"min_crop_seconds": 0.95, "max_crop_seconds": 1, "seconds_per_device": 1},
         "all 18 utterances are shorter than min_crop_seconds, 0.95"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be(speech, changed, message):
    """Found before any audio is opened."""
    with pytest.raises(InputError, match=message):
        pretraining_loader(speech, SETTINGS | changed, seed=1, world_size=2)


def test_nothing_to_evaluate(speech):
    """As when durations were written in another unit."""
    tiny = [replace(one, duration=one.duration / 1000) for one in speech]
    with pytest.raises(InputError, match="none of 18 utterances .* 400 samples"):
        pretraining_eval_loader(tiny, SETTINGS)


def test_the_shipped_settings_are_the_ones_that_are_read(speech):
    """Keys of ``hparams/data/unlabelled.yaml``."""
    path = Path(__file__).parents[2] / "hparams" / "data" / "unlabelled.yaml"
    shipped = load_hparams(path, "")
    assert set(SETTINGS) <= set(shipped)
    long = [replace(one, duration=25.0) for one in speech]
    loader = pretraining_loader(long, shipped, seed=1)
    assert loader.plan.durations.tolist() == [20.0] * 18
