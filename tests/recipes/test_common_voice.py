"""Common Voice of any release, and few-shot lists with phones."""

import doctest
import importlib
import json
import pkgutil
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.recipes import common_voice_files as fake
from xlsr_sb.data.audio import load_audio, probe_audio
from xlsr_sb.data.text import normalise_text
from xlsr_sb.errors import InputError

prepare = fake.load_prepare().prepare
NEW, OLD, FIRST, SPLITS = fake.NEW, fake.OLD, fake.FIRST, fake.SPLITS
WHOLE = {"train": 6, "dev": 2, "test": 3}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All that the generator writes; not to be changed."""
    folder = tmp_path_factory.mktemp("common_voice")
    fake.write_common_voice(folder)
    return folder


@pytest.fixture
def places(whole, tmp_path):
    """A copy that may be changed."""
    return Path(shutil.copytree(whole, tmp_path / "places"))


def counts(corpus):
    """Utterances by split."""
    return {name: len(part) for name, part in corpus.splits.items()}


def dropped(corpus):
    """What was dropped, by reason, of all groups."""
    return {why: n for note in corpus.notes for why, n in note.dropped.items() if n}


def change(path, before, after):
    """Replace a text that stands in a file."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


# Releases


@pytest.mark.parametrize(
    ("release", "language"), [(NEW, "fr"), (FIRST, "tr"), (OLD, "zh-TW")]
)
def test_every_release_is_read_by_its_column_names(whole, release, language):
    """Clips of either rate, with and without the name of the file; sets are whole."""
    corpus = prepare(whole / release, language=language)
    assert counts(corpus) == WHOLE
    for name, numbers in fake.TABLES.items():
        for one, number in zip(corpus.splits[name], numbers, strict=True):
            assert one.id == fake.clip_name(language, number)
            assert one.wrd == fake.text(number)
            assert one.spk_id == fake.SPEAKERS[number] * 128
            assert one.language == language
            info = probe_audio(one.wav)
            assert info.sample_rate == fake.rate(number)
            assert one.duration == pytest.approx(info.duration, abs=0.002)
            assert len(load_audio(one.wav)) == pytest.approx(16_000 * one.duration, 99)
    assert dropped(corpus) == {}


def test_the_folder_of_the_language_does_as_well(whole):
    one = prepare(whole / NEW / "fr", language="fr")
    assert one == prepare(whole / NEW, language="fr")
    assert counts(prepare(str(whole / FIRST / "tr"), language="az")) == WHOLE


@pytest.mark.parametrize(
    ("folder", "language", "words"),
    [
        (OLD, "sv", r"cv-corpus-3 does not hold.*'sv'; there is sv-SE, zh-HK, zh-TW$"),
        (OLD, "", "language ''; there is sv-SE, zh-HK, zh-TW"),
        (f"{NEW}/fr", "", "language ''; there is fr"),
        (f"{NEW}/fr", "de", "is of the language fr, not of 'de'"),
        (".", "fr", "is no folder of a release.*cv-corpus-17"),
        ("cv-corpus-5", "fr", "there is no folder .*cv-corpus-5"),
    ],
)
def test_a_language_that_is_not_there(whole, folder, language, words):
    """The error lists those that are."""
    with pytest.raises(InputError, match=words):
        prepare(whole / folder, language=language)


def test_validated_clips_of_other_speakers(whole):
    """Neither clips of dev and test, nor others that the same people read."""
    corpus = prepare(whole / NEW, language="fr", train="validated")
    assert counts(corpus) == WHOLE | {"train": 9}
    assert dropped(corpus) == {"in dev or test": 5, "of speakers of dev or test": 1}
    speakers = {n: {one.spk_id for one in part} for n, part in corpus.splits.items()}
    assert not speakers["train"] & (speakers["dev"] | speakers["test"])
    with pytest.raises(InputError, match="train is '1h'; it must be train or valid"):
        prepare(whole / NEW, language="fr", train="1h")


SENTENCES = ["null", "nan", "None", "NA", "1", '"Oui', "", '""', "a\\b", "Ça, c'est"]


def test_sentences_are_what_stands_there(places):
    """No quoting, no missing values, doubles stay; the empty ones are scored too."""
    table = places / NEW / "fr" / "test.tsv"
    header = table.read_text(encoding="utf-8").splitlines()[0]
    for number, sentence in enumerate([*SENTENCES, "null"]):
        fake.write_table(table, [number], NEW, sentence=sentence)
        header += "\n" + table.read_text(encoding="utf-8").splitlines()[1]
    table.write_text(header, encoding="utf-8")  # nor does the last line end
    test = prepare(places / NEW, language="fr").splits["test"]
    assert [one.wrd for one in test] == [*SENTENCES, "null"]


@pytest.mark.parametrize("broken", ["Aba\nnine", "Aba\r\nnine", "Aba\\\tnine"])
def test_line_breaks_and_tabs_in_a_sentence(places, broken):
    """The row goes on; the next one is found."""
    table = places / NEW / "fr" / "train.tsv"
    change(table, fake.text(0), broken)
    corpus = prepare(places / NEW, language="fr")
    assert counts(corpus) == WHOLE
    words = [normalise_text(one.wrd, "fr") for one in corpus.splits["train"][:2]]
    assert words == ["aba nine", "nine dao"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (fake.text(8), "a\tb", r"test\.tsv, line 2: 14 cells for 13 columns"),
        ("\tsegment\n", "\n", r"test\.tsv, line 2: 13 cells for 12 columns"),
        ("\tsentence\t", "\ttext\t", "line 1: there is no column sentence; the col"),
        ("client_id\t", "", "line 1: there is no column client_id"),
    ],
)
def test_a_table_of_another_shape(places, before, after, words):
    """Named with its line, and with what stands there."""
    change(places / NEW / "fr" / "test.tsv", before, after)
    with pytest.raises(InputError, match=words):
        prepare(places / NEW, language="fr")


def test_a_table_that_ends_early(places):
    table = places / NEW / "fr" / "test.tsv"
    table.write_text(table.read_text().rstrip("\n")[:-10], encoding="utf-8")
    with pytest.raises(InputError, match="line 4: 6 cells for 13 columns.*fetch"):
        prepare(places / NEW, language="fr")


def test_a_clip_that_is_listed_twice(places):
    """Both rows of a test set are scored, under names of their own."""
    table = places / FIRST / "tr" / "test.tsv"
    fake.write_table(table, [8, 9, 8], FIRST)
    test = prepare(places / FIRST, language="tr").splits["test"]
    name = fake.clip_name("tr", 8)
    assert [one.id for one in test[::2]] == [name, f"{name}-2"]
    assert test[0].wav == test[2].wav


# Lengths


def test_listed_lengths_are_taken_and_no_clip_is_opened(places):
    """But missing ones are missed, and a list without a clip does no harm."""
    folder = places / NEW / "fr"
    for clip in (folder / "clips").iterdir():
        clip.write_bytes(b"not opened")
    cache = places / "lengths.csv"
    corpus = prepare(places / NEW, language="fr", cache=cache)
    lines = (folder / "clip_durations.tsv").read_text().splitlines()[1:]
    listed = {n: int(ms) / 1000 for n, ms in (line.split("\t") for line in lines)}
    for part in corpus.splits.values():
        assert [one.duration for one in part] == [listed[f"{x.id}.mp3"] for x in part]
    for note, part in zip(corpus.notes, corpus.splits.values(), strict=True):
        assert (note.kept, note.seconds) == (len(part), sum(x.duration for x in part))
    assert not cache.exists()
    (folder / "clips" / f"{fake.clip_name('fr', 9)}.mp3").unlink()
    with pytest.raises(
        InputError, match=r"fr test: 1 rec.*\n.*_17299009.*no such file"
    ):
        prepare(places / NEW, language="fr")


def test_lengths_that_are_not_listed_are_read_and_remembered(places):
    """Of these clips alone; a stereo clip is as long as either channel."""
    folder = places / NEW / "fr"
    first, second, third = (fake.clip_name("fr", number) for number in range(3))
    listing = folder / "clip_durations.tsv"
    rows = [line.split("\t") for line in listing.read_text().splitlines()]
    changed = {f"{first}.mp3": "0", f"{second}.mp3": "", f"{third}.mp3": "1234.5"}
    rows = [(name, changed.get(name, ms)) for name, ms in rows]
    fake.write_tsv(listing, rows)
    stereo = folder / "clips" / f"{first}.mp3"
    soundfile.write(stereo, np.zeros((44_100, 2)), 44_100, format="MP3")
    cache = places / "lengths.csv"
    train = prepare(places / NEW, language="fr", cache=cache).splits["train"]
    assert train[0].duration == 1.0
    assert train[1].duration == probe_audio(train[1].wav).duration
    assert train[2].duration == 1.2345
    assert len(cache.read_text().splitlines()) == 2
    change(listing, "duration[ms]", "length")
    with pytest.raises(InputError, match=r"no column duration\[ms\]; the columns"):
        prepare(places / NEW, language="fr")


@pytest.mark.parametrize("release", [NEW, FIRST])
def test_clips_of_no_bytes(places, release):
    """Such were published; an error names them, or they count as deleted."""
    (folder,) = (places / release).iterdir()
    for number in (0, 8):
        name = fake.clip_name(folder.name, number)
        (folder / "clips" / f"{name}.mp3").write_bytes(b"")
    with pytest.raises(InputError, match=r"train: 1 recordings.*\n.*is an empty file"):
        prepare(places / release, language=folder.name)
    corpus = prepare(places / release, language=folder.name, unreadable="count")
    assert counts(corpus) == WHOLE | {"train": 5}
    test = corpus.splits["test"]
    assert [one.duration > 0 for one in test] == [False, True, True]
    assert [one.wrd for one in test] == [fake.text(number) for number in (8, 9, 10)]
    assert dropped(corpus) == {"unreadable": 1, "unreadable, counted as errors": 1}


def test_an_empty_development_set(places):
    """As languages of few clips have: a speaker of the training set stands in."""
    folder = places / FIRST / "tr"
    fake.write_table(folder / "dev.tsv", [], FIRST)
    corpus = prepare(folder, language="tr")
    assert counts(corpus) == {"train": 4, "dev": 2, "test": 3}
    assert dropped(corpus) == {"held out as dev": 2}
    train, dev = ({x.spk_id for x in corpus.splits[n]} for n in ("train", "dev"))
    assert (len(dev), len(train), dev & train) == (1, 2, set())
    assert prepare(folder, language="tr") == corpus
    fake.write_table(folder / "train.tsv", [0], FIRST)
    with pytest.raises(InputError, match="tr train: 1 clips are too few to take"):
        prepare(folder, language="tr")
    fake.write_table(folder / "test.tsv", [], FIRST)
    with pytest.raises(InputError, match="the test set is empty"):
        prepare(folder, language="tr")


# Lists with phones


def few_shot(places, language="sv", train="1h", **options):
    """The corpus of the lists of a language."""
    options = {"splits": places / SPLITS, **options}
    return prepare(places / OLD, language=language, train=train, **options)


@pytest.mark.parametrize(("language", "locale"), [("sv", "sv-SE"), ("zh", "zh-TW")])
def test_lists_of_an_hour(whole, language, locale):
    """Numbers become symbols; the folder with the clips of the list is found."""
    corpus = few_shot(whole, language)
    assert counts(corpus) == WHOLE
    symbols = {number: symbol for symbol, number in fake.PHONES.items()}
    for name, numbers in fake.TABLES.items():
        for one, number in zip(corpus.splits[name], numbers, strict=True):
            assert one.id == fake.clip_name(locale, number)
            assert one.wrd.split(" ") == [symbols[x] for x in fake.phones(number)]
            assert one.spk_id == fake.SPEAKERS[number] * 128
            assert one.language == language
            assert Path(one.wav).parent == whole / OLD / locale / "clips"
            assert one.duration == probe_audio(one.wav).duration > 0.5
    again = few_shot(whole, language, splits=whole / SPLITS / language)
    assert again == corpus
    again = prepare(
        whole / OLD / locale, language=language, train="1h", splits=whole / SPLITS
    )
    assert again == corpus


def test_the_folder_with_most_clips_is_taken(places):
    """Whatever stands before or after it; the others' clips are not mixed in."""
    clips = places / OLD / "zh-TW" / "clips"
    for other in ("zh/clips", "zh-HK/clips", "zh-ZZ/clips", "clips"):
        folder = places / OLD / other
        folder.mkdir(parents=True, exist_ok=True)
        for number in (0, 9):
            name = f"{fake.clip_name('zh-TW', number)}.mp3"
            shutil.copy(clips / name, folder / name)
    (clips / name).unlink()
    corpus = few_shot(places, "zh", unreadable="count")
    assert counts(corpus) == WHOLE
    wavs = [x.wav for part in corpus.splits.values() for x in part]
    assert {Path(wav).parent for wav in wavs} == {clips}


def test_without_a_list_of_dev_some_of_train_stand_in(places):
    """Such as of five hours, if only one hour has its own; a plain one is of both."""
    corpus = few_shot(places, train="5h")
    assert counts(corpus) == {"train": 8, "dev": 2, "test": 3}
    assert dropped(corpus) == {"held out as dev": 2}
    folder = places / SPLITS / "sv"
    own = folder / "valSeqs_1.0_uniform_new_version.txt"
    plain = folder / "valSeqs_uniform_new_version.txt"
    plain.write_text(f"{fake.clip_name('sv-SE', 11)}.mp3\n\n")
    corpus = few_shot(places, train="5h")
    assert [x.id for x in corpus.splits["dev"]] == [fake.clip_name("sv-SE", 11)]
    assert dropped(corpus) == {"in dev or test": 1}
    assert counts(few_shot(places)) == WHOLE
    own.unlink()
    assert counts(few_shot(places)) == WHOLE | {"dev": 1}


def test_clips_of_train_that_are_scored_too(places):
    """They leave training, not the test set; a clip in a list twice is one."""
    path = places / SPLITS / "sv" / "trainSeqs_1.0_uniform_new_version.txt"
    test = (path.parent / "testSeqs_uniform_new_version.txt").read_text()
    path.write_text(path.read_text() * 2 + test)
    corpus = few_shot(places)
    assert counts(corpus) == WHOLE
    assert dropped(corpus) == {"in dev or test": 3}


@pytest.mark.parametrize("kind", [("WAV", "wav"), ("FLAC", "flac"), ("MP3", "mp3")])
def test_clips_converted_to_16_khz(places, kind):
    """By the script of the lists, sorted by speaker or not; taken if all are there."""
    folder = places / OLD / "sv-SE"
    converted = folder / "clips_16k" / "3"
    converted.mkdir(parents=True)
    sets = few_shot(places).splits.values()
    for number, one in enumerate(one for part in sets for one in part):
        corpus = few_shot(places)
        assert all("16k" not in x.wav for part in corpus.splits.values() for x in part)
        path = converted / f"{one.id}.{kind[1]}"
        soundfile.write(path, np.zeros(10_000 + number), 16_000, format=kind[0])
    corpus = few_shot(places)
    assert counts(corpus) == WHOLE
    wavs = [x.wav for part in corpus.splits.values() for x in part]
    assert {Path(wav).parent for wav in wavs} == {converted}
    shutil.rmtree(folder / "clips")
    assert few_shot(places) == corpus
    (folder / "validated.tsv").unlink()
    corpus = few_shot(places)
    assert {one.spk_id for one in corpus.splits["train"]} == {""}


def test_a_clip_of_the_lists_that_is_missing(places):
    """An error, or all its phones count as deleted; none at all is an error."""
    clips = places / OLD / "sv-SE" / "clips"
    lost = clips / f"{fake.clip_name('sv-SE', 9)}.mp3"
    lost.unlink()
    with pytest.raises(InputError, match=rf"sv test: 1 .*\n.*{lost}: there is no such"):
        few_shot(places)
    corpus = few_shot(places, unreadable="count")
    assert counts(corpus) == WHOLE
    lengths = {one.id: one.duration for one in corpus.splits["test"]}
    assert [name for name, seconds in lengths.items() if not seconds] == [lost.stem]
    for clip in clips.iterdir():
        clip.unlink()
    with pytest.raises(InputError, match=r"none of the 11 clips.*sv-SE/clips;.*cv-co"):
        few_shot(places, unreadable="count")


@pytest.mark.parametrize(
    ("language", "options", "words"),
    [
        ("es", {}, "common_voices_splits does not hold.*'es'; there is sv, zh$"),
        ("", {}, "language ''; there is sv, zh"),
        ("sv", {"splits": f"{SPLITS}/zh"}, "language 'sv'; there is zh"),
        ("sv", {"splits": OLD}, "splits: .*has neither phonesMatches_reduced.json"),
        ("sv", {"train": "2h"}, "train is '2h'; .*training lists of 1h, 5h"),
        ("sv", {"train": "train"}, "train is 'train'; .*training lists of 1h, 5h"),
    ],
)
def test_lists_that_are_not_there(whole, language, options, words):
    if "splits" in options:
        options = options | {"splits": whole / options["splits"]}
    with pytest.raises(InputError, match=words):
        few_shot(whole, language, **options)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("phonesMatches_reduced.json", "{", "reduced.json is not JSON"),
        ("phonesMatches_reduced.json", '{"a": 1, "b": 1}', "their numbers, each once"),
        ("phonesMatches_reduced.json", '{"a b": 1}', "phones, without spaces"),
        ("phonesMatches_reduced.json", '{"a": "1"}', "no dictionary of phones"),
        ("testSeqs_uniform_new_version.txt", "\n", "version.txt lists no clip"),
        ("testSeqs_uniform_new_version.txt", "x\ny\n", "no phones for 2 clips.* x, y;"),
        ("validated_phones_reduced.txt", "", "no phones for 11 clips of the lists"),
        (
            "validated_phones_reduced.txt",
            f"\n{fake.clip_name('sv-SE', 3)} 3 99 \n",
            "line 2: '99' is not the number of a phone of .*reduced.json",
        ),
        (
            "validated_phones_reduced.txt",
            f"{fake.clip_name('sv-SE', 3)} \n",
            "no phones for 11 clips",
        ),
    ],
)
def test_lists_that_cannot_be(places, name, text, words):
    """Said with the file, the line, and what should stand there."""
    (places / SPLITS / "sv" / name).write_text(text)
    with pytest.raises(InputError, match=words):
        few_shot(places)


def test_numbers_of_clips_that_are_not_asked_for(places):
    """A phone too rare to be kept may stand with them."""
    path = places / SPLITS / "sv" / "validated_phones_reduced.txt"
    path.write_text(path.read_text() + "common_voice_sv-SE_1 99 \n")
    assert counts(few_shot(places)) == WHOLE
    codes = json.loads((path.parent / "phonesMatches_reduced.json").read_text())
    assert codes == fake.PHONES


def test_examples_of_the_modules(tmp_path):
    """Doctests, which are no part of the package."""
    package = importlib.import_module("common_voice")
    names = [name for _, name, _ in pkgutil.iter_modules(package.__path__)]
    modules = [importlib.import_module(f"common_voice.{name}") for name in names]
    fixture = {"getfixture": {"tmp_path": tmp_path}.__getitem__}
    results = [doctest.testmod(one, extraglobs=fixture) for one in modules]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 6


def test_the_same_files_each_time(whole, tmp_path):
    """A generator that drew at random would make failures that nobody can repeat."""
    fake.write_common_voice(tmp_path)
    files = [p.relative_to(whole) for p in whole.rglob("*") if p.is_file()]
    assert len(files) > 80
    for path in files:
        assert (whole / path).read_bytes() == (tmp_path / path).read_bytes()
