"""Saving, recovering and keeping checkpoints, and SpeechBrain's format."""

import logging
import math
import time

import numpy as np
import pytest
import torch
import yaml
from speechbrain.utils.checkpoints import Checkpointer
from speechbrain.utils.epoch_loop import EpochCounter

from xlsr_sb.errors import InputError
from xlsr_sb.training.checkpointer import AtomicCheckpointer, CheckpointError


class Sampler:
    """An object without SpeechBrain's hooks."""

    def __init__(self, **state):
        self.state = state

    def state_dict(self):
        return dict(self.state)

    def load_state_dict(self, state):
        self.state = dict(state)


def trained(value):
    """A module, and an optimiser with a state, filled with a value."""
    module = torch.nn.Linear(3, 3)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.5)
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    for tensor in [*module.parameters(), optimizer.state[module.weight]["exp_avg"]]:
        torch.nn.init.constant_(tensor, value)
    return {"module": module, "optimizer": optimizer}


def value_of(found):
    """The one value in all tensors of ``trained``."""
    average = found["optimizer"].state[found["module"].weight]["exp_avg"]
    values = torch.cat([found["module"].weight.flatten(), average.flatten()])
    assert values.min() == values.max()
    return values[0].item()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_nothing_to_recover(tmp_path):
    assert AtomicCheckpointer(tmp_path / "new" / "save").recover() is None


def test_recovers_what_was_saved(tmp_path):
    state = {"epoch": 3, "seed": 1.5, "name": "a", "order": [1, (2, None)], "on": True}
    state |= {"random": torch.get_rng_state()}
    sampler = Sampler(**state)
    meta = {"update": 7, "CER": 0.25, "note": "no", "last": False, "loss": math.inf}
    AtomicCheckpointer(tmp_path, trained(1.0) | {"sampler": sampler}).save(meta)

    found = trained(0.0) | {"sampler": Sampler()}
    assert AtomicCheckpointer(tmp_path, found).recover() == meta
    assert value_of(found) == 1.0
    random = found["sampler"].state.pop("random")
    assert torch.equal(random, state.pop("random"))
    assert found["sampler"].state == state


def test_only_the_newest_is_kept(tmp_path):
    checkpointer = AtomicCheckpointer(tmp_path, trained(1.0))
    paths = [checkpointer.save({"update": update}) for update in range(4)]
    assert names(tmp_path) == [paths[-1].name]


def test_the_newest_and_the_best_are_kept(tmp_path):
    checkpointer = AtomicCheckpointer(tmp_path, {"sampler": (sampler := Sampler())})
    scores = [0.9, math.nan, 0.3, 0.3, 0.5, math.nan, 0.4]
    for update, score in enumerate(scores):
        sampler.state = {"update": update}
        best = {"key": "CER", "mode": "min"}
        checkpointer.save({"update": update, "CER": score}, num_recent=2, best=best)
    kept = {checkpoint.meta["update"] for checkpoint in checkpointer.list_checkpoints()}
    assert kept == {3, 5, 6}  # of the two with 0.3 the newer
    assert checkpointer.recover_best("CER", "min") == {"update": 3, "CER": 0.3}
    assert sampler.state == {"update": 3}
    assert checkpointer.recover()["update"] == 6


def test_the_best_may_be_the_highest(tmp_path):
    checkpointer = AtomicCheckpointer(tmp_path, trained(1.0))
    for accuracy in (0.2, 0.8, 0.5):
        best = {"key": "accuracy", "mode": "max"}
        checkpointer.save({"accuracy": accuracy}, best=best)
    assert checkpointer.recover_best("accuracy", "max") == {"accuracy": 0.8}


def test_saves_between_validations_have_no_score(tmp_path):
    checkpointer = AtomicCheckpointer(tmp_path, trained(1.0))
    best = {"key": "CER", "mode": "min"}
    checkpointer.save({"update": 1, "CER": 0.5}, best=best)
    checkpointer.save({"update": 2}, best=best)
    checkpointer.save({"update": 3}, best=best)
    assert checkpointer.recover_best("CER", "min")["update"] == 1
    assert checkpointer.recover() == {"update": 3}


def test_no_best_is_an_error_that_names_what_there_is(tmp_path):
    checkpointer = AtomicCheckpointer(tmp_path, trained(1.0))
    checkpointer.save({"update": 1, "CER": math.nan})
    with pytest.raises(CheckpointError, match="number for 'WER'; they have CER, upd"):
        checkpointer.recover_best("WER", "min")
    with pytest.raises(CheckpointError, match="number for 'CER'"):
        checkpointer.recover_best("CER", "min")
    with pytest.raises(InputError, match=r"mode must be one of .*, got 'lowest'"):
        checkpointer.recover_best("CER", "lowest")
    with pytest.raises(InputError, match="num_recent must be at least 1, got 0"):
        checkpointer.save({}, num_recent=0)


def test_a_clock_that_goes_back_makes_nothing_old(tmp_path, monkeypatch):
    checkpointer = AtomicCheckpointer(tmp_path, trained(1.0))
    checkpointer.save({"update": 1})
    monkeypatch.setattr(time, "time", lambda: 1e9)
    checkpointer.save({"update": 2})
    assert checkpointer.recover() == {"update": 2}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.float64(0.5), "numpy.float64"),
        (torch.tensor(0.5), "torch.Tensor"),
        (None, "builtins.NoneType"),
        ([0.5], "builtins.list"),
    ],
)
def test_c3_meta_that_yaml_cannot_read_is_refused_at_once(tmp_path, value, kind):
    """SpeechBrain writes it, and then can list no checkpoint at all."""
    checkpointer = AtomicCheckpointer(tmp_path / "ours", trained(1.0))
    checkpointer.save({"CER": 0.75})
    before = names(tmp_path / "ours")
    with pytest.raises(CheckpointError, match=f"'CER' = .* a {kind}; it must be a pl"):
        checkpointer.save({"CER": value})
    assert names(tmp_path / "ours") == before
    assert checkpointer.recover() == {"CER": 0.75}

    if kind.startswith(("numpy", "torch")):
        stock = Checkpointer(tmp_path / "stock", trained(1.0))
        with pytest.raises(yaml.constructor.ConstructorError):
            stock.save_and_keep_only({"CER": value})
        with pytest.raises(yaml.constructor.ConstructorError):
            stock.list_checkpoints()


@pytest.mark.parametrize("key", ["unixtime", "end-of-epoch", "files", 3])
def test_keys_of_the_format_are_refused(tmp_path, key):
    with pytest.raises(CheckpointError, match=f"cannot have the key {key!r}"):
        AtomicCheckpointer(tmp_path, trained(1.0)).save({key: 1.0})


def test_objects_that_cannot_be_saved(tmp_path):
    checkpointer = AtomicCheckpointer(tmp_path, {"thing": object()})
    with pytest.raises(CheckpointError, match="'thing' cannot be in a checkpoint"):
        checkpointer.save({})


def test_an_output_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot keep checkpoints in .*save: Not"):
        AtomicCheckpointer(tmp_path / "file" / "save")


def test_speechbrain_recovers_ours(tmp_path):
    counter = EpochCounter(limit=9)
    counter.current = 4
    ours = AtomicCheckpointer(tmp_path, trained(1.0) | {"counter": counter})
    ours.save_checkpoint({"CER": 0.5}, end_of_epoch=True)

    found = trained(0.0) | {"counter": EpochCounter(limit=9)}
    checkpoint = Checkpointer(tmp_path, found).recover_if_possible(min_key="CER")
    assert checkpoint.meta["CER"] == 0.5
    assert set(checkpoint.paramfiles) == {"module", "optimizer", "counter"}
    assert value_of(found) == 1.0
    assert found["counter"].current == 4


def test_we_recover_speechbrains(tmp_path):
    counter = EpochCounter(limit=9)
    counter.current = 4
    stock = Checkpointer(tmp_path, trained(1.0) | {"counter": counter})
    stock.save_checkpoint({"CER": 0.5}, end_of_epoch=False)

    found = trained(0.0) | {"counter": EpochCounter(limit=9)}
    assert AtomicCheckpointer(tmp_path, found).recover() == {"CER": 0.5}
    assert value_of(found) == 1.0
    assert found["counter"].current == 3  # the epoch that was not finished is repeated


def test_speechbrains_calls_work(tmp_path):
    """As ``Brain`` and stock recipes make them."""
    checkpointer = AtomicCheckpointer(tmp_path, found := trained(1.0))
    for wer in (0.5, 0.2, 0.4):
        torch.nn.init.constant_(found["module"].weight, wer)
        checkpointer.save_and_keep_only(meta={"WER": wer}, min_keys=["WER"])
    scores = {checkpoint.meta["WER"] for checkpoint in checkpointer.list_checkpoints()}
    assert scores == {0.2, 0.4}
    checkpointer.load_checkpoint(checkpointer.find_checkpoint(min_key="WER"))
    assert found["module"].weight[0, 0].item() == pytest.approx(0.2)
    named = checkpointer.save_checkpoint(name="final")
    assert named.path == tmp_path / "CKPT+final"
    with pytest.raises(CheckpointError, match="the folder exists already"):
        checkpointer.save_checkpoint(name="final")


def test_settings_that_changed_are_an_error_and_no_damage(tmp_path, caplog):
    """Taken for damage, every checkpoint would be put aside and the run start anew."""
    path = AtomicCheckpointer(tmp_path, {"module": torch.nn.Linear(2, 2)}).save({})
    other = {"module": torch.nn.Linear(2, 3)}
    with pytest.raises(CheckpointError, match="'module' of .*CKPT.* does not fit this"):
        AtomicCheckpointer(tmp_path, other).recover()
    more = {"module": torch.nn.Linear(2, 2), "scaler": Sampler()}
    with pytest.raises(CheckpointError, match="saved without 'scaler'; it has module"):
        AtomicCheckpointer(tmp_path, more).recover()
    assert names(tmp_path) == [path.name]
    assert not caplog.records


def test_optional_objects_may_be_absent(tmp_path, caplog):
    AtomicCheckpointer(tmp_path, {"module": torch.nn.Linear(2, 2)}).save({"update": 1})
    checkpointer = AtomicCheckpointer(tmp_path, {"module": torch.nn.Linear(2, 2)})
    checkpointer.add_recoverable("scaler", Sampler(scale=2), optional_load=True)
    with caplog.at_level(logging.WARNING):
        assert checkpointer.recover() == {"update": 1}
    assert "has no 'scaler'" in caplog.text
    assert checkpointer.recoverables["scaler"].state == {"scale": 2}
