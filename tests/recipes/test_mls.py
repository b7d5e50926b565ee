"""MLS from a tiny folder in the publisher's layout, to utterances and to a score.

Seen to fail: a fold too few or too many, all of train looked at, a folder listed, Opus
files taken for FLAC, another language's folder, a handle or a repeated id passed over,
a test clip dropped that is missing or has no text, hyphens lost in texts or in a score,
lengths not remembered.
"""

import math
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.corpus import sing
from tests.fixtures import ROOT
from tests.recipes.mls_files import (
    NUM_DEV,
    NUM_TEST,
    NUM_TRAIN,
    ids_of,
    text,
    write_mls,
)
from xlsr_sb.data import measuring
from xlsr_sb.data.audio import load_audio, probe_audio
from xlsr_sb.errors import InputError
from xlsr_sb.results import read_rows
from xlsr_sb.run.preparation import find_prepare

RECIPE = ROOT / "recipes" / "MLS" / "ASR"
TRAIN_IDS = ids_of("train", NUM_TRAIN)


@pytest.fixture
def prepare(monkeypatch):
    """The recipe's."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return find_prepare(str(RECIPE / "train.py"))


@pytest.fixture(scope="module")
def mls(tmp_path_factory):
    """Not to be changed by a test."""
    folder = tmp_path_factory.mktemp("mls")
    write_mls(folder)
    return folder


@pytest.fixture
def copy(mls, tmp_path):
    """To be changed."""
    return Path(shutil.copytree(mls, tmp_path / "mls"))


def ids(utterances):
    return [one.id for one in utterances]


def edit(path, old, new):
    """Replace a part of a file that stands there once."""
    content = path.read_text(encoding="utf-8")
    assert content.count(old) == 1
    path.write_text(content.replace(old, new), encoding="utf-8")


def remove_clip(folder, name):
    (clip,) = folder.glob(f"audio/*/*/{name}.*")
    clip.unlink()


# What is read


@pytest.mark.parametrize("language", ["fr", "pl"])
def test_utterances_are_those_that_were_published(prepare, mls, language):
    """Dev and test whole, in the order of their transcripts, texts as they stand."""
    made = prepare(mls, language=language)
    assert ids(made.splits["dev"]) == ids_of("dev", NUM_DEV)
    assert ids(made.splits["test"]) == ids_of("test", NUM_TEST)
    assert ids(made.splits["train"]) == TRAIN_IDS[:9]
    for one in [x for part in made.splits.values() for x in part]:
        assert one.wrd == text(one.id)
        assert "'" in one.wrd
        assert "-" in one.wrd
        assert (one.language, one.spk_id) == (language, one.id.split("_")[0])
        assert Path(one.wav).stem == one.id
        assert one.duration == soundfile.info(one.wav).duration > 0.5
    groups = [f"{language} train 10h", f"{language} dev", f"{language} test"]
    assert [note.group for note in made.notes] == groups
    assert [note.kept for note in made.notes] == [9, NUM_DEV, NUM_TEST]


@pytest.mark.parametrize(
    ("labels", "fold", "chosen"),
    [
        ("9h", 0, TRAIN_IDS[:3]),
        ("1h", 0, TRAIN_IDS[3:9]),
        ("10min", 0, TRAIN_IDS[3:4]),
        ("10min", 5, TRAIN_IDS[8:9]),
        ("full", 0, TRAIN_IDS),
    ],
)
def test_labels(prepare, mls, labels, fold, chosen):
    """Dev and test are the same whatever is learnt from."""
    made = prepare(mls, language="fr", labels=labels, fold=fold)
    assert ids(made.splits["train"]) == chosen
    assert made.notes[0].group == f"fr train {labels}"
    assert ids(made.splits["test"]) == ids_of("test", NUM_TEST)


def test_labels_that_do_not_exist(prepare, mls):
    """What there is, is listed; a fold that would do nothing is an error."""
    known = r"one of 10h, 9h, 1h, 10min, full, got '100h'"
    for labels, fold, message in (
        ("100h", 0, known),
        ("10min", 6, r"fold must be 0 to 5, got 6"),
        ("1h", 2, r"fold 2 is for labels 10min; 1h has none"),
    ):
        with pytest.raises(InputError, match=message):
            prepare(mls, language="fr", labels=labels, fold=fold)


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_opus_has_its_true_length(tmp_path, rate):
    """From the header and decoded; a codec pads its first and last block."""
    for num_samples in (8_001, 12_345, 16_000):
        path = tmp_path / f"{num_samples}.opus"
        samples = np.resize(sing("abadeno", seed=1), num_samples)
        soundfile.write(path, samples, rate, format="OGG", subtype="OPUS")
        assert probe_audio(path).duration == num_samples / rate
        assert load_audio(path).shape == (math.ceil(num_samples * 16_000 / rate),)


def test_opus_is_the_same_speech(prepare, mls):
    """Both languages were made of the same tones: neither later, nor cut."""
    flac, opus = (prepare(mls, language=x).splits["test"] for x in ("fr", "pl"))
    for one, other in zip(flac, opus, strict=True):
        assert one.wav.endswith(".flac")
        assert other.wav.endswith(".opus")
        whole, decoded = load_audio(one.wav), load_audio(other.wav)
        assert len(whole) == len(decoded)
        assert whole.std() > 0.1
        assert (whole - decoded).std() < 0.3 * whole.std()


# What is not looked at


def test_only_what_was_asked_for_is_looked_at(prepare, copy, monkeypatch):
    """No folder is listed, no other clip opened, a broken line elsewhere no matter."""
    folder = copy / "mls_french"
    for name in TRAIN_IDS[9:]:
        remove_clip(folder / "train", name)
    edit(
        folder / "train" / "transcripts.txt",
        f"{TRAIN_IDS[-1]}\t",
        "a line without tab ",
    )
    whole = prepare(copy, language="fr")
    for path in [*copy.glob("*/metainfo.txt"), *copy.glob("*/*/segments.txt")]:
        path.unlink()
    for module, name in ((os, "listdir"), (os, "scandir"), (os, "walk")):
        monkeypatch.setattr(module, name, None)
    assert prepare(copy, language="fr") == whole
    assert ids(whole.splits["train"]) == TRAIN_IDS[:9]


def test_an_interrupted_preparation_goes_on(prepare, mls, tmp_path, monkeypatch):
    """Lengths that the cache has are not read again."""
    cache = tmp_path / "lengths.csv"
    made = prepare(mls, language="fr", cache=str(cache))
    lines = cache.read_text().splitlines(keepends=True)
    assert len(lines) == 14
    cache.write_text("".join(lines[:-2]) + lines[-2][:-9])
    opened = []

    def probe(path):
        opened.append(path)
        return probe_audio(path)

    monkeypatch.setattr(measuring, "probe_audio", probe)
    assert prepare(mls, language="fr", cache=str(cache)) == made
    assert opened == [one.wav for one in made.splits["test"][-2:]]


# Where it is


def test_the_folder_of_the_language_itself(prepare, mls, tmp_path):
    """Under its own name, or another."""
    inside = prepare(mls, language="pl")
    assert prepare(mls / "mls_polish_opus", language="pl") == inside
    (tmp_path / "polski").symlink_to(mls / "mls_polish_opus")
    renamed = prepare(tmp_path / "polski", language="pl")
    assert ids(renamed.splits["train"]) == ids(inside.splits["train"])


def test_flac_is_read_where_both_are_there(prepare, copy):
    """Whatever else lies beside them."""
    shutil.copytree(copy / "mls_polish_opus", copy / "mls_french_opus")
    made = prepare(copy, language="fr")
    assert made.splits["dev"][0].wav.endswith(".flac")


@pytest.mark.parametrize(
    ("place", "language", "message"),
    [
        (
            "",
            "ka",
            r"'ka' is not in MLS, which has de, en, .*; \S+ holds mls_french, mls_",
        ),
        (
            "",
            "it",
            r"must hold mls_italian or mls_italian_opus.*mls_french, mls_polish",
        ),
        ("mls_french", "pl", r"must hold mls_polish .*; it holds no language of MLS"),
        ("nowhere", "pl", r"nowhere: data_folder must hold mls_polish"),
    ],
)
def test_a_language_that_is_not_there(prepare, mls, place, language, message):
    """What is there, is listed."""
    with pytest.raises(InputError, match=message):
        prepare(mls / place, language=language)


# What does not fit together


def test_handles_without_transcript(prepare, copy):
    """All of them are named, of all parts; blank lines and Windows' line ends pass."""
    limited = copy / "mls_french" / "train" / "limited_supervision"
    with (limited / "9hr" / "handles.txt").open("a", newline="") as file:
        file.write("\r\n1_2_000007\r\n\n")
    edit(limited / "1hr" / "3" / "handles.txt", TRAIN_IDS[6], "1_2_000009")
    with pytest.raises(InputError) as raised:
        prepare(copy, language="fr")
    lines = str(raised.value).splitlines()
    assert lines[0].endswith("mls_french/train/transcripts.txt:")
    assert lines[1:3] == [
        "  handle 1_2_000007 has no transcript",
        "  handle 1_2_000009 has no transcript",
    ]
    assert "unpack it again" in lines[3]
    assert len(lines) == 4


def test_handles_that_are_missing(prepare, copy):
    (copy / "mls_french/train/limited_supervision/1hr/2/handles.txt").unlink()
    with pytest.raises(InputError, match=r"1hr/2/handles.txt cannot be read: No such"):
        prepare(copy, language="fr", labels="1h")
    prepare(copy, language="fr", labels="9h")


def test_lines_that_are_no_transcripts(prepare, copy):
    """One error names them, the first ten."""
    path = copy / "mls_french" / "test" / "transcripts.txt"
    first = path.read_text().splitlines()[0]
    extra = [first, "1_2_3 no tab", "1_2\ttwo parts", *(f"x{i}\ty" for i in range(9))]
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in extra)
    with pytest.raises(InputError) as raised:
        prepare(copy, language="fr")
    lines = str(raised.value).splitlines()
    assert lines[1] == f"  line 4: {first.split()[0]} stands above already"
    assert lines[2] == "  line 5: '1_2_3 no tab' is not <id> TAB <text>"
    assert lines[3] == "  line 6: '1_2' is not <id> TAB <text>"
    assert lines[11] == "  ... and 2 more"


def test_transcripts_that_are_no_text(prepare, copy):
    path = copy / "mls_french" / "dev" / "transcripts.txt"
    path.write_bytes(path.read_bytes() + b"1_2_000003\t\xff\n")
    with pytest.raises(InputError, match=r"dev/transcripts.txt, line 3: not UTF-8"):
        prepare(copy, language="fr")
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"transcripts.txt:\n  it is empty"):
        prepare(copy, language="fr")
    path.unlink()
    with pytest.raises(InputError, match=r"transcripts.txt cannot be read: No such"):
        prepare(copy, language="fr")


def test_transcripts_without_clip(prepare, copy):
    """An error; or left out of training, and counted as errors in the test."""
    folder = copy / "mls_polish_opus"
    gone = {"train": TRAIN_IDS[4], "test": ids_of("test", NUM_TEST)[0]}
    for split, name in gone.items():
        remove_clip(folder / split, name)
    with pytest.raises(
        InputError, match=rf"pl train 10h: 1 rec.*\n  {TRAIN_IDS[4]}: .*opus"
    ):
        prepare(copy, language="pl")
    made = prepare(copy, language="pl", unreadable="count")
    assert ids(made.splits["train"]) == [x for x in TRAIN_IDS[:9] if x != gone["train"]]
    assert ids(made.splits["test"]) == ids_of("test", NUM_TEST)
    assert [one.duration > 0 for one in made.splits["test"]] == [False, True, True]
    assert made.notes[0].dropped == {"without text": 0, "unreadable": 1}


def test_empty_texts(prepare, copy):
    """Left out of training and counted; kept in the test: nothing is to be said."""
    for split in ("train", "test"):
        path = copy / "mls_french" / split / "transcripts.txt"
        first = path.read_text().splitlines()[0]
        edit(path, first, first.split("\t")[0] + "\t")
    made = prepare(copy, language="fr")
    assert ids(made.splits["train"]) == TRAIN_IDS[1:9]
    assert made.notes[0].dropped["without text"] == 1
    assert ids(made.splits["test"]) == ids_of("test", NUM_TEST)
    assert made.splits["test"][0].wrd == ""


# All the way


def test_a_run_scores_the_whole_test_set(launcher, mls, encoder_folder, tmp_path):
    """As a user starts it; hyphens and apostrophes are learnt and scored."""
    options = {
        "data_folder": mls,
        "language": "fr",
        "labels": "10min",
        "fold": 1,
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
    assert {(row.split, row.clips) for row in rows} == {("test", NUM_TEST)}
    texts = [text(name) for name in ids_of("test", NUM_TEST)]
    totals = {row.metric: row.total for row in rows}
    assert totals["WER"] == sum(len(one.split()) for one in texts)
    assert totals["CER"] == sum(map(len, texts))
