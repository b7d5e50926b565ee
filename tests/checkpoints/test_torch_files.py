"""Files of ``torch.save``, as PyTorch itself reads them; and damaged ones.

Seen to fail: strides or the offset left out, a storage read for its neighbour, the
numbers of an old file sought without their count.
"""

import argparse
import io
import tarfile
from collections import OrderedDict
from pathlib import Path, PurePosixPath

import pytest
import torch

from tests.checkpoints.pickles import old, tensor_pickle, text
from xlsr_sb.checkpoints.pickles.names import Stub
from xlsr_sb.checkpoints.pickles.torch_files import open_torch_file
from xlsr_sb.errors import InputError

BASE = torch.arange(24.0)
TENSORS = {
    "plain": torch.randn(3, 4),
    "transposed": BASE.view(4, 6).t(),
    "slice": BASE[5:9],
    "steps": BASE[1::3],
    "scalar": torch.tensor(2.5),
    "empty": torch.empty(0, 3),
    "half": torch.randn(5).half(),
    "bfloat16": torch.randn(5).bfloat16(),
    "double": torch.randn(2, 2).double(),
    "long": torch.tensor([1, -2]),
    "int": torch.tensor([1, -2], dtype=torch.int32),
    "bool": torch.tensor([True, False]),
    "bytes": torch.tensor([0, 255], dtype=torch.uint8),
    "parameter": torch.nn.Parameter(torch.randn(2)),
}


@pytest.fixture(params=[True, False], ids=["zip", "old"])
def save(request, tmp_path):
    """Save a content in one of the two kinds; the path."""

    def saved(content, name: str = "a.pt") -> Path:
        path = tmp_path / name
        torch.save(content, path, _use_new_zipfile_serialization=request.param)
        return path

    return saved


@pytest.mark.parametrize("name", sorted(TENSORS))
def test_tensors(save, name):
    """Equal those of PyTorch; floating ones are in fp32, and all stand alone."""
    path = save(TENSORS)
    wanted = torch.load(path, weights_only=True)[name]
    with open_torch_file(path) as file:
        found = file.tensor(file.content[name])
    wanted = wanted.float() if wanted.is_floating_point() else wanted
    assert found.dtype == wanted.dtype
    assert torch.equal(found, wanted.detach())
    assert found.is_contiguous()


def test_other_values(save):
    """Numbers, texts and containers as they are; stubs for the rest."""
    content = {
        "values": [1, -(2**70), 0.5, True, None, "é", b"\x00\xff", (1, 2), {3}, ()],
        "ordered": OrderedDict(b=1, a=2),
        "args": argparse.Namespace(lr=[0.1], inner=argparse.Namespace(x=1)),
        "path": PurePosixPath("a/b"),
        "dtype": torch.float16,
        "size": torch.Size([2, 3]),
        "frozen": frozenset({1}),
        4: "number",
    }
    with open_torch_file(save(content)) as file:
        found = file.content
    for key in ("values", 4, "frozen"):
        assert found[key] == content[key]
    assert list(found["ordered"].items()) == [("b", 1), ("a", 2)]
    assert found["size"] == (2, 3)
    assert found["args"].state["lr"] == [0.1]
    assert found["args"].state["inner"].state == {"x": 1}
    assert type(found["path"]) is Stub


def test_a_module_state_with_its_notes(save):
    """PyTorch hangs versions on the dictionary; they do no harm."""
    state = torch.nn.BatchNorm1d(3).state_dict()
    assert state._metadata
    with open_torch_file(save(state)) as file:
        for name, tensor in state.items():
            assert torch.equal(file.tensor(file.content[name]), tensor)


def test_only_wanted_numbers_are_read(save, monkeypatch):
    """The state of an optimiser stays on the disk."""
    read = []
    content = {"model": {"w": torch.ones(3)}, "optimizer": torch.ones(10**6)}
    with open_torch_file(save(content)) as file:
        numbers = file.container.numbers
        monkeypatch.setattr(
            file.container, "numbers", lambda one: read.append(one) or numbers(one)
        )
        file.tensor(file.content["model"]["w"])
    assert [one.num_elements for one in read] == [3]


def test_a_part_of_an_old_storage(tmp_path):
    """As files before PyTorch 1 had it where tensors shared their numbers."""
    view = b"(" + text("part") + b"K\x01K\x02t"  # two elements from the second on
    data = tensor_pickle("_rebuild_tensor", b"K\x01(K\x01t(K\x01t", view=view)
    numbers = {"0": torch.arange(4.0).numpy().tobytes()}
    (tmp_path / "a.pt").write_bytes(old(data, numbers))
    with open_torch_file(tmp_path / "a.pt") as file:
        assert file.tensor(file.content["model"]["mask_emb"]).tolist() == [2.0]


@pytest.mark.parametrize("kept", [0, 1, 2, 40, 0.3, 0.9, -1])
def test_cut_short(save, kept):
    """Anywhere."""
    path = save({"model": {"w": torch.randn(500)}, "cfg": {"a": 1}})
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if type(kept) is float else kept])
    with (
        pytest.raises(InputError, match="a.pt (is damaged or|cannot be used)"),
        open_torch_file(path) as file,
    ):
        file.tensor(file.content["model"]["w"])


def test_every_altered_byte_of_an_archive(tmp_path):
    """There is one error, or the right numbers; never other numbers."""
    tensor = torch.arange(8.0)
    torch.save({"w": tensor}, tmp_path / "a.pt")
    data = (tmp_path / "a.pt").read_bytes()
    errors = 0
    for place in range(0, len(data), 3):
        altered = bytearray(data)
        altered[place] ^= 0xFF
        (tmp_path / "a.pt").write_bytes(altered)
        try:
            with open_torch_file(tmp_path / "a.pt") as file:
                assert torch.equal(file.tensor(file.content["w"]), tensor)
        except InputError:
            errors += 1
    assert errors > 50


def test_other_files(tmp_path):
    """Each is told apart."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    files = {
        b"text": "no file of PyTorch",
        b"PK\x03\x04...": "the end of the archive is missing",
        b"PK\x05\x06" + bytes(18): "not one of torch.save",
        b"\x80\x02K\x01.\x80\x02K\x02.": "a pickle, but not one of torch.save",
        buffer.getvalue(): "older than PyTorch 0.2",
    }
    for content, message in files.items():
        (tmp_path / "a.pt").write_bytes(content)
        with (
            pytest.raises(InputError, match=message),
            open_torch_file(tmp_path / "a.pt"),
        ):
            pass
    with pytest.raises(InputError, match="cannot be read"), open_torch_file(tmp_path):
        pass


def test_errors_of_the_reader_are_its_own(save):
    """What goes wrong with a good file's content is not blamed on the file."""
    with pytest.raises(KeyError), open_torch_file(save({"a": 1})) as file:
        file.content["b"]
