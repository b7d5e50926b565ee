"""Manifests of a run: made when they are needed, and only then."""

import json
from pathlib import Path

import pytest

from xlsr_sb.data.corpus import Corpus, Note
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance, read_utterances, table, write_manifest
from xlsr_sb.manifest.table import UtteranceTable
from xlsr_sb.run.preparation import find_prepare, manifests

OPTIONS = {"folder": "no/such", "languages": ["fr", "it"]}


class Preparing:
    """A ``prepare`` that counts how often it is called."""

    def __init__(self):
        self.calls = 0

    def __call__(self, folder, *, languages=(), seconds=1.0, cache=None):
        """One utterance a language in each split; adds a line to the cache."""
        self.calls += 1
        if cache:
            with Path(cache).open("a") as file:
                file.write("oui\n")
        clips = [
            Utterance(code, f"/{folder}/{code}.wav", seconds, language=code, wrd="oui")
            for code in languages
        ]
        note = Note("all", kept=2 * len(clips), seconds=2.0, dropped={"silent": 3})
        return Corpus({"train": clips, "dev": clips}, [note])


@pytest.fixture
def prepare():
    """A function that counts."""
    return Preparing()


def test_splits_come_back_as_they_were(tmp_path, prepare, capsys):
    """Through their CSV files; what was dropped is printed."""
    splits = manifests(tmp_path, prepare, OPTIONS)
    assert list(splits) == ["train", "dev"]
    assert splits == prepare("no/such", languages=["fr", "it"]).splits
    assert "3 silent" in capsys.readouterr().out


def test_they_are_made_once(tmp_path, prepare, capsys):
    """A run that goes on does not prepare again, nor print."""
    first = manifests(tmp_path, prepare, OPTIONS)
    capsys.readouterr()
    assert manifests(tmp_path, prepare, OPTIONS) == first
    assert prepare.calls == 1
    assert capsys.readouterr().out == ""


def test_what_a_preparation_remembers_is_no_reason_to_prepare(tmp_path, prepare):
    """It is not there before the first run, and another afterwards."""
    options = OPTIONS | {"cache": str(tmp_path / "lengths.csv")}
    manifests(tmp_path, prepare, options)
    manifests(tmp_path, prepare, options)
    assert prepare.calls == 1


def test_they_are_made_again_when_options_change(tmp_path, prepare, caplog):
    """And it is said."""
    manifests(tmp_path, prepare, OPTIONS)
    found = manifests(tmp_path, prepare, OPTIONS | {"languages": ["es"]})
    assert [one.language for one in found["train"]] == ["es"]
    assert prepare.calls == 2
    assert "prepared anew" in caplog.text


def test_several_languages_are_prepared_one_by_one(tmp_path, capsys):
    """With one cache; again when the list changes, and only then."""
    calls = []

    def prepare(folder, *, language, cache):
        calls.append(language)
        with Path(cache).open("a") as file:
            file.write(f"{language}\n")
        clips = [Utterance("1", f"/{folder}/{language}", 1.0, language=language)]
        return Corpus({"train": clips}, [Note("train", kept=1, seconds=1.0)])

    cache = tmp_path / "lengths.csv"
    for language in ("fr,it", "fr,it", "fr,it,es", "fr"):
        options = {"folder": "no", "language": language, "cache": str(cache)}
        found = manifests(tmp_path / "manifests", prepare, options)["train"]
        assert [one.language for one in found] == language.split(",")
        assert len({one.id for one in found}) == len(found)
    assert calls == ["fr", "it", "fr", "it", "es", "fr"]
    assert cache.read_text().split() == calls
    assert "it train     1" in capsys.readouterr().out


def test_they_are_made_again_when_a_file_changes(tmp_path, prepare):
    """One that an option names, such as a list of recordings."""
    file = tmp_path / "list.csv"
    file.write_text("first")
    options = OPTIONS | {"folder": str(file)}
    for text, calls in (("first", 1), ("second", 2), ("second", 2)):
        if file.read_text() != text:
            file.write_text(text)
        manifests(tmp_path / "manifests", prepare, options)
        assert prepare.calls == calls


def test_a_kill_in_mid_preparation_leaves_nothing_that_is_used(tmp_path, prepare):
    """The record of what was made is written last."""
    manifests(tmp_path, prepare, OPTIONS)

    def interrupted(folder, *, languages):
        raise KeyboardInterrupt(folder, languages)

    with pytest.raises(KeyboardInterrupt):
        manifests(tmp_path, interrupted, OPTIONS | {"languages": ["es"]})
    assert not (tmp_path / "prepared.json").exists()
    found = manifests(tmp_path, prepare, OPTIONS)
    assert len(found["train"]) == 2
    assert prepare.calls == 2
    assert json.loads((tmp_path / "prepared.json").read_text())["options"] == OPTIONS


def test_large_manifests_are_tables(tmp_path, prepare, monkeypatch):
    """The run's own, indexed once."""
    monkeypatch.setattr(table, "LARGE", 10)
    for _ in range(2):
        splits = manifests(tmp_path, prepare, OPTIONS)
        assert isinstance(splits["train"], UtteranceTable)
        assert (
            list(splits["dev"])
            == prepare("no/such", languages=["fr", "it"]).splits["dev"]
        )
        assert (tmp_path / "train.csv.columns").exists()
    assert prepare.calls == 3


def test_a_table_is_used_where_it_stands(tmp_path, monkeypatch):
    """It is not copied; and asked for again when its folder has another index."""
    folder, calls = tmp_path / "shards", []
    clips = [Utterance(name, f"/{name}.wav", 1.0) for name in "abc"]
    write_manifest(folder / "index.csv", clips)
    monkeypatch.setattr(table, "LARGE", 10)

    def prepare(folder):
        calls.append(folder)
        return Corpus({"train": read_utterances(folder), "dev": clips[:1]})

    run = tmp_path / "manifests"
    for expected in (clips, clips, clips[1:]):
        if expected != clips:
            write_manifest(folder / "index.csv", expected)
        splits = manifests(run, prepare, {"folder": str(folder)})
        assert splits["train"].path == folder / "index.csv"
        assert list(splits["train"]) == expected
        assert list(splits["dev"]) == clips[:1]
    assert len(calls) == 2
    assert not (run / "train.csv").exists()


def test_an_option_that_prepare_does_not_take(tmp_path, prepare):
    """Those that it takes are listed."""
    with pytest.raises(
        InputError, match=r"no option \['speed'\]; there are \['folder'"
    ):
        manifests(tmp_path, prepare, OPTIONS | {"speed": 2})


def test_prepare_stands_beside_the_recipe_or_above(tmp_path):
    """The nearer one is taken; where there is none, both places are named."""
    recipe = tmp_path / "Toy" / "ASR" / "train.py"
    recipe.parent.mkdir(parents=True)
    with pytest.raises(InputError, match=r"no prepare.py for .*Toy/ASR/prepare\.py"):
        find_prepare(str(recipe))
    (tmp_path / "Toy" / "prepare.py").write_text("def prepare(): return 'above'\n")
    assert find_prepare(str(recipe))() == "above"
    (recipe.parent / "prepare.py").write_text("def prepare(): return 'beside'\n")
    assert find_prepare(str(recipe))() == "beside"
