"""VoxCeleb1 with clips, lines or lists that are missing or wrong.

Seen to fail: a label that contradicts the speakers.
"""

import shutil
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.recipes import voxceleb1_files as fake
from xlsr_sb.errors import InputError
from xlsr_sb.run.preparation import find_prepare

TRIED = [clip for clip in fake.clips_of(*fake.HELD_OUT) if clip != fake.UNTRIED]


@pytest.fixture
def prepare(monkeypatch):
    """The recipe's, found as a run finds it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return find_prepare(str(fake.RECIPE / "SID" / "train.py"))


@pytest.fixture
def verify(prepare, tmp_path):
    """``prepare`` for verification."""
    target = tmp_path / "manifests"
    return partial(prepare, task="verification", trials_folder=target)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Not to be changed by a test."""
    folder = tmp_path_factory.mktemp("voxceleb1")
    fake.write_voxceleb1(folder)
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    """To be changed."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def ids(utterances):
    return [one.id for one in utterances]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "sid"}, r"task must be one of identification, verification, got 's"),
        ({"unreadable": "skip"}, r"unreadable must be one of .*, got 'skip'"),
        (
            {"trials": "veri"},
            r"trials: 'veri' of the lists of VoxCeleb1, which are veri_t",
        ),
        ({"trials": []}, r"trials: none of the lists of VoxCeleb1"),
        ({"trials_folder": None}, r"trials_folder: verification needs one"),
        (
            {"lists": "/none"},
            r"lists: there is no /none/iden_split.txt; fetch it from h",
        ),
    ],
)
def test_options_that_mean_nothing(verify, whole, options, message):
    with pytest.raises(InputError, match=message):
        verify(whole, **options)


def test_a_wrong_folder(prepare, whole, tmp_path):
    with pytest.raises(InputError, match=r"lists: there is no .*iden_split.txt; fetch"):
        prepare(tmp_path, task="identification")
    (tmp_path / "vox1_dev_wav.zip").write_bytes(b"")
    with pytest.raises(
        InputError,
        match=r"no speaker of the lists, such as id10001, .* vox1_dev_wav.zip;",
    ):
        prepare(tmp_path, task="identification", lists=whole)


def test_clips_that_are_missing(verify, copy):
    """An error that names them; or left out of train, and kept in test."""
    made = verify(copy)
    for split in ("train", "test"):
        Path(made.splits[split][0].wav).unlink()
    gone = {split: made.splits[split][0].id for split in ("train", "test")}
    with pytest.raises(
        InputError, match=rf"train: 1 rec.*\n  {gone['train']}: .*no su"
    ):
        verify(copy)
    counted = verify(copy, unreadable="count")
    assert ids(counted.splits["train"]) == ids(made.splits["train"])[1:]
    assert ids(counted.splits["test"]) == TRIED
    assert [one.duration == 0 for one in counted.splits["test"]].count(True) == 1
    fake.write_voxceleb1(copy)
    shutil.rmtree(copy / "vox1_test_wav")
    with pytest.raises(InputError, match=rf"test: 11 rec.*\n  {TRIED[0]}: .*no such"):
        verify(copy, unreadable="error")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("4 id10001/a/00001.wav", r"line 37: '4 id10001/a/00001.wav' is not 1, 2 or 3"),
        ("1 Anna/a/00001.wav", r"line 37: '1 Anna/a/00001.wav' is not 1, 2 or 3"),
        ("1 id10001/a", r"line 37: '1 id10001/a' is not 1, 2 or 3, a space and <speak"),
        (f"1 {TRIED[0]}", rf"line 37: {TRIED[0]} stands above already\n  fetch"),
    ],
)
def test_lines_that_are_no_clips(prepare, copy, line, message):
    with (copy / "iden_split.txt").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(InputError, match=message):
        prepare(copy, task="identification")


def test_lists_without_a_split(prepare, verify, copy):
    """No test clips at all; nobody to learn from."""
    fake.write_lines(copy / "iden_split.txt", [f"1 {x}" for x in fake.all_clips()])
    with pytest.raises(
        InputError, match=r"txt:\n  no clip of (dev|test)\n  no clip of"
    ):
        prepare(copy, task="identification")
    lines = [f"{i % 3 + 1} {x}" for i, x in enumerate(fake.clips_of(*fake.HELD_OUT))]
    fake.write_lines(copy / "iden_split.txt", lines)
    with pytest.raises(InputError, match=r"apart from the 40 speakers of the test set"):
        verify(copy)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"2 {TRIED[0]} {TRIED[1]}", r"line 22: '2 .* is not 0 or 1 and two clips"),
        (f"1 {TRIED[0]}", r"line 22: '1 .* is not 0 or 1 and two clips, with spaces"),
        (
            f"1 {TRIED[0]} id10270/b/1.wav",
            r"line 22: id10270/b/1.wav is no clip of the",
        ),
        (
            f"0 {TRIED[0]} {TRIED[1]}",
            r"line 22: 0 .* contradicts the names of the spea",
        ),
        (
            f"1 {TRIED[0]} {TRIED[-1]}",
            r"line 22: 1 .* contradicts the names of the spe",
        ),
    ],
)
def test_lines_that_are_no_trials(verify, copy, tmp_path, line, message):
    """And then nothing is copied."""
    with (copy / "veri_test.txt").open("a") as file:
        file.write(f"{line}\n\n")
    with pytest.raises(InputError, match=rf"veri_test.txt:\n  {message}"):
        verify(copy)
    assert not (tmp_path / "manifests").exists()


def test_lists_of_trials_that_are_not_there(verify, copy):
    (copy / "veri_test.txt").write_text("\n")
    with pytest.raises(InputError, match=r"veri_test.txt:\n  there are no trials"):
        verify(copy)
    (copy / "veri_test.txt").unlink()
    with pytest.raises(InputError, match=r"lists: there is no .*/veri_test.txt; fetch"):
        verify(copy)
