"""VoxPopuli from a tiny folder in its publisher's layout, to utterances and a score.

Seen to fail: quotation marks that quote, a row broken in two, a short, long or empty
test utterance dropped, an empty text learnt from, a test clip dropped that is missing,
columns by their place, accents taken from English, lengths not remembered.
"""

import csv
import shutil
import sys
from pathlib import Path

import pytest
import soundfile

from tests.fixtures import ROOT
from tests.recipes.voxpopuli_files import ROWS, id_of, write_voxpopuli
from xlsr_sb.data import measuring
from xlsr_sb.data.audio import load_audio, probe_audio
from xlsr_sb.errors import InputError
from xlsr_sb.results import read_rows
from xlsr_sb.run.preparation import find_prepare

RECIPE = ROOT / "recipes" / "VoxPopuli" / "ASR"
EMPTY = 3  # the row of the French training set without a text


@pytest.fixture
def prepare(monkeypatch):
    """The recipe's."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return find_prepare(str(RECIPE / "train.py"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Not to be changed by a test."""
    folder = tmp_path_factory.mktemp("voxpopuli")
    write_voxpopuli(folder)
    return folder


@pytest.fixture
def copy(root, tmp_path):
    """To be changed."""
    return Path(shutil.copytree(root, tmp_path / "copy"))


def official(language, split):
    """Ids and texts of a split, all of them."""
    rows = enumerate(ROWS[language][split])
    return [(id_of(language, split, i), text) for i, (_, text) in rows]


def found(utterances):
    return [(one.id, one.wrd) for one in utterances]


def table(folder, language, split):
    return folder / "transcribed_data" / language / f"asr_{split}.tsv"


def add_lines(path, *lines):
    with path.open("a", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in lines)


# What is read


def test_test_sets_are_whole(prepare, root):
    """One word, half a minute, no word at all: nothing is left out."""
    made = prepare(root, language="fr")
    for split in ("dev", "test"):
        assert found(made.splits[split]) == official("fr", split)
    test = made.splits["test"]
    assert [len(one.wrd.split()) for one in test] == [1, 2, 0, 4]
    assert [one.duration > 30 for one in test] == [False, True, False, False]
    assert [note.dropped["without text"] for note in made.notes] == [1, 0, 0]


def test_rows_without_text_are_not_learnt_from(prepare, root):
    """The others are, whatever quotation marks and line breaks their raw texts have."""
    made = prepare(root, language="fr")
    rows = official("fr", "train")
    assert rows[EMPTY][1] == ""
    assert found(made.splits["train"]) == [row for row in rows if row[1]]
    note = made.notes[0]
    assert (note.group, note.kept, note.dropped["without text"]) == ("fr train", 5, 1)


def test_the_tables_are_hard_to_read(root):
    """The generator plants what the reader has to stand."""
    lines = table(root, "fr", "train").read_text().splitlines()
    assert len(lines) == 1 + len(ROWS["fr"]["train"]) + 1
    with table(root, "fr", "train").open(newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    assert len(rows) < len(lines) - 1  # a row has swallowed others


def test_each_clip_is_its_own(prepare, root):
    """Found by its year, colons or not; with its speaker and its length."""
    for language in ("fr", "en"):
        for split, part in prepare(root, language=language).splits.items():
            for one in part:
                assert ":" in one.wav
                assert one.duration == soundfile.info(one.wav).duration > 0.5
                assert len(load_audio(one.wav)) == round(one.duration * 16_000)
                assert Path(one.wav).parent.name == one.id[:4]
                number = int(one.id.rpartition("_")[2])
                assert one.id == id_of(language, split, number)
                assert (one.spk_id, one.language) == (str(1000 + number), language)


def test_columns_are_found_by_name(prepare, copy):
    """English has those of the first version here; any order will do."""
    before = prepare(copy, language="en")
    assert found(before.splits["train"]) == official("en", "train")
    for split in ("train", "dev", "test"):
        path = table(copy, "en", split)
        rows = [line.split("\t") for line in path.read_text().splitlines()]
        path.write_text("".join("\t".join(row[::-1]) + "\r\n" for row in rows))
    assert prepare(copy, language="en") == before


def test_accents(prepare, root):
    """A further test set of English; its tables for training hold no rows."""
    made = prepare(root, language="en", accented=True)
    assert list(made.splits) == ["train", "dev", "test", "test_accented"]
    accented = made.splits["test_accented"]
    assert found(accented) == official("en_accented", "test")
    assert {one.language for one in accented} == {"en"}
    assert "/en_accented/2017/" in accented[0].wav
    assert list(prepare(root, language="en").splits) == ["train", "dev", "test"]
    with pytest.raises(InputError, match=r"accented: .* of en, not of fr"):
        prepare(root, language="fr", accented=True)


def test_an_interrupted_preparation_goes_on(prepare, root, tmp_path, monkeypatch):
    """Lengths that the cache has are not read again, colons in a path or not."""
    cache = tmp_path / "lengths.csv"
    made = prepare(root, language="fr", cache=str(cache))
    lines = cache.read_text().splitlines(keepends=True)
    assert len(lines) == 11
    cache.write_text("".join(lines[:-1]))
    opened = []

    def probe(path):
        opened.append(path)
        return probe_audio(path)

    monkeypatch.setattr(measuring, "probe_audio", probe)
    assert prepare(root, language="fr", cache=str(cache)) == made
    assert opened == [made.splits["test"][-1].wav]


# What is not there


@pytest.mark.parametrize(
    ("place", "language", "message"),
    [
        ("", "pt", r"'pt' is not in .* which has en, de, .*holds en, fr$"),
        ("", "en_accented", r"'en_accented' is not in "),
        ("", "sl", r"holds en, fr, not sl; .* `--lang sl` of it makes"),
        ("transcribed_data", "fr", r"holds no language of VoxPopuli, not fr; .*--root"),
    ],
)
def test_a_language_that_is_not_there(prepare, root, place, language, message):
    """What is there, is listed."""
    with pytest.raises(InputError, match=message):
        prepare(root / place, language=language)


def test_clips_that_are_missing(prepare, copy):
    """An error; or left out of training, and counted as errors in the test."""
    gone = [id_of("fr", split, 1) for split in ("train", "test")]
    for name in gone:
        (copy / "transcribed_data" / "fr" / name[:4] / f"{name}.ogg").unlink()
    with pytest.raises(InputError, match=rf"fr train: 1 rec.*\n  {gone[0]}: .*no such"):
        prepare(copy, language="fr")
    made = prepare(copy, language="fr", unreadable="count")
    assert gone[0] not in dict(found(made.splits["train"]))
    assert found(made.splits["test"]) == official("fr", "test")
    assert [one.duration for one in made.splits["test"]][1] == 0
    assert made.notes[0].dropped == {"without text": 1, "unreadable": 1}


def test_lines_that_are_no_rows(prepare, copy):
    """One error names them all; blank lines are none."""
    path = table(copy, "fr", "test")
    first = path.read_text().splitlines()[1]
    nameless = "\t".join(["", *first.split("\t")[1:]])
    add_lines(path, "", first, nameless, f"{first}\ttoo many", "2017\tcut off")
    with pytest.raises(InputError) as raised:
        prepare(copy, language="fr")
    lines = str(raised.value).splitlines()
    assert lines[0].endswith("fr/asr_test.tsv:")
    assert lines[1:5] == [
        f"  line 7: {first.split()[0]} stands above already",
        *(f"  line {number} is no row of the table" for number in (8, 9, 10)),
    ]
    assert "get_asr_data" in lines[5]
    assert len(lines) == 6


def test_tables_of_another_kind(prepare, copy):
    """The columns are named; so is a table without rows, and one that is missing."""
    path = table(copy, "fr", "dev")
    content = path.read_text()
    path.write_text(content.replace("normalized_text", "text"))
    with pytest.raises(
        InputError, match=r"asr_dev.tsv, line 1: .* no column normalized_t"
    ):
        prepare(copy, language="fr")
    path.write_text(content.splitlines()[0])
    with pytest.raises(InputError, match=r"asr_dev.tsv:\n  there are no rows"):
        prepare(copy, language="fr")
    path.unlink()
    with pytest.raises(InputError, match=r"asr_dev.tsv cannot be read: No such"):
        prepare(copy, language="fr")


# All the way


def test_a_run_scores_the_whole_test_set(launcher, root, encoder_folder, tmp_path):
    """A word, half a minute, no word; the long training clip is not learnt from."""
    options = {
        "data_folder": root,
        "language": "fr",
        "encoder.source": encoder_folder,
        "output_folder": tmp_path / "run",
        "optim.num_updates": 1,
        "optim.encoder_frozen_updates": 0,
        "data.seconds_per_update": 4.0,
        "data.num_workers": 0,
    }
    words = [str(x) for key, value in options.items() for x in (f"--{key}", value)]
    run = launcher.start("hparams/xlsr_300m.yaml", *words, folder=RECIPE)
    assert run.wait() == 0, run.err
    rows = read_rows(tmp_path / "run" / "results.csv")
    assert {(row.split, row.clips) for row in rows} == {("test", 4)}
    assert {row.metric: row.total for row in rows}["WER"] == 1 + 2 + 0 + 4
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "1 training utterances longer than 30.0 s are left out" in log
