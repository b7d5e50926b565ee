"""Counters of a run: they come back from a checkpoint as they were."""

import torch

from xlsr_sb.training.checkpointer import AtomicCheckpointer
from xlsr_sb.training.progress import Progress, Running


def full() -> Progress:
    """Every field different from its default."""
    running = Running(1.5, 3.0, updates=4, bad_updates=1, extras={"frames": 7.0})
    return Progress(
        update=12,
        epoch=3,
        position=2,
        bad_in_a_row=1,
        seconds=4.5,
        audio_seconds=60.25,
        running=running,
        history=[{"update": 10, "CER": 0.5, "train_loss": None}],
    )


def test_nothing_is_lost_on_the_way_through_a_checkpoint(tmp_path):
    """Floats to the bit; fails if a field is left out of the state."""
    progress = full()
    progress.seconds = 0.1 + 0.2
    default = Progress()
    assert all(getattr(default, k) != v for k, v in vars(progress).items())
    AtomicCheckpointer(tmp_path, {"progress": progress}).save({"update": 12})
    found = Progress()
    AtomicCheckpointer(tmp_path, {"progress": found}).recover()
    assert found == progress
    assert isinstance(found.running, Running)


def test_a_saved_state_does_not_change_with_the_run():
    """It is a copy: sums that go on must not reach into it."""
    progress = full()
    state = progress.state_dict()
    progress.running.extras["frames"] += 1
    progress.history[0]["CER"] = 0.1
    progress.history.append({})
    found = Progress()
    found.load_state_dict(state)
    assert found == full()


def test_end_epoch():
    """The next one starts at its first update; updates are counted on."""
    progress = full()
    progress.end_epoch()
    assert (progress.epoch, progress.position, progress.update) == (4, 0, 12)


def test_a_new_row_starts_new_sums():
    """Which are not shared with those before."""
    progress = full()
    before = progress.running
    progress.add_row({"update": 12})
    assert progress.history == [*full().history, {"update": 12}]
    assert progress.running == Running()
    progress.running.extras["frames"] = 1.0
    assert Running().extras == {}
    assert before == full().running


def test_state_is_plain_values():
    """Of kinds that every checkpoint can hold and load without running code."""
    kinds = {type(value) for value in full().state_dict().values()}
    assert kinds == {int, float, dict, list}
    assert not any(isinstance(v, torch.Tensor) for v in full().state_dict().values())
