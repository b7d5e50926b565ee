"""The corpus made of Debian packages, from fake packages to utterances."""

import doctest
import importlib
import os
import pkgutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests.recipes import debian_packages as fake
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import read_manifest

prepare = fake.load_prepare().prepare


@pytest.fixture(scope="module")
def debs(tmp_path_factory):
    """Folder of fake packages of the telephone prompts."""
    folder = tmp_path_factory.mktemp("debs")
    fake.write_all_prompts(folder)
    return folder


def by_id(corpus):
    """Utterances of all splits by id."""
    return {one.id: one for split in corpus.splits.values() for one in split}


def splits_by_id(corpus):
    """Split by id."""
    return {one.id: name for name, split in corpus.splits.items() for one in split}


def test_prompts_become_utterances(debs, tmp_path):
    made = by_id(prepare(tmp_path, debs=debs))
    clip = made["prompts-fr-line-07"]
    assert clip.wrd == fake.sentence("fr", 7)
    assert clip.language == "fr"
    assert clip.spk_id == "asterisk-june"
    assert dict(clip.translations) == {
        code: fake.sentence(code, 7) for code in ("en", "es", "it", "ru")
    }
    samples, rate = soundfile.read(clip.wav)
    assert rate == 16_000
    assert samples.ndim == 1
    assert clip.duration == len(samples) / 16_000
    assert samples.std() == pytest.approx(0.1, rel=0.1)
    english, spanish = made["prompts-en-line-07"], made["prompts-es-line-07"]
    assert english.spk_id == spanish.spk_id  # one person reads both


def test_what_is_dropped_is_counted_by_reason(debs, tmp_path):
    corpus = prepare(tmp_path, debs=debs)
    notes = {note.group: note for note in corpus.notes}
    assert notes["prompts fr"].dropped == {
        "not speech": 2,
        "number in figures": 1,
        "no text": 1,
        "silent": 1,
        "too short": 1,
        "copies": 1,
        "text too long for the sound": 1,
    }
    assert notes["prompts fr"].kept == fake.NUM_PROMPTS + 2  # "digits/1", "vm-press"
    assert notes["prompts en"].dropped == {}
    assert sum(note.kept for note in corpus.notes) == len(by_id(corpus))
    assert "1 silent" in corpus.table()


def test_key_of_the_telephone_is_written_out(debs, tmp_path):
    made = by_id(prepare(tmp_path, debs=debs, languages="fr"))
    assert made["prompts-fr-vm-press"].wrd == "appuyez sur un"


def test_languages_do_not_change_the_split(debs, tmp_path):
    every = splits_by_id(prepare(tmp_path / "all", debs=debs))
    some = splits_by_id(prepare(tmp_path / "some", debs=debs, languages=["fr", "ru"]))
    assert {name.split("-")[1] for name in some} == {"fr", "ru"}
    assert some == {name: every[name] for name in some}
    assert set(every.values()) == {"train", "dev", "test"}


def test_second_run_decodes_only_what_is_missing(debs, tmp_path):
    first = by_id(prepare(tmp_path, debs=debs, languages="it"))
    kept, gone, damaged = sorted(one.wav for one in first.values())[:3]
    before = os.stat(kept).st_mtime_ns
    os.remove(gone)
    with open(damaged, "r+b") as file:
        file.truncate(10)
    assert by_id(prepare(tmp_path, debs=debs, languages="it")) == first
    assert os.stat(kept).st_mtime_ns == before
    assert len(soundfile.read(damaged)[0]) == len(soundfile.read(gone)[0])


def test_only_members_that_are_needed_are_unpacked(debs, tmp_path):
    prepare(tmp_path, debs=debs, languages="it")
    root = tmp_path / "unpacked" / "asterisk-core-sounds-it-g722"
    assert {path.suffix for path in root.rglob("*") if path.is_file()} == {"", ".g722"}


def test_stamps_and_dialogues(tmp_path):
    fake.write_dialogues(tmp_path / "debs")
    fake.write_stamps(tmp_path / "debs")
    corpus = prepare(
        tmp_path / "made",
        debs=tmp_path / "debs",
        sources="dialogues, stamps",
        languages=["cs", "en", "es", "fr"],
    )
    made = by_id(corpus)
    assert {name: one.wrd for name, one in made.items()} == {
        "dialogues-cs-cave-id0": "Ryby říkají ano.",
        "dialogues-cs-cave-id1": "Ryby říkají ne.",
        "dialogues-cs-cave-id2": 'Ryby "mlčí".',
        "stamps-en-animals-cat": "A cat.",
        "stamps-fr-animals-cat": "Un chat.",
    }
    assert made["dialogues-cs-cave-id1"].spk_id == "fillets-cs-small"
    assert made["dialogues-cs-cave-id1"].translations["en"] == "Fish say no."
    assert made["stamps-fr-animals-cat"].translations["en"] == "A cat."
    assert made["stamps-fr-animals-cat"].duration == pytest.approx(
        2.5 * 16 / 44.1, 0.01
    )
    dropped = {note.group: note.dropped for note in corpus.notes}
    assert dropped["stamps es"] == {"uncertain text": 1}
    assert dropped["stamps en"] == {"letter or number": 1}
    levels = {splits_by_id(corpus)[name] for name in made if "cave" in name}
    assert len(levels) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"languages": "xx"}, ["xx", "en, es, fr, it, ru"]),
        ({"languages": ["cs"]}, ["prompts", "no cs"]),
        ({"sources": ["news"]}, ["news", "prompts, dialogues, stamps"]),
        ({"sources": ["stamps"]}, ["tuxpaint-stamps-default", "apt-get download"]),
        ({"debs": "nowhere"}, ["nowhere", "not a folder"]),
    ],
)
def test_wrong_options_are_named(debs, tmp_path, options, words):
    with pytest.raises(InputError) as caught:
        prepare(tmp_path, **{"debs": debs, **options})
    assert all(word in str(caught.value) for word in words)


def test_truncated_package_is_named(debs, tmp_path):
    for deb in debs.iterdir():
        (tmp_path / deb.name).write_bytes(deb.read_bytes())
    damaged = tmp_path / "asterisk-core-sounds-fr-g722_1.0_all.deb"
    damaged.write_bytes(damaged.read_bytes()[:-1_000])
    with pytest.raises(InputError, match="fr-g722_1.0_all.deb: not a complete Debian"):
        prepare(tmp_path / "made", debs=tmp_path, languages="fr")
    assert not (tmp_path / "made/unpacked/asterisk-core-sounds-fr-g722").exists()


def test_missing_decoder_says_what_to_install(debs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "G722", None)
    with pytest.raises(InputError, match=r'pip install "xlsr-sb\[debian\]"'):
        prepare(tmp_path, debs=debs, languages="fr")


def test_folder_that_cannot_be_written(debs, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="file: .*run again"):
        prepare(tmp_path / "file", debs=debs)


def test_full_disk_is_foreseen(debs, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(InputError, match="0 MB free .* needed"):
        prepare(tmp_path, debs=debs)


def test_command_line_prints_the_table_and_writes_manifests(debs, tmp_path):
    command = [sys.executable, "prepare.py", tmp_path, "--debs", debs]
    environment = {**os.environ, "PYTHONPATH": str(fake.RECIPE.parents[1])}
    ended = subprocess.run(
        [*command, "--languages", "it,ru"],
        cwd=fake.RECIPE,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "prompts it" in ended.stdout
    assert "decode: 100%" in ended.stderr
    sizes = [
        len(read_manifest(tmp_path / f"manifests/{name}.csv"))
        for name in ("train", "dev", "test")
    ]
    assert sum(sizes) == 2 * fake.NUM_PROMPTS
    assert np.argmax(sizes) == 0
    ended = subprocess.run(
        [*command, "--languages", "xx"],
        cwd=fake.RECIPE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: languages: prompts have no xx")


def test_examples_of_the_documentation():
    package = importlib.import_module("debian_speech")
    results = [
        doctest.testmod(importlib.import_module(f"debian_speech.{module.name}"))
        for module in pkgutil.iter_modules(package.__path__)
    ]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) > 25
