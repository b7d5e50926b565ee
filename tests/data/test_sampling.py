"""Plans: what is in an update, how it is shared out, and what SpeechBrain's lacks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.dataio.sampler import DistributedSamplerWrapper, DynamicBatchSampler

from xlsr_sb.data.sampling import UpdatePlan, epoch_order
from xlsr_sb.errors import InputError

DURATIONS = np.random.default_rng(0).uniform(0.5, 15, 300).round(3)


def plan(durations=DURATIONS, *, update=100.0, device=30.0, **options) -> UpdatePlan:
    """Plan with limits for an update and a device."""
    limits = {"seconds_per_update": update, "seconds_per_device": device}
    return UpdatePlan(durations, seed=options.pop("seed", 1), **limits, **options)


def flat(update: list[list[int]]) -> list[int]:
    """Indices of an update's micro-batches."""
    return [index for micro_batch in update for index in micro_batch]


def compositions(batches: list[list[int]]) -> set[frozenset[int]]:
    """What is together with what, whatever the order."""
    return {frozenset(batch) for batch in batches}


# --- Updates


@settings(max_examples=60, deadline=None)
@given(
    durations=st.lists(st.floats(0.01, 20), min_size=3, max_size=60),
    update=st.floats(1, 100),
    world_size=st.integers(1, 3),
    epoch=st.integers(0, 5),
)
def test_an_epoch_is_everything_once_within_the_limits(
    durations, update, world_size, epoch
):
    """Over all processes: no loss, no double, no micro-batch too long or empty."""
    shares = [
        plan(durations, update=update, device=20, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    updates = list(zip(*(share.epoch(epoch) for share in shares), strict=True))
    assert len(updates) == shares[0].num_updates(epoch)
    micro_batches = [batch for shared in updates for own in shared for batch in own]
    assert sorted(sum(micro_batches, [])) == list(range(len(durations)))
    for batch in micro_batches:
        assert 0 < math.fsum(durations[index] for index in batch) <= 20 + 1e-4
    for number, shared in enumerate(updates, start=1):
        sizes = [len(own) for own in shared]
        assert min(sizes) >= 1
        assert max(sizes) - min(sizes) <= 1
        seconds = math.fsum(durations[i] for own in shared for i in flat(own))
        minimal = sum(map(len, map(flat, shared))) <= max(world_size, 1)
        last = number == len(updates)  # what is left over may have joined it
        assert seconds <= update + 1e-4 or minimal or (last and world_size > 1)


def test_an_update_is_filled_in_the_epochs_order():
    """The next utterance would have passed the limit."""
    order = epoch_order(None, seconds=DURATIONS, alpha=1.0, seed=1, epoch=4)
    updates = [flat(update) for update in plan().epoch(4)]
    done = 0
    for update in updates[:-1]:
        assert sorted(update) == sorted(order[done : done + len(update)])
        done += len(update)
        following = DURATIONS[order[done]]
        assert DURATIONS[update].sum() <= 100 < DURATIONS[update].sum() + following


def test_sums_that_just_fit_do_fit():
    """Ten times 0.1 is 1; fails with sums of binary fractions."""
    updates = plan([0.1] * 1_000, update=1.0, device=0.3).epoch(0)
    assert [len(flat(update)) for update in updates] == [10] * 100
    assert {len(update) for update in updates} == {4}
    assert plan([0.1 + 0.2], update=0.1, device=0.3).epoch(0) == [[[0]]]


def test_micro_batches_are_few_and_balanced():
    """As few as fit, of about equal lengths."""
    for update in plan().epoch(0)[:-1]:
        seconds = [DURATIONS[batch].sum() for batch in update]
        assert len(update) - sum(seconds) / 30 < 2
        assert max(seconds) - min(seconds) < 8


@pytest.mark.parametrize("world_size", [2, 3, 4])
def test_processes_together_do_what_one_does(world_size):
    """The same updates, in the same order, shared out evenly."""
    alone = [sorted(flat(update)) for update in plan().epoch(2)]
    shares = [plan(rank=r, world_size=world_size).epoch(2) for r in range(world_size)]
    together = [
        sorted(sum(map(flat, shared), [])) for shared in zip(*shares, strict=True)
    ]
    assert together == alone
    for shared in zip(*shares, strict=True):
        assert len({len(own) for own in shared}) == 1
        seconds = [DURATIONS[flat(own)].sum() for own in shared]
        assert max(seconds) - min(seconds) < 20


def test_every_process_has_something_in_every_update():
    """Though the limit says one utterance; what is left over joins the last update."""
    shares = [
        plan([9.0] * 11, update=10, device=20, rank=rank, world_size=4).epoch(0)
        for rank in range(4)
    ]
    sizes = [[len(flat(own)) for own in shared] for shared in zip(*shares, strict=True)]
    assert [sum(own) for own in sizes] == [4, 7]
    assert all(min(own) >= 1 for own in sizes)


# --- Epochs


def test_epochs_differ_in_order_and_in_composition():
    """Fails when batches are made once and then shuffled."""
    epochs = [[flat(update) for update in plan().epoch(epoch)] for epoch in range(6)]
    seen = [compositions(updates) for updates in epochs]
    for number, one in enumerate(seen):
        for other in seen[number + 1 :]:
            assert not one & other
    firsts = {tuple(updates[0]) for updates in epochs}
    assert len(firsts) == 6


def test_an_epoch_depends_on_seed_and_number_alone():
    """Not on what was asked before; so a resumed run finds its place."""
    used = plan()
    for epoch in (0, 5, 1):
        used.epoch(epoch)
    assert used.epoch(7) == plan().epoch(7)
    assert used.epoch(7) != plan(seed=2).epoch(7)
    assert used.num_updates(7) == len(used.epoch(7))


def test_languages_are_sampled():
    """As many utterances as there are, more of the small language than it has."""
    languages = ["fr"] * 270 + ["ka"] * 30
    updates = plan(languages=languages, alpha=0.2).epoch(0)
    drawn = [index for update in updates for index in flat(update)]
    assert len(drawn) == 300
    assert sum(index >= 270 for index in drawn) > 90


# --- SpeechBrain's sampler, whose defects are the reason for this one


@pytest.fixture
def speechbrain_batches() -> DynamicBatchSampler:
    """Batches of SpeechBrain, of at most 100 s."""
    clips = {str(i): {"duration": float(one)} for i, one in enumerate(DURATIONS)}
    return DynamicBatchSampler(
        DynamicItemDataset(clips),
        max_batch_length=100,
        num_buckets=20,
        length_func=lambda clip: clip["duration"],
        shuffle=True,
    )


def test_speechbrain_repeats_its_batches(speechbrain_batches):
    """On one process nobody tells it the epoch: one composition, and soon one order.

    When this fails, SpeechBrain has been mended.
    """
    epochs = [list(speechbrain_batches) for _ in range(4)]
    assert len({frozenset(compositions(batches)) for batches in epochs}) == 1
    assert epochs[1] == epochs[2] == epochs[3]


@pytest.mark.parametrize("rank", [0, 1])
def test_one_update_for_all_processes(rank):
    """With one batch a process, SpeechBrain's wrapper yields indices, not batches."""
    batches = [[0, 1], [2, 3]]
    theirs = DistributedSamplerWrapper(
        batches, num_replicas=2, rank=rank, shuffle=False
    )
    assert list(theirs) == batches[rank]  # two indices where one batch was due
    ours = plan([1.0] * 4, update=4, device=2, rank=rank, world_size=2).epoch(0)
    ((micro_batch,),) = ours
    assert len(micro_batch) == 2


# --- Settings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"durations": [1.0, 31.5]},
            "utterance 1 is 31.5 s long; .* at most .* 30.0 s",
        ),
        ({"durations": [1.0, 0.0]}, "utterance 1 is 0.0 s long; .* above 0"),
        ({"durations": [math.nan]}, "utterance 0 is nan s long"),
        ({"durations": []}, "0 utterances are too few for 1 processes"),
        ({"durations": [1.0], "world_size": 2}, "1 utterances are too few for 2"),
        ({"languages": ["fr"]}, "1 languages are given for 300 utterances"),
        ({"alpha": 1.5}, "alpha is 1.5; it must be from 0 to 1"),
        ({"alpha": -0.1}, "alpha is -0.1"),
        ({"update": 0}, "seconds_per_update is 0; it must be positive"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
        ({"rank": 2, "world_size": 2}, "rank is 2 of 2 processes; .* from 0 to 1"),
    ],
)
def test_a_setting_that_cannot_be(options, message):
    """Found before any audio is opened."""
    with pytest.raises(InputError, match=message):
        plan(**options)
