"""Batches for the loops, with and without workers, and what a bad clip does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.data.conftest import assert_same, digits
from xlsr_sb.data.batching import Batch, EvalLoader, SpeechDataset, UpdateLoader
from xlsr_sb.data.sampling import UpdatePlan
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance


def refuse_seven(utterance: Utterance) -> list[int]:
    """Digits, but one transcript cannot be encoded."""
    if utterance.wrd == "7":
        raise InputError("the transcript '7' is not wanted")
    return digits(utterance)


def update_loader(dataset: SpeechDataset, *, num_workers: int = 0) -> UpdateLoader:
    """Updates of at most a second, in micro-batches of at most 0.6 s."""
    durations = [utterance.duration for utterance in dataset.utterances]
    plan = UpdatePlan(durations, seconds_per_update=1, seconds_per_device=0.6, seed=3)
    return UpdateLoader(dataset, plan, num_workers=num_workers)


def ids_of(updates: list[list[Batch]]) -> list[list[list[str]]]:
    """Ids by update and micro-batch."""
    return [[batch.ids for batch in update] for update in updates]


# --- The loaders


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_epoch_is_what_was_planned(dataset, num_workers):
    """Batch by batch, as they come without any loader."""
    loader = update_loader(dataset, num_workers=num_workers)
    plan = loader.plan.epoch(1)
    updates = list(loader.epoch(1))
    assert [len(update) for update in updates] == [len(update) for update in plan]
    for update, planned in zip(updates, plan, strict=True):
        for batch, indices in zip(update, planned, strict=True):
            assert_same(batch, dataset[indices])
    assert len(updates) == loader.updates_per_epoch(1) > 4
    assert max(len(update) for update in updates) > 1


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_epoch_goes_on_where_it_was_left(dataset, num_workers):
    """From any update, the end of the epoch included."""
    loader = update_loader(dataset, num_workers=num_workers)
    whole = ids_of(loader.epoch(2))
    for start in (1, len(whole) - 1, len(whole)):
        assert ids_of(loader.epoch(2, start=start)) == whole[start:]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_loading_draws_no_random_number(dataset, num_workers):
    """Else a resumed run has other dropouts than one that was never stopped.

    Fails when the DataLoader is not given a generator of its own.
    """
    torch.manual_seed(5)
    before = torch.get_rng_state()
    list(update_loader(dataset, num_workers=num_workers).epoch(0))
    list(EvalLoader(dataset, seconds_per_device=1, num_workers=num_workers))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_plan_of_other_utterances(dataset):
    """It would index past the end, or never reach it."""
    plan = UpdatePlan([1.0], seconds_per_update=1, seconds_per_device=1, seed=0)
    with pytest.raises(
        InputError, match="plan is of 1 utterances and the dataset of 12"
    ):
        UpdateLoader(dataset, plan)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_evaluation_sees_each_clip_once(dataset, num_workers):
    """Longest first, within the limit."""
    loader = EvalLoader(dataset, seconds_per_device=1.2, num_workers=num_workers)
    batches = list(loader)
    ids = [one for batch in batches for one in batch.ids]
    assert ids == [f"clip-{number}" for number in range(12, 0, -1)]
    assert len(batches) == len(loader) == 4
    assert max(batch.num_seconds for batch in batches) <= 1.2
    assert [batch.ids for batch in loader] == [batch.ids for batch in batches]


@pytest.mark.parametrize("world_size", [2, 3, 5])
def test_evaluation_is_shared_without_doubles(dataset, world_size):
    """No utterance twice, none added to make shares equal; some may get nothing."""
    shares = [
        [
            batch.ids
            for batch in EvalLoader(
                dataset, seconds_per_device=1.2, rank=rank, world_size=world_size
            )
        ]
        for rank in range(world_size)
    ]
    whole = [batch.ids for batch in EvalLoader(dataset, seconds_per_device=1.2)]
    assert sorted(sum(shares, [])) == sorted(whole)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_clip_longer_than_a_device_is_evaluated_alone(dataset):
    """No result may lack it."""
    batches = [batch.ids for batch in EvalLoader(dataset, seconds_per_device=0.5)]
    assert batches[:2] == [["clip-12"], ["clip-11"]]
    assert sum(map(len, batches)) == 12


@pytest.mark.parametrize("world_size", [1, 2])
def test_clips_without_sound_are_in_no_batch_and_not_lost(dataset, world_size):
    """Each process has its part of them to score."""
    for index in (2, 5, 7):
        dataset.utterances[index] = replace(dataset.utterances[index], duration=0.0)
    lost = {dataset.utterances[index].id for index in (2, 5, 7)}
    loaders = [
        EvalLoader(dataset, seconds_per_device=1, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    heard = [name for loader in loaders for batch in loader for name in batch.ids]
    unread = [one.id for loader in loaders for one in loader.unreadable]
    assert sorted(unread) == sorted(lost)
    assert sorted(heard + unread) == sorted(one.id for one in dataset.utterances)


# --- Bad clips


def spoil(utterance: Utterance, how: str) -> Utterance:
    """Make the clip unusable and return its record."""
    path = Path(utterance.wav)
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif how == "NaN":
        soundfile.write(path, np.full(800, np.nan), 16_000, subtype="FLOAT")
    else:
        utterance = replace(utterance, start=5_000_000)
    return utterance


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", "there is no such file"),
        ("truncated", "is truncated: its header promises"),
        ("NaN", "sample 0 is nan"),
        ("segment", "the segment from 5000000 to 5600 is empty or outside"),
    ],
)
def test_a_bad_clip_is_one_clear_error(utterances, how, message, num_workers):
    """It names utterance and file, on one line, from a worker too."""
    utterances[6] = spoil(utterances[6], how)
    dataset = SpeechDataset(utterances, encode_target=digits)
    pattern = rf"^utterance 'clip-7': .*/7\.wav.*{message}[^\n]*$"
    for batches in (
        update_loader(dataset, num_workers=num_workers).epoch(0),
        EvalLoader(dataset, seconds_per_device=1, num_workers=num_workers),
    ):
        with pytest.raises(InputError, match=pattern):
            list(batches)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_bad_transcript_is_one_clear_error(utterances, num_workers):
    """The batches before it arrive."""
    dataset = SpeechDataset(utterances, encode_target=refuse_seven)
    arrived = []
    message = "^utterance 'clip-7': the transcript '7' is not wanted$"
    loader = EvalLoader(dataset, seconds_per_device=0.6, num_workers=num_workers)
    with pytest.raises(InputError, match=message):
        arrived.extend(batch.ids for batch in loader)
    assert arrived == [[f"clip-{number}"] for number in (12, 11, 10, 9, 8)]
