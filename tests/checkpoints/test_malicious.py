"""Files that were made to do harm: one clear error, and nothing in them runs.

Seen to fail: names looked up with ``importlib``, stubs called, sizes of tensors taken
on trust, members of an archive read though they are compressed.
"""

import io
import os
import struct
import subprocess
import sys
import zipfile

import pytest
import torch

from tests.checkpoints.peers import fairseq_model, pretrained_content
from tests.checkpoints.pickles import (
    FOUR_NUMBERS,
    WRAPPERS,
    called,
    harmful,
    name,
    old,
    suspicious,
    tensor_pickle,
    text,
    zipped,
)
from xlsr_sb.checkpoints import read_checkpoint
from xlsr_sb.checkpoints.pickles.names import UnreadableError
from xlsr_sb.checkpoints.pickles.unpickling import unpickle
from xlsr_sb.errors import InputError

COMMAND = "touch harmed"
OBEYED = """\
import pickle, sys
try:
    pickle.loads(sys.stdin.buffer.read())
except Exception as error:
    print(error)
"""


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Commands that run leave their mark here."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def refuse(path, match=None) -> str:
    """Message of the one error with which a file is refused; nothing has run."""
    with pytest.raises(InputError, match=match) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1_000
    assert os.listdir(".") == []
    return str(caught.value)


@pytest.mark.parametrize("way", sorted(harmful(COMMAND)))
def test_python_obeys_these_pickles(way):
    """Otherwise the tests below would show nothing."""
    command = [sys.executable, "-c", OBEYED]
    program = harmful(COMMAND)[way]
    ended = subprocess.run(command, input=program, capture_output=True, timeout=60)
    assert os.listdir(".") == ["harmed"], ended.stdout


@pytest.mark.parametrize("wrapper", sorted(WRAPPERS))
@pytest.mark.parametrize("way", sorted(harmful(COMMAND)))
def test_no_command_runs(tmp_path, way, wrapper):
    """Whichever way a pickle would run it, in both kinds of files."""
    path = tmp_path / "model.pt"
    path.write_bytes(WRAPPERS[wrapper](harmful(COMMAND)[way]))
    message = refuse(
        path, "which no checkpoint needs and which could run code; nothing"
    )
    assert "asks for" in message


@pytest.mark.parametrize("wrapper", sorted(WRAPPERS))
@pytest.mark.parametrize("way", sorted(suspicious()))
def test_no_code_is_loaded(tmp_path, way, wrapper):
    """Nor is a function of PyTorch called with what it was not made for."""
    path = tmp_path / "model.pt"
    path.write_bytes(WRAPPERS[wrapper](suspicious()[way]))
    refuse(path, "cannot be used")


@pytest.mark.parametrize("zip_it", [True, False])
@pytest.mark.parametrize("place", ["beside", "in the configuration", "as a tensor"])
def test_no_command_runs_from_a_whole_checkpoint(tmp_path, place, zip_it):
    """A file that is otherwise good is refused as well: it was made to do harm."""

    class Harmful:
        def __reduce__(self):
            """Make unpickling run a command."""
            return os.system, (COMMAND,)

    content = pretrained_content(fairseq_model())
    if place == "beside":
        content["extra_state"]["callback"] = Harmful()
    elif place == "in the configuration":
        content["cfg"] = {**content["cfg"], "common": {"user_dir": Harmful()}}
    else:
        content["model"]["mask_emb"] = Harmful()
    path = tmp_path / "xlsr2_300m.pt"
    torch.save(content, path, _use_new_zipfile_serialization=zip_it)
    refuse(path, "asks for (posix|nt).system")
    torch.load(path, weights_only=False)
    assert os.listdir(".") == ["harmed"]


def test_classes_of_other_packages_do_nothing(tmp_path):
    """They may be there, as fairseq's own are; none is imported."""
    (tmp_path / "here" / "evil.py").write_text("open('harmed', 'w')")
    sys.path.insert(0, str(tmp_path / "here"))
    try:
        path = tmp_path / "model.pt"
        extra = called(name("evil", "Config"), text("a")) + b"}" + text("b") + b"Nsb."
        path.write_bytes(zipped(extra))
        with pytest.raises(InputError, match="neither a file of fairseq"):
            read_checkpoint(path)
    finally:
        sys.path.remove(str(tmp_path / "here"))
    assert os.listdir(".") == ["evil.py"]
    assert "evil" not in sys.modules


@pytest.mark.parametrize("wrapper", sorted(WRAPPERS))
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("_rebuild_tensor_v2", b"K\x00(K\x05t(K\x01t\x89}"),  # 5 of 4 elements
        ("_rebuild_tensor_v2", b"K\x01(K\x04t(K\x01t\x89}"),  # from the second on
        ("_rebuild_tensor_v2", b"K\x00(K\x02t(K\x04t\x89}"),  # steps too long
        ("_rebuild_tensor_v2", b"K\x00(J\xff\xff\xff\xfft(K\x01t\x89}"),  # -1 elements
        ("_rebuild_tensor_v2", b"K\x00(J\xff\xff\xff\x7ft(K\x00t\x89}"),  # same, often
        ("_rebuild_tensor_v2", b"K\x00(K\x04t(J\xff\xff\xff\xfft\x89}"),  # backwards
        ("_rebuild_tensor_v2", b"J\xff\xff\xff\xff(K\x01t(K\x01t\x89}"),  # from before
        ("_rebuild_tensor_v2", b"K\x00(K\x04K\x01t(K\x01t\x89}"),  # axes without steps
        ("_rebuild_tensor_v2", b"N(K\x04t(K\x01t\x89}"),
        ("_rebuild_tensor_v2", b"K\x00N(K\x01t\x89}"),
        ("_rebuild_tensor_v2", b"K\x00(\x88t(K\x01t\x89}"),  # True is no size
        ("_rebuild_tensor_v2", b"K\x00(K\x04t(K\x01t\x89}}" + text("neg") + b"\x88s"),
        ("_rebuild_tensor", b"K\x00(K\x09t(K\x01t"),
        ("_rebuild_tensor", b""),
        ("_rebuild_parameter", b"\x88}"),  # of what is no tensor
    ],
)
def test_tensors_lie_within_their_storage(tmp_path, function, arguments, wrapper):
    """PyTorch's functions are not called with numbers of a file."""
    view = b"N" if wrapper == "old" else b""
    data = tensor_pickle(function, arguments, view=view)
    path = tmp_path / "model.pt"
    path.write_bytes(WRAPPERS[wrapper](data, FOUR_NUMBERS))
    refuse(path, "cannot be used")


@pytest.mark.parametrize("wrapper", sorted(WRAPPERS))
def test_a_tensor_within_its_storage_is_read(tmp_path, wrapper):
    """The files above are refused for their numbers, and for nothing else."""
    view = b"N" if wrapper == "old" else b""
    data = tensor_pickle("_rebuild_tensor_v2", b"K\x00(K\x04t(K\x01t\x89}", view=view)
    path = tmp_path / "model.pt"
    path.write_bytes(WRAPPERS[wrapper](data, FOUR_NUMBERS))
    refuse(path, "no complete XLS-R encoder: missing")


@pytest.mark.parametrize(
    ("key", "numbers", "match"),
    [
        ("1", FOUR_NUMBERS["0"], "data/0 is missing"),
        ("0", FOUR_NUMBERS["0"][:-1], "storage 0 in it has another size"),
        ("0", FOUR_NUMBERS["0"] * 2, "storage 0 in it has another size"),
    ],
)
def test_storages_are_those_of_the_archive(tmp_path, key, numbers, match):
    """Of the size that the pickle says; no file elsewhere is opened."""
    data = tensor_pickle("_rebuild_tensor_v2", b"K\x00(K\x04t(K\x01t\x89}")
    path = tmp_path / "model.pt"
    path.write_bytes(zipped(data, {key: numbers}))
    refuse(path, match)


@pytest.mark.parametrize("first", [b"K\x03K\x02", b"J\xff\xff\xff\xffK\x01", b"NN"])
def test_parts_of_old_storages_lie_within_them(tmp_path, first):
    """Two from the fourth of four elements on; from before the first; from nowhere."""
    view = b"(" + text("v") + first + b"t"
    data = tensor_pickle("_rebuild_tensor", b"K\x00(K\x01t(K\x01t", view=view)
    path = tmp_path / "model.pt"
    path.write_bytes(old(data, FOUR_NUMBERS))
    refuse(path, "cannot be used")


def test_a_compressed_archive_is_refused(tmp_path):
    """A kilobyte could become gigabytes; PyTorch never compresses."""
    path = tmp_path / "bomb.pt"
    path.write_bytes(zipped(b"}.", {"0": bytes(10**6)}, compress=True))
    refuse(path, "compressed, as torch.save never does")


def test_a_program_of_torchscript_is_refused(tmp_path):
    """It is an archive of the same kind, with code in it."""
    path = tmp_path / "model.pt"
    path.write_bytes(zipped(b"}."))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/constants.pkl", b").")
    refuse(path, "a program of TorchScript, not a checkpoint")


@pytest.mark.parametrize(
    "data",
    [
        b"0.",  # takes from an empty stack
        b"R.",
        b"(lR.",
        b"}}s.",
        b"]K\x01K\x02s.",  # a key for a list
        b"}K\x01a.",  # an item for a dictionary
        b"h\x07.",  # remembers nothing
        b"u.",
        b"K\x01Q.",  # a reference to nothing
        b"\x80\x05\x97.",  # a buffer from outside
        b"\x8c\xffabc",
        b"B\xff\xff\xff\x7fabc.",  # longer than the file
        b"\x8e" + struct.pack("<Q", 2**62) + b".",
        b"(" * 100_000 + b".",
        b"]" * 100_000 + b"a" * 99_999 + b".",
        b")" + b"\x85" * 100_000 + b"K\x01}" + b".",
        b"}" + b")" + b"\x85" * 100_000 + b"Ns.",  # hashing it would end the process
        b"cos\n.",
        b"\xff.",
        b"",
        b"N",
    ],
)
@pytest.mark.parametrize("wrapper", sorted(WRAPPERS))
def test_senseless_pickles(tmp_path, data, wrapper):
    """Whatever the instructions are, there is one error."""
    path = tmp_path / "model.pt"
    path.write_bytes(WRAPPERS[wrapper](data))
    refuse(path)


def test_values_that_grow_without_end(tmp_path):
    """Thirty lists, each twice in the next: a thousand million values if followed."""
    nested: list = ["end"]
    for _ in range(30):
        nested = [nested, nested]
    content = {"model": {"mask_emb": torch.ones(2)}, "cfg": {"model": nested}}
    torch.save(content, tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", "has no end")


def test_a_list_within_itself(tmp_path):
    """The same without end at all."""
    nested: list = []
    nested.append(nested)
    content = {"model": {"mask_emb": torch.ones(2)}, "args": nested}
    torch.save(content, tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", "has no end")


def test_random_programs():
    """Ten thousand random programs: an error or a value, nothing else."""
    generator = torch.Generator().manual_seed(0)
    opcodes = b"(.0123FIJKLMNPQRSTUVXabcdeghijlopqrstu})]\x80\x81\x85\x86\x87\x88\x89"
    refused = 0
    for _ in range(10_000):
        chosen = torch.randint(len(opcodes), (12,), generator=generator)
        data = bytes(opcodes[i] for i in chosen) + b"."
        try:
            unpickle(io.BytesIO(data))
        except UnreadableError:
            refused += 1
    assert 5_000 < refused < 10_000
