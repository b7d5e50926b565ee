"""VoxLingua107 from folders in its publisher's layout: what is learnt and scored.

Seen to fail: clips learnt from a video that is scored; one video in train and dev; the
publisher's codes kept; the label of a speaker in the name of a video; fewer hours that
are not part of more.
"""

import logging
import runpy
import shutil
import sys
from pathlib import Path

import pytest
import soundfile

from tests.recipes import voxlingua107_files as fake
from xlsr_sb.data import measuring
from xlsr_sb.data.audio import probe_audio
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import read_manifest
from xlsr_sb.run.preparation import find_prepare, manifests


@pytest.fixture
def prepare(monkeypatch):
    """The recipe's, found as a run finds it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return find_prepare(str(fake.RECIPE / "LID" / "train.py"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Not to be changed by a test."""
    folder = tmp_path_factory.mktemp("voxlingua107")
    fake.write_voxlingua107(folder)
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    """To be changed."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def files(folder):
    """Clips on disk as ``<language>/<name>``, the language by its code of ISO 639."""
    paths = folder.glob("*/*.wav")
    return {f"{fake.CODES[path.parent.name]}/{path.stem}" for path in paths}


def ids(utterances):
    return {one.id for one in utterances}


def videos(utterances):
    return {one.spk_id for one in utterances}


def dropped(corpus, group):
    (note,) = (note for note in corpus.notes if note.group == group)
    return {why: n for why, n in note.dropped.items() if n}


# What is read


def test_the_published_dev_set_is_scored_whole(prepare, whole):
    made = prepare(whole)
    assert ids(made.splits["test"]) == files(whole / "dev")
    assert len(made.splits["test"]) == 10
    assert {one.language for one in made.splits["test"]} == {"fr", "he"}
    assert dropped(made, "test") == {}


def test_train_and_dev_are_the_rest(prepare, whole):
    """But clips of a video that is scored; no video is in two sets."""
    made = prepare(whole)
    train, dev, test = (made.splits[name] for name in ("train", "dev", "test"))
    leaked = {name for name in files(whole / "train") if fake.LEAKED in name}
    assert ids([*train, *dev]) == files(whole / "train") - leaked
    assert len(leaked) == 2
    assert dropped(made, "fr train") == {"of a video of the test set": 2}
    assert dropped(made, "he train") == {}
    sets = [videos(one) for one in (train, dev, test)]
    assert sum(map(len, sets)) == len(set.union(*sets))


def test_each_language_has_a_part_that_chooses_the_model(prepare, whole):
    """One video of five; a video that two languages share is in one set."""
    made = prepare(whole)
    for code in fake.CODES.values():
        dev = [one for one in made.splits["dev"] if one.language == code]
        assert dev
        assert len(videos(dev)) <= 2
    everything = [*made.splits["train"], *made.splits["dev"]]
    shared = [one for one in everything if one.spk_id == fake.IN_BOTH]
    assert {one.language for one in shared} == {"fr", "he"}
    assert len(shared) == 4


def test_a_shared_video_is_held_out_of_all_languages(prepare, whole, monkeypatch):
    """Although only one of them has chosen it."""
    names = prepare.__globals__
    monkeypatch.setitem(names, "held_out_videos", lambda _: {fake.IN_BOTH})
    made = prepare(whole)
    assert videos(made.splits["dev"]) == {fake.IN_BOTH}
    assert {one.language for one in made.splits["dev"]} == {"fr", "he"}


def test_what_is_known_of_a_clip(prepare, whole):
    """Its language by the code of today, its video, its length from the header."""
    for split, part in prepare(whole).splits.items():
        for one in part:
            path = Path(one.wav)
            place = "dev" if split == "test" else "train"
            assert path.parents[1] == whole / place
            assert one.language == fake.CODES[path.parent.name]
            assert one.id == f"{one.language}/{path.stem}"
            assert one.duration == soundfile.info(path).duration
            start, stop = path.stem.rpartition("---")[2].split("-")
            assert one.duration == pytest.approx(float(stop) - float(start), abs=2e-3)
            assert len(one.spk_id) == 11
            assert path.name.startswith(one.spk_id)
            assert "__U__" not in one.spk_id


def test_the_same_split_whatever_else_is_there(prepare, whole):
    """Which videos choose the model depends on their names alone."""
    both, alone = prepare(whole), prepare(whole, languages="he")
    dev = [one for one in both.splits["dev"] if one.language == "he"]
    shared = {fake.IN_BOTH}  # that of the other language as well
    assert videos(dev) - shared == videos(alone.splits["dev"]) - shared


def test_languages_are_chosen(prepare, whole):
    """By either code; clips of others in the test set are counted."""
    for languages in ("he", "iw", ["he"], "iw,he"):
        made = prepare(whole, languages=languages)
        everything = [one for part in made.splits.values() for one in part]
        assert {one.language for one in everything} == {"he"}
        assert dropped(made, "test") == {"of other languages": 6}


def test_hours_are_limited(prepare, whole):
    """Of each language; the fewer are among the more, dev and test stay."""
    full = prepare(whole)
    before: set[str] = set()
    for count, seconds in ((1, 0.1), (3, 0.5)):
        made = prepare(whole, max_hours=seconds / 3600)
        train = made.splits["train"]
        for code in fake.CODES.values():
            assert sum(one.language == code for one in train) == count
        assert before < ids(train)
        before = ids(train)
        assert [made.splits[x] for x in ("dev", "test")] == [
            full.splits[x] for x in ("dev", "test")
        ]
        assert dropped(made, "jv train") == {"beyond the hours": 8 - count}


def test_an_interrupted_preparation_goes_on(prepare, whole, tmp_path, monkeypatch):
    """Lengths that the cache has are not read again."""
    cache = tmp_path / "lengths.csv"
    made = prepare(whole, cache=str(cache))
    lines = cache.read_text().splitlines(keepends=True)
    cache.write_text("".join(lines[:-1]))
    opened = []

    def probe(path):
        opened.append(path)
        return probe_audio(path)

    monkeypatch.setattr(measuring, "probe_audio", probe)
    assert prepare(whole, cache=str(cache)) == made
    assert opened == [made.splits["dev"][-1].wav]


def test_a_warning_where_another_set_is_scored(prepare, whole, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    prepare(whole)
    assert "there are 3 languages to learn from, of 107" in caplog.text
    assert "dev has 10 clips of 2 languages, not 1609 of 33" in caplog.text
    caplog.clear()
    names = prepare.__globals__
    monkeypatch.setitem(names, "PUBLISHED", fake.LANGUAGES)
    monkeypatch.setitem(names, "TEST_CLIPS", 10)
    monkeypatch.setitem(names, "TEST_LANGUAGES", 2)
    prepare(whole)
    prepare(whole, languages="fr")
    assert caplog.text == ""


# What is not there


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"languages": "xx,fr"}, r"languages: 'xx' is not in .* has ab af .* he .* jv"),
        ({"languages": "ka"}, r"there is no speech of ka; there is fr he jv; fetch"),
        ({"languages": "jw"}, r"the set that is scored has none of jv; it has fr he"),
        ({"languages": " "}, r"languages: ' ' names none; there is fr he jv"),
        ({"max_hours": 0}, r"max_hours is 0; it must be above 0"),
        ({"unreadable": "skip"}, r"unreadable must be one of .*, got 'skip'"),
    ],
)
def test_options_that_mean_nothing(prepare, whole, options, message):
    with pytest.raises(InputError, match=message):
        prepare(whole, **options)


def test_a_wrong_folder(prepare, copy, tmp_path):
    """What is there and what there must be, in one sentence."""
    (tmp_path / "other" / "clips").mkdir(parents=True)
    with pytest.raises(InputError, match=r"other holds no lang.*clips; .* train/<lang"):
        prepare(tmp_path / "other")
    with pytest.raises(InputError, match=r"there is nothing; there must be"):
        prepare(tmp_path / "none")
    with pytest.raises(InputError, match=r"train holds neither dev nor dev.zip, the"):
        prepare(copy / "train")
    shutil.copytree(copy / "dev" / "fr", copy / "dev" / "french")
    with pytest.raises(InputError, match=r"dev: french is no language of VoxLing"):
        prepare(copy)
    shutil.rmtree(copy / "dev")
    (copy / "dev").mkdir()
    with pytest.raises(InputError, match=r"dev holds no clips; there must be"):
        prepare(copy)


def test_clips_that_cannot_be_read(prepare, copy):
    """An error that names them; or left out of train, and kept in test."""
    made = prepare(copy)
    lost = {name: made.splits[name][1] for name in ("train", "test")}
    for one in lost.values():
        Path(one.wav).write_bytes(b"")
    with pytest.raises(InputError, match=rf"test: 1 rec.*\n  {lost['test'].id}: .*emp"):
        prepare(copy)
    counted = prepare(copy, unreadable="count")
    assert ids(counted.splits["test"]) == ids(made.splits["test"])
    assert [one.duration == 0 for one in counted.splits["test"]].count(True) == 1
    assert ids(made.splits["train"]) - ids(counted.splits["train"]) == {
        lost["train"].id
    }
    group = f"{lost['train'].language} train"
    assert dropped(counted, group)["unreadable"] == 1


def test_names_without_times(prepare, copy):
    """In train, where hours are counted by them; what is hidden is no clip."""
    (copy / "train" / "fr" / "._a---0001.000-0002.000.wav").write_bytes(b"")
    prepare(copy)
    for name in ("a.wav", "b---0002.000-0001.000.wav"):
        (copy / "train" / "fr" / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"fr: 2 clips are not called <video>---<sta"):
        prepare(copy)


# By hand, and as a run does it


def test_by_hand(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [str(fake.RECIPE), *sys.path])

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["prepare.py", *map(str, arguments)])
        runpy.run_path(str(fake.RECIPE / "prepare.py"), run_name="__main__")

    run(whole, tmp_path / "out", "--languages", "fr", "--max-hours", "0.00001")
    assert " beyond the hours" in capsys.readouterr().out.splitlines()[-1]
    test = read_manifest(tmp_path / "out" / "test.csv")
    assert len(test) == 6
    assert {one.language for one in test} == {"fr"}
    assert len(read_manifest(tmp_path / "out" / "train.csv")) == 1
    assert (tmp_path / "out" / "lengths.csv").exists()
    with pytest.raises(SystemExit, match=r"^error: data_folder: .*none holds no lang"):
        run(tmp_path / "none", tmp_path / "out")


def test_as_a_run_does_it(prepare, whole, tmp_path):
    options = {"data_folder": str(whole), "languages": "fr,he"}
    splits = manifests(tmp_path / "manifests", prepare, options)
    made = prepare(**options)
    assert {name: list(part) for name, part in splits.items()} == made.splits


def test_there_are_107_languages(prepare):
    published = prepare.__globals__["PUBLISHED"]
    assert len(set(published)) == len(published) == 107
