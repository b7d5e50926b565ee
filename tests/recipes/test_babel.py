"""Telephone conversations, from packages as the LDC lays them out to utterances.

Seen to fail: segments without words dropped from a test set, or learnt from; unreadable
ones lost; a recording cut in half believed; text of before a repeated time; tags that
become words; scripted speech read; sides of one caller in two sets; another rate's
samples; two languages in one package.
"""

import doctest
import importlib
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.fixtures import ROOT
from tests.recipes import babel_files as fake
from tests.recipes.babel_files import conversation, package_of, write_transcript
from xlsr_sb.data import measuring
from xlsr_sb.data.audio import load_audio
from xlsr_sb.data.text import normalise_text
from xlsr_sb.errors import InputError
from xlsr_sb.hparams import load_hparams
from xlsr_sb.run.preparation import find_prepare, manifests

RECIPE = ROOT / "recipes" / "BABEL"
TEST_SIDE = f"{conversation('404', '99001')}_inLine"
TRAIN_SIDE = f"{conversation('404', '10033')}_inLine"  # not held out


@pytest.fixture
def prepare(monkeypatch):
    """The recipe's, found as a run finds it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return find_prepare(str(RECIPE / "ASR" / "train.py"))


@pytest.fixture
def modules(monkeypatch):
    """Modules of the recipe, by name."""
    monkeypatch.syspath_prepend(str(RECIPE))
    names = ("transcripts", "packages", "segments", "sphere")
    return {x: importlib.import_module(f"babel_speech.{x}") for x in names}


@pytest.fixture
def package(tmp_path):
    """Conversations of a Georgian package, to be spoilt."""
    return fake.write_package(tmp_path)


@pytest.fixture
def prepared(prepare, package, tmp_path):
    """The recipe's ``prepare`` on the folder that holds the package."""
    assert package.is_relative_to(tmp_path)
    return partial(prepare, str(tmp_path), language="ka")


def split_of(made, name):
    """Split and utterances of a side."""
    for split, utterances in made.splits.items():
        found = [one for one in utterances if one.id.startswith(f"{name}_0")]
        if found:
            return split, found
    return None, []


def dropped(made):
    """What was counted, by split and reason."""
    return {
        note.group: {why: count for why, count in note.dropped.items() if count}
        for note in made.notes
    }


def retell(package, name, *lines, part="dev"):
    """Give a side another transcript."""
    write_transcript(package / part, name, list(lines))


# What is read


def test_conversations_become_utterances(prepared, package):
    """Segments in samples of their file; scripted speech is not read."""
    made = prepared()
    assert {name: len(part) for name, part in made.splits.items()} == {
        "train": 12,
        "dev": 6,
        "test": 5,
    }
    split, (silence, word, last) = split_of(made, TEST_SIDE)
    assert split == "test"
    assert [one.wrd for one in (silence, word, last)] == ["", "აბა", "დაო მი"]
    assert (word.start, word.stop, word.duration) == (6_400, 12_800, 0.8)
    assert (word.language, word.spk_id) == ("ka", "404_99001_A")
    assert word.wav == str(package / "dev" / "audio" / f"{TEST_SIDE}.sph")
    assert soundfile.info(word.wav).subtype == "ULAW"
    _, (mobile, _) = split_of(made, f"{conversation('404', '99001')}_outLine")
    assert (mobile.start, mobile.stop, mobile.duration) == (0, 38_400, 0.8)
    assert mobile.spk_id == "404_99001_B"
    for one in (word, mobile):
        samples = load_audio(one.wav, start=one.start, stop=one.stop)
        assert len(samples) == 12_800
        assert samples.std() > 0.05
    assert dropped(made) == {"train": {"without words": 6}, "dev": {}, "test": {}}
    everything = [one for part in made.splits.values() for one in part]
    assert len({one.id for one in everything}) == len(everything) == 23
    assert not any("ara" in one.wrd or "არა" in one.wrd for one in everything)


def test_whole_conversations_of_training_are_for_development(prepare, tmp_path):
    """The same each time, no caller on both sides, and the test set apart."""
    place = package_of(tmp_path)
    for i in range(60):
        caller = str(10_000 + i // 2)  # two conversations each
        name = f"BABEL_OP3_404_{caller}_201310{10 + i % 2}_205740"
        for line in ("inLine", "outLine"):
            fake.write_side(place / "training", f"{name}_{line}", ["აბა"])
    fake.write_side(place / "dev", TEST_SIDE, ["აბა"])
    found = []
    for _ in range(2):
        made = prepare(str(tmp_path), language="ka")
        found.append({x: [one.id for one in y] for x, y in made.splits.items()})
    assert found[0] == found[1]
    assert [len(found[0][x]) for x in ("train", "dev", "test")] == [112, 8, 1]
    callers = [{one.split("_")[3] for one in found[0][x]} for x in ("train", "dev")]
    assert callers[1] == {"10004", "10016"}  # those with the lowest hashes, for ever
    assert len(callers[0]) == 28
    assert not callers[0] & callers[1]


def test_one_caller_is_too_few(prepare, tmp_path):
    place = package_of(tmp_path)
    fake.write_side(place / "training", TRAIN_SIDE, ["აბა"])
    fake.write_side(place / "dev", TEST_SIDE, ["აბა"])
    with pytest.raises(InputError, match=r"training/.* of one caller; there must be"):
        prepare(str(tmp_path), language="ka")


# Which package


def test_a_package_among_others(prepare, tmp_path):
    """Each language is found in a folder of several packages, or in its own."""
    fake.write_babel(tmp_path)
    for folder in (tmp_path, package_of(tmp_path, "102", release="BP")):
        made = prepare(str(folder), language="as")
        assert {one.spk_id[:4] for one in made.splits["train"]} == {"102_"}
        assert {one.language for one in made.splits["test"]} == {"as"}


@pytest.mark.parametrize("language", ["kaa", "", "404"])
def test_languages_that_are_none(prepared, language):
    with pytest.raises(InputError, match=rf"language must be one of yue .*{language}"):
        prepared(language=language)


def test_a_package_of_another_language(prepared):
    """What was asked for is named, and what is there."""
    message = r"tl is Tagalog, BABEL 106; .* There is .*conversational: 404 \(ka\)$"
    with pytest.raises(InputError, match=message):
        prepared(language="tl")


def test_a_package_with_two_languages(prepared, package):
    """A file that was put into the wrong package is not learnt from."""
    wrong = f"{conversation('402', '10033')}_inLine"
    fake.write_side(package / "training", wrong, ["aba"])
    with pytest.raises(InputError, match=r"There is .*: 402 \(jv\), 404 \(ka\)$"):
        prepared()


def test_a_package_twice(prepared, tmp_path):
    shutil.copytree(tmp_path / "IARPA_BABEL_OP3_404", tmp_path / "copy")
    with pytest.raises(InputError, match=r"exactly one .*404 \(ka\); .*404 \(ka\)$"):
        prepared()


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("none", r"none is not a folder"),
        (
            "IARPA_BABEL_OP3_404/BABEL_OP3_404/scripted",
            r"no folder conversational with",
        ),
    ],
)
@pytest.mark.usefixtures("package")
def test_folders_without_a_package(prepare, tmp_path, folder, message):
    with pytest.raises(InputError, match=message):
        prepare(str(tmp_path / folder), language="ka")


def test_names_of_another_kind(prepared, package):
    write_transcript(package / "dev", "notes", ["[0.0]"])
    with pytest.raises(InputError, match=r"notes.txt: the name must be as BABEL_OP3_"):
        prepared()


def test_a_part_without_audio(prepared, package):
    shutil.rmtree(package / "dev" / "audio")
    with pytest.raises(InputError, match=r"there is no folder .*dev/audio"):
        prepared()


# Times


def test_times_without_text(prepared, package):
    """Repeated ones begin no segment: the text is that after the last of them."""
    lines = ["[0.0]", "[0.25]", "აბა", "[0.75]", "[1.0]", "", "[1.5]", "დაო", "[2.000]"]
    retell(package, TEST_SIDE, *lines, "[2.2]")
    made = prepared()
    _, found = split_of(made, TEST_SIDE)
    assert [(one.wrd, one.start, one.stop) for one in found] == [
        ("აბა", 2_000, 6_000),
        ("დაო", 12_000, 16_000),
    ]
    assert dropped(made)["test"] == {"times without text": 4}


def test_how_files_are_written(prepared, package):
    """A mark of byte order, line ends of Windows, text on two lines, whole seconds."""
    path = package / "dev" / "transcription" / f"{TEST_SIDE}.txt"
    path.write_bytes("\ufeff[0]\r\nაბა\r\nდაო \r\n[.8] \r\nმი\r\n[2.]\r\n".encode())
    _, found = split_of(prepared(), TEST_SIDE)
    assert [(one.wrd, one.start, one.stop) for one in found] == [
        ("აბა დაო", 0, 6_400),
        ("მი", 6_400, 16_000),
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["აბა", "[1.0]"], r"inLine.txt, line 1: 'აბა' has no time before it"),
        (["[0.0]", "აბა"], r"inLine.txt: the last line is 'აბა'; it must be the time"),
        (
            ["[1.0]", "აბა", "[0.5]"],
            r"line 3: the time 0.5 comes after 1.0; times must",
        ),
        ([], r"inLine.txt: the last line is ''; it must be the time"),
    ],
)
def test_transcripts_that_make_no_sense(prepared, package, lines, message):
    """Under ``count`` too: what was said when, must be known."""
    retell(package, TEST_SIDE, *lines)
    with pytest.raises(InputError, match=message):
        prepared(unreadable="count")


@pytest.mark.parametrize("part", ["dev", "training"])
def test_segments_of_no_length(prepared, package, part):
    """Left out of training; in a test set they count as errors."""
    name = {"dev": TEST_SIDE, "training": TRAIN_SIDE}[part]
    lines = ["[0.0]", "აბა", "[0.5]", "დაო", "[0.5]", "მი", "[1.0]"]
    retell(package, name, *lines, part=part)
    made = prepared()
    split, found = split_of(made, name)
    texts = [(one.wrd, one.duration, one.start) for one in found]
    middle = [("დაო", 0.0, None)] if part == "dev" else []
    assert texts == [("აბა", 0.5, 0), *middle, ("მი", 0.5, 4_000)]
    reason = "of no length" + (", counted as errors" if part == "dev" else "")
    assert dropped(made)[split][reason] == 1
    assert found[-1].id == f"{name}_0003"  # the number of the segment in the file


def test_the_last_segment_ends_with_the_recording(prepared, package):
    """Transcripts go on a little after it."""
    retell(package, TEST_SIDE, "[0.0]", "აბა", "[2.0]", "მი", "[2.85]")
    made = prepared()
    _, found = split_of(made, TEST_SIDE)
    assert [(one.start, one.stop) for one in found] == [(0, 16_000), (16_000, 19_200)]
    assert found[1].duration == 0.4
    assert dropped(made)["test"] == {}


# Text


MARKS = [
    ("აბა <hes> დაო", "აბა დაო"),
    ("<breath> <cough> <laugh> <lipsmack> <click> <ring> <dtmf> <int> <sta>", ""),
    ("<no-speech>", ""),
    ("<male-to-female> აბა <female-to-male>", "აბა"),
    ("(()) აბა <foreign> <prompt> <overlap>", "აბა"),
    ("((აბა)) დაო", "აბა დაო"),
    ("*აბა* *და ო*", "აბა და ო"),
    ("აბა- -დაო მი-მი", "აბა დაო მი-მი"),
    ("~ აბა~ ~დაო ~", "აბა დაო"),
    ("/აბა/", "აბა"),
    ("t_v u_s_a", "t v u s a"),
    ("<hes>აბა<int>დაო", "აბა დაო"),
    ("- * ~", ""),
]


@pytest.mark.parametrize(("text", "words"), MARKS)
def test_what_is_learnt_and_scored_of_a_text(modules, text, words):
    """And the run's own normalisation leaves it at that."""
    assert modules["transcripts"].spoken_words(text) == words
    assert normalise_text(words, "ka", keep="'-") == words


def test_no_tag_is_learnt_as_a_word(modules):
    """Whatever its name; those of no known meaning are told."""
    transcripts = modules["transcripts"]
    assert len(transcripts.KNOWN_TAGS) == 17
    for tag in [*transcripts.KNOWN_TAGS, "<lipsmak>"]:
        assert transcripts.spoken_words(f"აბა {tag}") == "აბა"
    assert transcripts.unknown_tags(" ".join(transcripts.KNOWN_TAGS)) == []


def test_tags_of_no_known_meaning_are_counted(prepared, package):
    retell(package, TEST_SIDE, "[0.0]", "<lipsmak> <hes> <x>", "[1.0]")
    made = prepared()
    assert dropped(made)["test"] == {"tags of no known meaning": 2}
    assert len(split_of(made, TEST_SIDE)[1]) == 1


@pytest.mark.parametrize("text", ["<no-speech>", "<hes> (())", "<foreign>"])
def test_segments_without_words(prepared, package, text):
    """Nothing to learn from, but what is said in them is an insertion when scored."""
    for name, part in ((TEST_SIDE, "dev"), (TRAIN_SIDE, "training")):
        retell(package, name, "[0.0]", text, "[1.0]", "აბა", "[2.0]", part=part)
    made = prepared()
    assert [one.wrd for one in split_of(made, TEST_SIDE)[1]] == ["", "აბა"]
    assert [one.wrd for one in split_of(made, TRAIN_SIDE)[1]] == ["აბა"]
    assert dropped(made) == {"train": {"without words": 6}, "dev": {}, "test": {}}


# Recordings


@pytest.fixture
def spoilt(package):
    """One side of training and one of the test are missing, one is cut in half."""
    for part, name in (("training", TRAIN_SIDE), ("dev", TEST_SIDE)):
        (package / part / "audio" / f"{name}.sph").unlink()
    cut = package / "dev" / "audio" / f"{conversation('404', '99001')}_outLine.wav"
    samples, rate = soundfile.read(cut)
    soundfile.write(cut, samples[:30_000], rate)


@pytest.mark.usefixtures("spoilt")
def test_recordings_that_cannot_be_read(prepared):
    """Named, first those of the set that comes first."""
    with pytest.raises(InputError, match=rf"train: 1 rec.*\n  {TRAIN_SIDE}: .*no such"):
        prepared()


def test_a_recording_that_ends_early(prepared, package):
    """As libsndfile says nothing of a SPHERE file cut in half, the transcript does."""
    path = package / "dev" / "audio" / f"{TEST_SIDE}.sph"
    path.write_bytes(path.read_bytes()[: 1_024 + 9_000])
    message = (
        rf"test: 1 .*\n  {TEST_SIDE}: it ends at 1.12 s, and its transcript at 2.40"
    )
    with pytest.raises(InputError, match=message):
        prepared()


@pytest.mark.usefixtures("spoilt")
def test_recordings_that_are_counted(prepared):
    """No segment of a test set gets lost; training goes on without."""
    made = prepared(unreadable="count")
    assert split_of(made, TRAIN_SIDE) == (None, [])
    _, missing = split_of(made, TEST_SIDE)
    assert [(x.wrd, x.duration, x.start) for x in missing] == [
        ("", 0.0, None),
        ("აბა", 0.0, None),
        ("დაო მი", 0.0, None),
    ]
    _, cut = split_of(made, f"{conversation('404', '99001')}_outLine")
    assert [(x.wrd, x.duration, x.stop) for x in cut] == [
        ("ბეე", 0.625, 30_000),
        ("", 0.0, None),
    ]
    assert len(made.splits["test"]) == 5
    assert dropped(made)["train"] == {"unreadable": 3, "without words": 5}
    assert dropped(made)["test"] == {
        "unreadable, counted as errors": 3,
        "beyond the end of their recording, counted as errors": 1,
    }


def test_a_side_of_training_that_ends_early(prepared, package):
    """Its text does not fit what is left of it."""
    path = package / "training" / "audio" / f"{TRAIN_SIDE}.sph"
    path.write_bytes(path.read_bytes()[: 1_024 + 7_000])
    made = prepared(unreadable="count")
    assert [one.wrd for one in split_of(made, TRAIN_SIDE)[1]] == ["აბა ნინე"]
    assert dropped(made)["train"]["beyond the end of their recording"] == 2


def test_recordings_without_a_transcript(prepared, package):
    for part in ("training", "dev"):
        name = f"{conversation('404', '55555')}_inLine"
        fake.write_audio(package / part, name, np.zeros(16_000), audio="ulaw")
    made = prepared()
    assert dropped(made)["train"]["recordings without a transcript"] == 1
    assert dropped(made)["test"] == {"recordings without a transcript": 1}
    assert len(made.splits["test"]) == 5


@pytest.mark.parametrize("unreadable", ["error", "count"])
def test_compressed_recordings(prepared, package, unreadable):
    """The command that converts them is told; what it makes is then read."""
    paths = sorted((package / "dev" / "audio").glob("*.sph"))
    assert len(paths) == 1
    samples, rate = soundfile.read(paths[0])
    fake.shorten(paths[0])
    options = {"language": "ka", "unreadable": unreadable}
    with pytest.raises(InputError) as error:
        prepared(**options)
    message = str(error.value)
    assert message.startswith("1 recordings are SPHERE files compressed with shorten")
    loop = f'for f in {paths[0].parent}/*.sph; do sph2pipe -p -f wav "$f" "${{f%.sph}}'
    assert f'{loop}.wav"; done' in message
    soundfile.write(paths[0].with_suffix(".wav"), samples, rate)
    made = prepared(**options)
    _, found = split_of(made, TEST_SIDE)
    assert {Path(one.wav).suffix for one in found} == {".wav"}
    assert len(found) == 3


def test_what_to_do_with_bad_recordings(prepared):
    with pytest.raises(InputError, match=r"unreadable must be one of .*got 'skip'"):
        prepared(unreadable="skip")


def test_lengths_are_read_once(prepared, tmp_path, monkeypatch):
    """An interrupted preparation goes on; a second one opens no file."""
    opened, probe = [], measuring.probe_audio

    def probing(path):
        opened.append(path)
        return probe(path)

    monkeypatch.setattr(measuring, "probe_audio", probing)
    options = {"language": "ka", "cache": str(tmp_path / "out" / "lengths.csv")}
    made = prepared(**options)
    assert len(opened) == len(set(opened)) == 10
    assert prepared(**options) == made
    assert len(opened) == 10


# The rest


@pytest.mark.usefixtures("spoilt")
def test_a_run_takes_what_is_prepared(prepare, tmp_path):
    """Manifests are written and read again, sets with unreadable recordings too."""
    options = {"data_folder": str(tmp_path), "language": "ka", "unreadable": "count"}
    splits = manifests(tmp_path / "manifests", prepare, options)
    assert [len(splits[name]) for name in ("train", "dev", "test")] == [10, 6, 5]


@pytest.mark.parametrize(
    ("size", "rate", "seconds"),
    [("300m", 1e-4, 1_600.0), ("1b", 1e-4, 1_600.0), ("2b", 2e-5, 3_840.0)],
)
def test_settings_of_the_paper(size, rate, seconds):
    leaf = RECIPE / "ASR" / "hparams" / f"xlsr_{size}.yaml"
    hparams = load_hparams(leaf, "{language: ka, data_folder: x}")
    optim = hparams["optim"]
    assert optim["num_updates"] == 26_000
    assert optim["encoder_frozen_updates"] == 10_000
    assert optim["encoder_lr"] == optim["head_lr"] == rate
    assert hparams["data"]["seconds_per_update"] == seconds
    assert hparams["encoder"]["mask_time_prob"] == 0.75
    assert hparams["encoder"]["source"] == f"facebook/wav2vec2-xls-r-{size}"


def test_all_languages_of_the_program(modules):
    languages = modules["packages"].LANGUAGES
    assert len(languages) == len({number for number, _ in languages.values()}) == 25
    assert {code: languages[code][0] for code in ("as", "tl", "sw", "lo", "ka")} == {
        "as": "102",
        "tl": "106",
        "sw": "202",
        "lo": "203",
        "ka": "404",
    }
    readme = (RECIPE / "ASR" / "README.md").read_text()
    for code, (number, name) in languages.items():
        assert f"{name} `{code}` {number}" in readme


def test_examples(modules, request):
    """In the docstrings of the recipe."""
    tried = 0
    for module in modules.values():
        names = {"getfixture": request.getfixturevalue}
        found = doctest.testmod(module, extraglobs=names)
        assert found.failed == 0, module
        tried += found.attempted
    assert tried >= 6
