"""VoxLingua107 from the publisher's zips, and from shards made of its manifests.

Seen to fail: a clip of the test set lost without a word; half a language taken for all.
"""

import doctest
import importlib
import pkgutil
import shutil
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.recipes import voxlingua107_files as fake
from xlsr_sb.cli import main
from xlsr_sb.data.audio import load_audio
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import write_manifest
from xlsr_sb.run.preparation import find_prepare, manifests

SPLITS = ("train", "dev", "test")


@pytest.fixture
def prepare(monkeypatch):
    """The recipe's, found as a run finds it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return find_prepare(str(fake.RECIPE / "LID" / "train.py"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The corpus in folders; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("voxlingua107")
    fake.write_voxlingua107(folder)
    return folder


@pytest.fixture
def zips(whole, tmp_path):
    """The same as it is fetched."""
    fake.pack(whole, tmp_path / "zips")
    return tmp_path / "zips"


def facts(corpus):
    """All that is known of clips but where they are."""
    return {
        name: [replace(one, wav=Path(one.wav).name) for one in part]
        for name, part in corpus.splits.items()
    }


def shard(corpus, folder):
    """Pack the manifests of a corpus, as the README tells to."""
    for name, part in corpus.splits.items():
        write_manifest(folder / f"{name}.csv", part)
        main(["shard", str(folder / f"{name}.csv"), str(folder / "shards" / name)])
    return folder / "shards"


# Zips


def test_zips_are_as_good_as_folders(prepare, whole, zips):
    """They are unpacked beside themselves, once."""
    expected = facts(prepare(whole))
    assert facts(prepare(zips)) == expected
    assert sorted(path.name for path in zips.iterdir()) == [
        *("dev", "dev.zip", "fr.zip", "iw.zip", "jw.zip", "train"),
    ]
    for path in zips.glob("*.zip"):
        if path.name != "dev.zip":
            path.unlink()
    assert facts(prepare(zips)) == expected


LAYOUTS = ("in train", "folders in the root", "dev in dev", "code of today")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_other_places(prepare, whole, zips, layout):
    """Where ``unzip`` and other recipes leave the same files."""
    expected = facts(prepare(whole))
    if layout == "in train":
        (zips / "train").mkdir()
        for path in zips.glob("??.zip"):
            path.rename(zips / "train" / path.name)
    elif layout == "folders in the root":
        for path in zips.glob("??.zip"):
            shutil.copytree(whole / "train" / path.stem, zips / path.stem)
            path.write_bytes(b"not opened")
    elif layout == "dev in dev":
        shutil.copytree(whole / "dev", zips / "dev" / "dev")
    else:
        (zips / "iw.zip").rename(zips / "he.zip")
    assert facts(prepare(zips)) == expected


def test_zips_are_unpacked_elsewhere(prepare, whole, zips, tmp_path):
    """And only those of the languages that are asked for."""
    made = prepare(zips, languages="he", unpacked=tmp_path / "room")
    assert facts(made) == facts(prepare(whole, languages="he"))
    assert {path.suffix for path in zips.iterdir()} == {".zip"}
    assert [path.name for path in (tmp_path / "room" / "train").iterdir()] == ["iw"]
    again = prepare(zips, languages="he", unpacked=tmp_path / "room")
    assert again == made


def test_a_language_is_unpacked_whole_or_not_at_all(prepare, whole, zips, monkeypatch):
    """A full disk stops it; the next run begins the language again."""
    copy, count = shutil.copyfileobj, 0

    def full(source, clip):
        nonlocal count
        count += 1
        if count > 15:  # dev has ten
            raise OSError(28, "No space left on device")
        copy(source, clip)

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(
        InputError, match=r"fr.zip cannot be unpacked to .*: No space.*`unpacked` names"
    ):
        prepare(zips)
    assert [path.name for path in (zips / "train").iterdir()] == [".fr.unfinished"]
    monkeypatch.setattr(shutil, "copyfileobj", copy)
    assert facts(prepare(zips)) == facts(prepare(whole))
    assert not (zips / "train" / ".fr.unfinished").exists()


def test_zips_that_are_damaged(prepare, zips):
    """Cut off, with a wrong check sum, or with something else in it."""
    path = zips / "fr.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(InputError, match=r"fr.zip is no complete zip .*; fetch it ag"):
        prepare(zips)
    path.write_bytes(whole[:500] + bytes(20) + whole[520:])  # a wrong check sum
    with pytest.raises(InputError, match=r"fr.zip is no complete zip .*; fetch it ag"):
        prepare(zips)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fr/readme.txt", "")
        archive.writestr("__MACOSX/fr/a.wav", b"")
    with pytest.raises(InputError, match=r"fr.zip holds no \*.wav; is it one of VoxLi"):
        prepare(zips)
    with zipfile.ZipFile(zips / "dev.zip", "w") as archive:
        archive.writestr("../a.wav", b"")  # would be written beside
    with pytest.raises(InputError, match=r"dev.zip holds no <language>/\*.wav; is it"):
        prepare(zips, unpacked=zips / "other")
    assert not (zips / "train" / "fr").exists()


def test_a_clip_of_the_test_set_is_missing(prepare, zips):
    """The zip knows; the error names it."""
    made = prepare(zips)
    lost = Path(made.splits["test"][3].wav)
    lost.unlink()
    with pytest.raises(
        InputError,
        match=rf"1 clips of dev.zip are missing:\n  fr/{lost.name}\n  remove",
    ):
        prepare(zips)


# Shards


def test_shards_are_what_was_packed(prepare, whole, tmp_path):
    """Every clip with its language, its video, its length and its samples."""
    made = prepare(whole)
    shards = shard(made, tmp_path)
    again = prepare(shards)
    for name in SPLITS:
        for one, packed in zip(made.splits[name], again.splits[name], strict=True):
            assert replace(packed, wav=one.wav) == one
            assert ".tar:" in packed.wav
            assert torch.equal(load_audio(packed.wav), load_audio(one.wav))
    counts = {note.group: note.kept for note in again.notes}
    assert counts["jv train"] == 8
    assert counts["he test"] == 4
    assert sum(counts.values()) == sum(map(len, made.splits.values()))
    with tarfile.open(shards / "test" / "shard-000000.tar") as tar:
        endings = [Path(name).suffix for name in tar.getnames()]
    assert endings == [".flac", ".json"] * 10  # as the library WebDataset reads them


def test_a_run_reads_shards(prepare, whole, tmp_path):
    shards = shard(prepare(whole, languages="fr"), tmp_path)
    options = {"data_folder": str(shards), "languages": None, "cache": "no"}
    splits = manifests(tmp_path / "manifests", prepare, options)
    made = prepare(shards)
    assert {name: list(part) for name, part in splits.items()} == made.splits


def test_shards_that_are_not_whole(prepare, whole, tmp_path):
    """A split is missing; choices come too late; a clip could not be packed."""
    made = prepare(whole)
    shards = shard(made, tmp_path)
    with pytest.raises(InputError, match=r"shards: languages and max_hours are chosen"):
        prepare(shards, languages="fr")
    with pytest.raises(InputError, match=r"shards: languages and max_hours are chosen"):
        prepare(shards, max_hours=1)
    shutil.rmtree(shards / "dev")
    with pytest.raises(
        InputError, match=r"no finished shards of dev; `xlsr-sb shard d"
    ):
        prepare(shards)
    for name in ("train", "test"):
        lost = made.splits[name][0]
        broken = [replace(lost, wav="/none.wav"), *made.splits[name][1:]]
        write_manifest(tmp_path / f"{name}.csv", broken)
        shutil.rmtree(shards / name)
        with pytest.raises(SystemExit):
            main(["shard", str(tmp_path / f"{name}.csv"), str(shards / name)])
    main(["shard", str(tmp_path / "dev.csv"), str(shards / "dev")])
    with pytest.raises(InputError, match=rf"test: 1 clips could not.*\n  {lost.id}\n"):
        prepare(shards)
    shutil.rmtree(shards / "test")
    write_manifest(tmp_path / "test.csv", made.splits["test"])
    main(["shard", str(tmp_path / "test.csv"), str(shards / "test")])
    notes = {note.group: note for note in prepare(shards).notes}
    language = made.splits["train"][0].language
    assert notes[f"{language} train"].dropped == {"unreadable": 1}


# All of the package


def test_examples_of_the_documentation(prepare, tmp_path):
    del prepare
    names = {"getfixture": {"tmp_path": tmp_path}.__getitem__}
    package, tried = importlib.import_module("voxlingua"), 0
    for module in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"voxlingua.{module.name}")
        found = doctest.testmod(module, extraglobs=names)
        assert found.failed == 0, module
        tried += found.attempted
    assert tried >= 15
