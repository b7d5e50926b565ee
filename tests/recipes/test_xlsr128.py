"""Tables of unlabelled speech from manifests of any kind: what is read, and refused.

Seen to fail: ids without the number of their source, a corpus of the list that loses
to that of the rows, too many held out, paths relative to the working folder.
"""

import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.corpus import write_tsv, write_unlabelled
from tests.fixtures import ROOT
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance, read_manifest, write_manifest
from xlsr_sb.manifest.table import UtteranceTable
from xlsr_sb.run.preparation import find_prepare, manifests

RECIPE = ROOT / "recipes" / "XLSR128"


@pytest.fixture
def prepare(monkeypatch):
    """The recipe's, found as a run finds it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return find_prepare(str(RECIPE / "SSL" / "train.py"))


@pytest.fixture
def speech(tmp_path, corpus):
    """Folder with the training clips as a tsv, a CSV manifest, shards, and a list."""
    write_unlabelled(tmp_path / "speech", corpus)
    return tmp_path / "speech"


def listed(folder, *rows, columns="path,corpus,language"):
    """Write a list; its path."""
    path = folder / "other_list.csv"
    path.write_text("\n".join([columns, *rows, ""]))
    return str(path)


def cells(utterances):
    """What a run learns of each: id, file, length, language, corpus."""
    return {
        (one.id, one.wav, round(one.duration, 6), one.language, one.corpus)
        for one in utterances
    }


def test_every_kind_of_manifest_in_one_list(prepare, speech, corpus, tmp_path):
    """The list's corpus and language win; where it has none, the rows' own stay."""
    made = prepare(
        str(speech / "list.csv"),
        folder=str(tmp_path / "out"),
        dev=str(speech / "dev.csv"),
    )
    train, index = corpus.splits["train"], read_manifest(speech / "shards/index.csv")
    wanted = [
        (f"1/{Path(one.wav).name}", one.wav, one.duration, "cc", "radio")
        for one in train
    ]
    wanted += [
        (f"2/{one.id}", one.wav, one.duration, one.language, "books") for one in train
    ]
    wanted += [(f"3/{one.id}", one.wav, one.duration, "bb", "tones") for one in index]
    assert len(wanted) == 3 * len(train)
    assert cells(made.splits["train"]) == {
        (name, wav, round(seconds, 6), *rest) for name, wav, seconds, *rest in wanted
    }
    assert {one.wrd for one in made.splits["train"]} == {""}
    assert made.splits["dev"] == read_manifest(speech / "dev.csv")
    counts = {note.group: note.kept for note in made.notes}
    assert counts == {
        "train radio cc": 12,
        "train books aa": 6,
        "train books bb": 6,
        "train tones bb": 12,
        "dev tones aa": 2,
        "dev tones bb": 2,
    }
    seconds = sum(one.duration for one in train)
    (radio,) = [n for n in made.notes if n.group == "train radio cc"]
    assert radio.seconds == pytest.approx(seconds)


def test_shards_and_files_are_the_same_speech(speech):
    """What the test above relies on."""
    files = read_manifest(speech / "train.csv")
    shards = read_manifest(speech / "shards" / "index.csv")
    assert [one.id for one in files] == [one.id for one in shards]
    assert len(list((speech / "shards").glob("*.tar"))) > 1


@pytest.mark.parametrize("name", ["train.tsv", "train.csv", "shards"])
def test_a_single_manifest_needs_no_list(prepare, speech, corpus, tmp_path, name):
    """Its ids stay; what has all that is needed is used where it stands."""
    out = tmp_path / "out"
    made = prepare(str(speech / name), folder=str(out), dev=str(speech / "shards"))
    assert [one.duration for one in made.splits["train"]] == [
        pytest.approx(one.duration) for one in corpus.splits["train"]
    ]
    ids = [one.id for one in made.splits["train"]]
    if name == "train.tsv":
        assert ids == [Path(one.wav).name for one in corpus.splits["train"]]
    else:
        assert ids == [one.id for one in corpus.splits["train"]]
    assert out.exists() == (name == "train.tsv")


def test_a_large_manifest_is_a_table_and_is_not_copied(
    prepare, speech, tmp_path, monkeypatch
):
    """A run uses it where it stands, or where it was put together."""
    monkeypatch.setattr("xlsr_sb.manifest.table.LARGE", 400)
    options = {"manifests": str(speech / "shards"), "dev": str(speech / "dev.csv")}
    splits = manifests(tmp_path / "a", prepare, options | {"folder": str(tmp_path)})
    assert isinstance(splits["train"], UtteranceTable)
    assert splits["train"].path == speech / "shards" / "index.csv"
    assert not (tmp_path / "a" / "train.csv").exists()
    options["manifests"] = str(speech / "list.csv")
    splits = manifests(
        tmp_path / "b", prepare, options | {"folder": str(tmp_path / "out")}
    )
    assert splits["train"].path == tmp_path / "out" / "train.csv"
    assert len(splits["train"]) == 36
    assert splits["train"].columns.corpora.names == ("radio", "books", "tones")


# What is held out


def many(folder, number):
    """Manifest of so many utterances of one file; its path."""
    soundfile.write(folder / "a.wav", np.zeros(16_000), 16_000)
    clips = [Utterance(f"clip {i}", str(folder / "a.wav"), 1.0) for i in range(number)]
    write_manifest(folder / "many.csv", clips)
    return str(folder / "many.csv")


@pytest.mark.parametrize(
    ("number", "asked", "held_out"),
    [(2, 1_000, 1), (100, 1_000, 5), (100, 3, 3), (1_000, 7, 7), (60, 1, 1)],
)
def test_so_many_are_held_out(prepare, tmp_path, number, asked, held_out):
    """Those with the lowest hashes, at most one in twenty, at least one."""
    path, found = many(tmp_path, number), []
    for name in ("a", "b"):
        made = prepare(path, folder=str(tmp_path / name), dev_utterances=asked)
        found.append(
            {split: [one.id for one in part] for split, part in made.splits.items()}
        )
    assert found[0] == found[1]
    dev, train = found[0]["dev"], found[0]["train"]
    assert (len(dev), len(train)) == (held_out, number - held_out)
    assert sorted(dev + train) == sorted(f"clip {i}" for i in range(number))
    assert dev == sorted(dev, key=lambda one: int(one.split()[1]))
    if number == 1_000:
        assert max(int(one.split()[1]) for one in dev) > 300  # not the first ones
    other = prepare(path, folder=str(tmp_path / "c"), dev_utterances=asked + 1)
    assert set(dev) <= {one.id for one in other.splits["dev"]}


def test_a_command_makes_the_tables(speech, tmp_path, monkeypatch, capsys):
    """To be packed by ``xlsr-sb shard``, or trained on."""
    monkeypatch.syspath_prepend(str(RECIPE))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["prepare.py", *map(str, arguments)])
        runpy.run_path(str(RECIPE / "prepare.py"), run_name="__main__")

    run(speech / "list.csv", tmp_path / "out", "--dev-utterances", "1")
    assert "train books bb" in capsys.readouterr().out
    assert len(read_manifest(tmp_path / "out" / "train.csv")) == 35
    assert len(read_manifest(tmp_path / "out" / "dev.csv")) == 1
    run(speech / "train.tsv", tmp_path / "out", "--dev", speech / "dev.csv")
    assert len(read_manifest(tmp_path / "out" / "train.csv")) == 12
    with pytest.raises(SystemExit, match=r"^error: .*none.csv cannot be read"):
        run(tmp_path / "none.csv", tmp_path / "out")


# What is refused


def spoilt_tsv(speech, corpus, line):
    """A tsv whose last line is another."""
    write_tsv(speech / "spoilt.tsv", corpus.splits["train"])
    with (speech / "spoilt.tsv").open("a") as file:
        file.write(f"{line}\n")
    return str(speech / "spoilt.tsv")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.wav", r"spoilt.tsv, line 14 is 'a.wav'; it must be a path, a tab and a"),
        ("a.wav\t0", "line 14 is .* of samples at 16000 Hz"),
        ("a.wav\t-5", "line 14 is"),
        ("a.wav\t1.5", "line 14 is"),
        ("\t500", "line 14 is"),
        ("client\ta.mp3\ta sentence", "line 14 is"),
        ("a.zip:12:3456\t16000", r"line 14: a.zip:12:3456 lies in a zip .* unpack it"),
    ],
)
def test_lines_of_a_tsv(prepare, speech, corpus, tmp_path, line, message):
    with pytest.raises(InputError, match=message):
        prepare(spoilt_tsv(speech, corpus, line), folder=str(tmp_path / "out"))
    assert list((tmp_path / "out").glob("*")) == []


def test_the_folder_of_a_tsv(prepare, tmp_path, corpus):
    """Relative to the tsv; a wrong one is found at the first file."""
    write_tsv(tmp_path / "a.tsv", corpus.splits["train"])
    lines = (tmp_path / "a.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "a.tsv").write_text("".join(["nowhere\n", *lines[1:]]))
    with pytest.raises(InputError, match=r"line 2: .*/nowhere/.* no such file"):
        prepare(str(tmp_path / "a.tsv"), folder=str(tmp_path / "out"))
    (tmp_path / "nowhere").symlink_to(corpus.folder)
    made = prepare(str(tmp_path / "a.tsv"), folder=str(tmp_path / "out"))
    assert made.splits["dev"][0].wav.startswith(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(("rate", "samples"), [(8_000, 8_000), (16_000, 15_999)])
def test_the_audio_of_a_tsv(prepare, tmp_path, rate, samples):
    """Of 16 kHz, and as long as it says: lengths are trusted."""
    soundfile.write(tmp_path / "a.wav", np.zeros(samples), rate)
    (tmp_path / "a.tsv").write_text(f"{tmp_path}\na.wav\t16000\nb.wav\t16000\n")
    message = rf"line 2: .*a.wav has {samples} samples at {rate} Hz; the tsv must say"
    with pytest.raises(InputError, match=message):
        prepare(str(tmp_path / "a.tsv"), folder=str(tmp_path / "out"))


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([], "path,corpus,language", "names no manifest; it must have a row for each"),
        (["none.csv,,"], "path,corpus,language", "line 2: there is no 'none.csv'"),
        ([",a,b"], "path,corpus,language", "line 2: there is no ''"),
        (["train.csv,a"], "path,lang", r"lang is not among them"),
        (["a,b"], "corpus,language", "there is no column path"),
        (["train.csv"], "path,corpus", "line 2: 1 values for 2 columns"),
        ([], "", "is empty; its first line must name the columns"),
    ],
)
def test_lists(prepare, speech, tmp_path, rows, columns, message):
    path = listed(speech, *rows, columns=columns)
    with pytest.raises(InputError, match=message):
        prepare(path, folder=str(tmp_path / "out"))


def test_what_is_no_manifest(prepare, speech, tmp_path):
    """An unfinished folder of shards, an empty manifest, a lone utterance, no file."""
    (speech / "shards" / "index.csv").unlink()
    with pytest.raises(InputError, match=r"shards is a folder without index.csv; give"):
        prepare(listed(speech, "shards,,"), folder=str(tmp_path / "out"))
    (speech / "a.tsv").write_text(f"{speech}\n")
    with pytest.raises(InputError, match=r"a.tsv lists no utterance; take it out"):
        prepare(str(speech / "a.tsv"), folder=str(tmp_path / "out"))
    with pytest.raises(InputError, match="there is one utterance; train and dev need"):
        prepare(many(tmp_path, 1), folder=str(tmp_path / "out"))
    with pytest.raises(InputError, match=r"none.csv cannot be read: No such file"):
        prepare(str(speech / "none.csv"), folder=str(tmp_path / "out"))
    with pytest.raises(InputError, match="dev_utterances is 0; it must be at least 1"):
        prepare(many(tmp_path, 9), folder=str(tmp_path / "out"), dev_utterances=0)


def test_rows_of_a_manifest(prepare, speech, tmp_path):
    """An empty cell is found in the source; the rest is checked as always."""
    with (speech / "train.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    for column, name in enumerate(("ID", "duration", "wav")):
        spoilt = [list(row) for row in rows]
        spoilt[4][column] = " "
        with (speech / "train.csv").open("w", newline="") as file:
            csv.writer(file).writerows(spoilt)
        with pytest.raises(InputError, match=f"train.csv, line 5: {name} is empty"):
            prepare(listed(speech, "train.csv,a,b"), folder=str(tmp_path / "out"))
