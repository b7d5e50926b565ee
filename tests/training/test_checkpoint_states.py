"""What may stand in a file, and that no damage to one goes unseen."""

import collections

import numpy as np
import pytest
import torch

from xlsr_sb.training.checkpoint_files import CheckpointError, DamagedError
from xlsr_sb.training.checkpoint_states import (
    check_loadable,
    leaves,
    num_bytes,
    read_state,
    write_state,
)

STATE = {
    "weight": torch.arange(300.0),
    "update": 3,
    "name": "ä",
    "rest": [None, (1.5,)],
}


def same(state):
    plain = {key: value for key, value in state.items() if key != "weight"}
    expected = {key: value for key, value in STATE.items() if key != "weight"}
    return plain == expected and torch.equal(state["weight"], STATE["weight"])


def test_reads_what_was_written(tmp_path):
    write_state(tmp_path / "a.ckpt", STATE)
    assert same(read_state(tmp_path / "a.ckpt"))


def test_every_truncation_is_seen(tmp_path):
    path = tmp_path / "a.ckpt"
    write_state(path, STATE)
    data = path.read_bytes()
    for length in range(0, len(data), 13):
        path.write_bytes(data[:length])
        with pytest.raises(DamagedError, match="a.ckpt is truncated or altered"):
            read_state(path)


def test_altered_bytes_never_give_other_numbers(tmp_path):
    """PyTorch alone loads an altered tensor without a word."""
    path = tmp_path / "a.ckpt"
    write_state(path, STATE)
    data = path.read_bytes()
    seen = collections.Counter()
    for position in range(0, len(data), 5):
        path.write_bytes(
            data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        )
        try:
            assert same(read_state(path))  # between the records nothing matters
            seen["same"] += 1
        except DamagedError:
            seen["damaged"] += 1
    assert seen["damaged"] > len(data) // 5 / 2

    tensor_at = data.index(STATE["weight"][1:9].numpy().tobytes())
    path.write_bytes(data[:tensor_at] + b"\1" + data[tensor_at + 1 :])
    assert not same(torch.load(path, weights_only=True))


def test_running_out_of_memory_is_no_damage(tmp_path, monkeypatch):
    def load(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    write_state(tmp_path / "a.ckpt", STATE)
    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        read_state(tmp_path / "a.ckpt")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": [1, np.float32(2)]}, r"numpy.float32 at \['a'\]\[1\]"),
        ({"a": {np.int64(3): 1}}, r"numpy.int64 at \['a'\] key"),
        ({"a": np.zeros(2)}, r"numpy.ndarray at \['a'\]"),
        (object, r"builtins.type at its top"),
        ({"a": (1, {2, 3}, slice(4))}, r"builtins.slice at \['a'\]\[2\]"),
    ],
)
def test_states_that_could_not_be_loaded(state, message):
    with pytest.raises(CheckpointError, match=f"state of 'sampler' has a {message}"):
        check_loadable("sampler", state)


def test_states_that_can_be_loaded():
    module = torch.nn.LSTM(2, 2)
    optimizer = torch.optim.AdamW(module.parameters(), lr=torch.tensor(0.1))
    module(torch.ones(1, 2))[0].sum().backward()
    optimizer.step()
    rest = [torch.bfloat16, torch.Size([1]), torch.device("cpu"), {1, 2}, b"bytes"]
    check_loadable("module", module.state_dict())
    check_loadable("optimizer", optimizer.state_dict())
    check_loadable("rest", collections.OrderedDict(rest=rest))


def test_leaves_and_bytes():
    weight = torch.zeros(5, dtype=torch.bfloat16)
    state = {"module": {"weight": weight}, "moments": [torch.zeros(2, 3)], "update": 1}
    assert [type(value).__name__ for _, value in leaves(state)].count("Tensor") == 2
    assert num_bytes(state) == 5 * 2 + 6 * 4
