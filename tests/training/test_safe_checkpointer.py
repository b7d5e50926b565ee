"""Kills, damaged files, full disks: what SpeechBrain's Checkpointer does, and ours."""

import errno
import inspect
import logging
import os
import random
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from speechbrain.utils.checkpoints import Checkpointer
from torch.nn.parallel import DistributedDataParallel

from xlsr_sb.training.checkpointer import AtomicCheckpointer, CheckpointError

NUM_KILLS, MAX_KILLS = 20, 60
BREAKS = (KeyError, RuntimeError, TypeError, EOFError, OSError)  # SpeechBrain's ways


class Sampler:
    """An object without SpeechBrain's hooks."""

    def __init__(self, **state):
        self.state = state

    def state_dict(self):
        return dict(self.state)

    def load_state_dict(self, state):
        self.state = dict(state)


def parts(value, width=64):
    """Two modules filled with a value."""
    found = {name: torch.nn.Linear(width, width) for name in ("a_head", "encoder")}
    for module in found.values():
        for tensor in module.parameters():
            torch.nn.init.constant_(tensor, value)
    return found


def value_of(found):
    """The one value in all tensors of all modules."""
    tensors = [t for module in found.values() for t in module.state_dict().values()]
    values = torch.cat([tensor.flatten() for tensor in tensors])
    assert values.min() == values.max(), "tensors of two different checkpoints"
    return values[0].item()


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


# What can happen to the newest checkpoint.


def lose_a_file(folder):
    (folder / "encoder.ckpt").unlink()


def truncate_a_file(folder):
    os.truncate(folder / "encoder.ckpt", 5000)


def empty_a_file(folder):
    os.truncate(folder / "encoder.ckpt", 0)


def alter_a_byte(folder):
    data = bytearray((folder / "encoder.ckpt").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "encoder.ckpt").write_bytes(data)


def empty_the_meta(folder):
    os.truncate(folder / "CKPT.yaml", 0)


def truncate_the_meta(folder):
    os.truncate(folder / "CKPT.yaml", 60)


def lose_the_meta(folder):
    (folder / "CKPT.yaml").unlink()


DAMAGES = {
    lose_a_file: "encoder.ckpt is missing",
    truncate_a_file: "encoder.ckpt has 5000 of [0-9]+ bytes",
    empty_a_file: "encoder.ckpt has 0 of [0-9]+ bytes",
    alter_a_byte: "encoder.ckpt is altered",
    empty_the_meta: "CKPT.yaml is empty",
    truncate_the_meta: "CKPT.yaml (has no unixtime|is not valid YAML)",
    lose_the_meta: "CKPT.yaml is missing",
}
UNSEEN_BY_SPEECHBRAIN = (alter_a_byte, lose_the_meta)  # loads wrong numbers; skips it


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_c1_damaged_newest_falls_back_to_the_one_before(tmp_path, damage, caplog):
    """Also fails if objects change before all files were read: the head is first."""
    folder = tmp_path / "save"
    good = AtomicCheckpointer(folder, parts(1.0)).save({"update": 1})
    bad = AtomicCheckpointer(folder, parts(2.0)).save({"update": 2}, num_recent=2)
    damage(bad)
    shutil.copytree(folder, tmp_path / "stock")
    if damage not in UNSEEN_BY_SPEECHBRAIN:
        with pytest.raises(BREAKS):
            Checkpointer(tmp_path / "stock", parts(0.0)).recover_if_possible()

    found = parts(0.0)
    with caplog.at_level(logging.WARNING):
        assert AtomicCheckpointer(folder, found).recover() == {"update": 1}
    assert value_of(found) == 1.0
    assert names(folder) == [good.name, f"damaged-{bad.name}"]
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    expected = f"checkpoint {bad} is damaged: .*kept as damaged-{bad.name}; the one "
    assert_matches(record.getMessage(), expected.replace("+", r"\+"))
    assert_matches(record.getMessage(), DAMAGES[damage])


def assert_matches(text, pattern):
    with pytest.raises(ValueError, match=pattern):
        raise ValueError(text)


def test_damage_in_all_checkpoints_changes_no_object(tmp_path, caplog):
    paths = [
        AtomicCheckpointer(tmp_path, parts(value)).save({"update": 1}, num_recent=2)
        for value in (1.0, 2.0)
    ]
    for path in paths:
        alter_a_byte(path)
    found = parts(0.0)
    assert AtomicCheckpointer(tmp_path, found).recover() is None
    assert value_of(found) == 0.0
    assert len(caplog.records) == 2
    assert names(tmp_path) == [f"damaged-{path.name}" for path in paths]


def test_damaged_best_falls_back_to_the_next_best(tmp_path):
    checkpointer = AtomicCheckpointer(tmp_path, found := parts(1.0))
    for cer in (0.3, 0.1, 0.2):
        path = checkpointer.save({"CER": cer}, num_recent=3)
        if cer == 0.1:
            lose_a_file(path)
    assert checkpointer.recover_best("CER", "min") == {"CER": 0.2}
    assert value_of(found) == 1.0


def test_a_disk_that_cannot_be_read_is_no_damage(tmp_path, monkeypatch):
    """The file may be as good as ever tomorrow: nothing is renamed."""

    def unreadable(*_):
        raise OSError(errno.EIO, "Input/output error")

    path = AtomicCheckpointer(tmp_path, parts(1.0)).save({})
    monkeypatch.setattr(zipfile, "ZipFile", unreadable)
    with pytest.raises(CheckpointError, match="cannot read .*Input/output error"):
        AtomicCheckpointer(tmp_path, parts(0.0)).recover()
    assert names(tmp_path) == [path.name]


def test_left_overs_of_a_kill_are_removed_at_the_next_start(tmp_path):
    path = AtomicCheckpointer(tmp_path, parts(1.0)).save({"update": 1})
    for first in ("saving-", "deleting-"):
        shutil.copytree(path, tmp_path / (first + path.name))
    (tmp_path / "notes.txt").write_text("of the user")
    AtomicCheckpointer(tmp_path, parts(0.0)).recover()
    assert names(tmp_path) == [path.name, "notes.txt"]


def test_c1_killed_between_two_files(tmp_path, saver):
    """A real process, by SIGKILL, in the middle of its second save."""
    for kind in ("stock", "ours"):
        saver.begin("die_while_saving", folder=tmp_path / kind, kind=kind)
        assert saver.finish()[-1] == {"exit": -9}

    with pytest.raises(BREAKS):  # picks the half-written one
        Checkpointer(tmp_path / "stock", three_parts()).recover_if_possible()
    assert recover_three(tmp_path / "ours") == 1
    assert len(names(tmp_path / "ours")) == 1


def three_parts():
    """What saving_process.py saves; its note is read as text."""
    layers = [torch.nn.Linear(64, 64) for _ in range(6)]
    return {
        "first": torch.nn.Sequential(*layers),
        "note": Sampler(),
        "second": torch.nn.Linear(64, 64),
    }


def recover_three(folder):
    """Number in the meta, in all tensors and in all lines of the note."""
    found = three_parts()

    def read_note(note, path, _):
        (note.state["number"],) = {int(n) for n in Path(path).read_text().split()}

    checkpointer = AtomicCheckpointer(
        folder,
        found,
        custom_load_hooks={"note": read_note},
    )
    meta = checkpointer.recover()
    modules = {"first": found["first"], "second": found["second"]}
    assert value_of(modules) == found["note"].state["number"] == meta["number"]
    return meta["number"]


def test_killed_at_random_instants(tmp_path, saver, caplog):
    """A real process that saves all the time, killed and started again and again.

    Fails if CKPT.yaml is written first in place, or the older folder is deleted first.
    """
    chance = random.Random(0)
    kills, amid_saving, last = 0, 0, 0
    while kills < NUM_KILLS or amid_saving < 2:
        assert kills < MAX_KILLS, "no kill struck while a checkpoint was written"
        saver.begin("count", folder=tmp_path)
        while "saved" not in saver.hear():
            pass
        time.sleep(chance.uniform(0.0, 0.05))
        saver.kill()
        said = saver.finish()
        assert said[-1] == {"exit": -9}
        acknowledged = max([last + 1] + [line.get("saved", 0) for line in said])
        kills += 1
        amid_saving += any(name.startswith("saving-") for name in names(tmp_path))
        last = recover_three(tmp_path)
        assert acknowledged <= last <= acknowledged + 1
    assert not caplog.records  # nothing was damaged, so nothing was put aside
    assert all(name.startswith("CKPT+") for name in names(tmp_path))


def test_full_disk(tmp_path, saver):
    """Writes that really fail, half-way through a file."""
    ours, stock = tmp_path / "ours", tmp_path / "stock"
    saver.begin("fill_the_disk", folder=ours, kind="ours")
    said = saver.finish()
    (error,) = [line for line in said if "error" in line]
    (before,) = [line["files"] for line in said if "files" in line]
    assert error["error"] == "CheckpointError"
    assert_matches(
        error["message"],
        rf"cannot save a checkpoint in {ours}: File too large \(1 MB needed, "
        r"[0-9,]+ MB free\). Older checkpoints are untouched. .*start the run again "
        r"with the same command: it resumes from CKPT.*, the last good one.",
    )
    assert before[0] in error["message"]
    assert len(before) == 1  # the last good one; the temporary folder is gone
    assert {"saved": 3} in said
    assert said[-1] == {"exit": 0}
    assert recover_three(ours) == 3

    saver.begin("fill_the_disk", folder=stock, kind="stock")
    said = saver.finish()
    (error,) = [line for line in said if "error" in line]
    (before,) = [line["files"] for line in said if "files" in line]
    assert error["error"] == "RuntimeError"
    assert "enforce fail" in error["message"]
    assert len(before) == 2  # the broken one is the newest
    shutil.rmtree(max(stock.iterdir(), key=lambda path: path.stat().st_mtime))
    with pytest.raises(BREAKS):
        Checkpointer(stock, three_parts()).recover_if_possible()


def test_full_disk_at_the_first_save(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    checkpointer = AtomicCheckpointer(tmp_path, parts(1.0))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space .* starts from the beginning"):
        checkpointer.save({})
    assert names(tmp_path) == []


def test_an_error_that_is_not_the_disks_is_raised_as_it_is(tmp_path):
    def broken(*_):
        raise TypeError("a mistake in a hook")

    checkpointer = AtomicCheckpointer(
        tmp_path, parts(1.0), custom_save_hooks={"encoder": broken}
    )
    with pytest.raises(TypeError, match="a mistake in a hook"):
        checkpointer.save({})
    assert names(tmp_path) == []


def test_a_folder_removed_during_the_run_is_made_again(tmp_path):
    checkpointer = AtomicCheckpointer(tmp_path / "save", parts(1.0))
    shutil.rmtree(tmp_path / "save")
    assert checkpointer.save({}).is_dir()


def test_c2_earlier_calls_have_no_influence(tmp_path):
    """SpeechBrain appends to a default argument, so all later calls keep the recent."""
    signature = inspect.signature(Checkpointer.save_and_keep_only)
    keys = signature.parameters["importance_keys"].default
    keys.clear()
    kept = {}
    for kind in (Checkpointer, AtomicCheckpointer):
        checkpointer = kind(tmp_path / kind.__name__, parts(1.0))
        for _ in range(3):
            checkpointer.save_and_keep_only({"CER": 0.1})
        growth = len(keys)
        for cer in (0.2, 0.5):
            checkpointer.save_and_keep_only(
                {"CER": cer}, keep_recent=False, min_keys=["CER"]
            )
        scores = [
            checkpoint.meta["CER"] for checkpoint in checkpointer.list_checkpoints()
        ]
        kept[kind] = growth, sorted(scores)
        keys.clear()
    assert kept[Checkpointer] == (3, [0.1, 0.5])  # 0.5 is neither wanted nor the best
    assert kept[AtomicCheckpointer] == (0, [0.1])


class Intruder:
    """Runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_c4_no_file_can_run_code(tmp_path, monkeypatch):
    """SpeechBrain leaves it to PyTorch's default, which an environment can change."""
    AtomicCheckpointer(tmp_path / "save", parts(1.0)).save({})
    (path,) = (tmp_path / "save").glob("*/encoder.ckpt")
    torch.save({"weight": Intruder(tmp_path / "intruded")}, path)
    (path.parent / "CKPT.yaml").write_text("end-of-epoch: true\nunixtime: 1.5\n")
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")

    found = parts(0.0)
    with pytest.raises(CheckpointError, match="encoder.ckpt is not loaded: .*run code"):
        AtomicCheckpointer(tmp_path / "save", found).recover()
    assert not (tmp_path / "intruded").exists()
    assert value_of(found) == 0.0
    with (
        pytest.warns(UserWarning, match="WEIGHTS_ONLY"),
        pytest.raises(RuntimeError),
    ):
        Checkpointer(tmp_path / "save", found).recover_if_possible()
    assert (tmp_path / "intruded").exists()


def test_c4_a_state_that_cannot_be_loaded_is_refused_when_it_is_saved(tmp_path):
    """SpeechBrain saves it, and the run cannot be resumed."""
    module = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(module.parameters(), lr=np.float64(0.1))
    stock = Checkpointer(tmp_path / "stock", {"optimizer": optimizer})
    stock.save_checkpoint()
    with pytest.raises(Exception, match="Weights only load failed"):
        stock.recover_if_possible()

    checkpointer = AtomicCheckpointer(tmp_path / "ours", {"optimizer": optimizer})
    place = r"\['param_groups'\]\[0\]\['lr'\]"
    with pytest.raises(CheckpointError, match=f"'optimizer' has a .*64 at {place}"):
        checkpointer.save({})
    assert names(tmp_path / "ours") == []


def test_c5_two_processes_save_and_recover(two_ranks):
    for rank, seen in enumerate(two_ranks):
        seen = seen["checkpoints"]
        assert seen["recovered"] == [{"number": 2}, 2.0, 2.0, 20 + rank]
        assert seen["after_damage"] == [{"number": 1}, 1.0, 1.0, 10 + rank]
        assert seen["at_last"] == [{"number": 4}, 2.0, 2.0, 20 + rank]
        kinds = sorted(name.split("+")[0] for name in seen["files"])
        assert kinds == ["CKPT", "damaged-CKPT"]
    assert two_ranks[0]["checkpoints"]["path"] == two_ranks[1]["checkpoints"]["path"]


def test_c5_a_failing_save_is_told_to_every_process(two_ranks):
    """In SpeechBrain the others wait, and learn nothing but that the first is gone."""
    for seen in two_ranks:
        kind, message = seen["checkpoints"]["full_disk"]
        assert kind == "CheckpointError"
        assert_matches(message, "File too large .* it resumes from CKPT")
    kind, message = two_ranks[1]["stock"]
    assert kind != "CheckpointError"
    assert "File too large" not in message


def test_c6_names_in_files_do_not_depend_on_wrappers(tmp_path, monkeypatch):
    """SpeechBrain writes ``module.`` or ``_orig_mod.`` before names of wrapped ones."""
    monkeypatch.setenv("RANK", "0")
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        wrapped = {
            "a_head": DistributedDataParallel(parts(1.0)["a_head"]),
            "encoder": torch.compile(parts(1.0)["encoder"]),
        }
        AtomicCheckpointer(tmp_path / "ours", wrapped).save({})
        wrapped["encoder"] = wrapped["a_head"]
        Checkpointer(tmp_path / "stock", wrapped).save_checkpoint()
    finally:
        dist.destroy_process_group()
    found = parts(0.0)
    AtomicCheckpointer(tmp_path / "ours", found).recover()
    assert value_of(found) == 1.0
    with pytest.raises(RuntimeError, match="Unexpected key.*module.weight"):
        Checkpointer(tmp_path / "stock", found).recover_if_possible()


def test_c6_names_are_not_replaced_on_loading(tmp_path):
    """SpeechBrain renames parts of names that it once misspelt itself."""
    inner = torch.nn.ModuleDict({"convs_intermedite": torch.nn.Linear(2, 2)})
    found = {"module": torch.nn.ModuleDict({"net": inner})}
    checkpointer = AtomicCheckpointer(tmp_path, found)
    checkpointer.save({"update": 1})
    assert checkpointer.recover() == {"update": 1}
    with pytest.raises(RuntimeError, match="Missing key"):
        Checkpointer(tmp_path, found).recover_if_possible()
