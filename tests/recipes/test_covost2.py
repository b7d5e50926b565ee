"""Translations of Common Voice 4, from the publisher's tables to utterances.

Seen to fail: backslashes and quotes read in another dialect; ``train_covost`` left out;
a clip learnt in one pair and scored in another; a second row of a clip lost; unreadable
clips lost from a test set, or not counted; lengths read again; an empty translation
kept; clips of another language taken; the publisher's codes not known.
"""

import csv
import doctest
import importlib
import pkgutil
import shutil
import sys
import tarfile
from functools import partial
from pathlib import Path

import pytest

from tests.recipes import covost2_files as fake
from tests.recipes.covost2_files import COVOST, RELEASE, clip_name
from xlsr_sb.data import measuring
from xlsr_sb.data.audio import load_audio
from xlsr_sb.errors import InputError
from xlsr_sb.run.preparation import find_prepare, manifests

WHOLE = {"train": 14, "dev": 3, "test": 4}  # clips of each source language


@pytest.fixture
def prepare(monkeypatch):
    """The recipe's, found as a run finds it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return find_prepare(str(fake.RECIPE / "ST" / "train.py"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All that the generator writes; not to be changed."""
    folder = tmp_path_factory.mktemp("covost2")
    fake.write_covost2(folder)
    return folder


@pytest.fixture
def places(whole, tmp_path):
    """A copy that may be changed."""
    return Path(shutil.copytree(whole, tmp_path / "places"))


@pytest.fixture
def made(prepare, whole):
    """``prepare`` of the generator's folders."""
    return partial(prepare, whole / RELEASE, covost_folder=whole / COVOST)


@pytest.fixture
def remade(prepare, places):
    """``prepare`` of the copies."""
    return partial(prepare, places / RELEASE, covost_folder=places / COVOST)


def counts(corpus):
    """Utterances by split."""
    return {name: len(part) for name, part in corpus.splits.items()}


def dropped(corpus, group):
    """What was dropped of a pair in a split, by reason."""
    (note,) = (note for note in corpus.notes if note.group == group)
    return {why: n for why, n in note.dropped.items() if n}


def rows_of(path):
    """Rows of a table in the dialect of ``get_covost_splits.py``."""
    with path.open(encoding="utf-8", newline="") as file:
        dialect = {"quoting": csv.QUOTE_NONE, "escapechar": "\\", "quotechar": None}
        return list(csv.DictReader(file, delimiter="\t", restval="", **dialect))


def published_split(validated, table, split):
    """Rows of a split as that script makes them: an inner join, then a choice."""
    wanted = {"train": ("train", "train_covost")}.get(split, (split,))
    return [
        (left["path"], left["sentence"], right["translation"], left["client_id"])
        for left in rows_of(validated)
        for right in rows_of(table)
        if left["path"] == right["path"] and right["split"] in wanted
    ]


# What is made of the tables


@pytest.mark.parametrize("pair", ["fr_en", "zh-CN_en", "en_de"])
def test_splits_are_those_of_the_published_script(made, whole, pair):
    """Path, sentence, translation and speaker of every row, in its order."""
    source, target = pair.split("_")
    corpus = made(pairs=pair)
    assert counts(corpus) == WHOLE
    for split, part in corpus.splits.items():
        validated = whole / RELEASE / source / "validated.tsv"
        table = whole / COVOST / f"covost_v2.{pair}.tsv"
        expected = published_split(validated, table, split)
        target = target.partition("-")[0]
        assert expected == [
            (Path(one.wav).name, one.wrd, one.translations[target], one.spk_id)
            for one in part
        ]


def test_texts_are_what_stands_there(made, tmp_path):
    """Through the manifest, as training reads them: words like null, quotes, tabs."""
    options = {**made.keywords, "data_folder": str(made.args[0]), "pairs": "fr_en"}
    splits = manifests(tmp_path, made.func, options)
    texts = {one.id: one for part in splits.values() for one in part}
    for number, odd in fake.ODD_TRANSLATIONS.items():
        assert texts[clip_name("fr", number)].translations == {"en": odd}
    for number, odd in fake.ODD_SENTENCES.items():
        assert texts[clip_name("fr", number)].wrd == odd
    assert texts[clip_name("fr", 0)].translations["en"].istitle()


def test_languages_have_short_codes_and_their_own_folders(made):
    """Either code asks for a pair; Chinese is ``zh`` wherever it is not a file."""
    corpus = made(pairs="zh-CN_en")
    assert corpus == made(pairs=["zh_en"]) == made(pairs=" zh_en ,zh-CN_en")
    for one in corpus.splits["test"]:
        assert (one.language, list(one.translations)) == ("zh", ["en"])
        assert "/zh-CN/clips/common_voice_zh-CN_" in one.wav
        assert len(load_audio(one.wav)) == pytest.approx(16_000 * one.duration, abs=1)


def test_one_clip_has_all_its_translations(made):
    """English is spoken once for all target languages; one table is packed."""
    corpus = made(pairs="en_de,en_ja")
    assert counts(corpus) == WHOLE
    for part in corpus.splits.values():
        for one in part:
            number = int(one.id[-3:])
            assert one.language == "en"
            assert dict(one.translations) == {
                target: fake.translation(number, target) for target in ("de", "ja")
            }


def test_several_sources_stand_in_one_manifest(made):
    corpus = made(pairs="fr_en,de_en,en_ja")
    assert counts(corpus) == {name: 3 * count for name, count in WHOLE.items()}
    assert {(one.language, *one.translations) for one in corpus.splits["test"]} == {
        ("fr", "en"),
        ("de", "en"),
        ("en", "ja"),
    }
    groups = [note.group for note in corpus.notes]
    assert groups[:4] == ["fr_en train", "fr_en dev", "fr_en test", "de_en train"]
    assert [note.kept for note in corpus.notes] == 3 * [*WHOLE.values()]
    seconds = sum(one.duration for one in corpus.splits["test"] if one.language == "de")
    assert corpus.notes[5].seconds == pytest.approx(seconds)


def test_rows_that_the_join_leaves_out_are_counted(made):
    corpus = made(pairs="fr_en")
    assert dropped(corpus, "fr_en train") == {
        "not in validated.tsv": 1,
        "of the split dev_covost": 1,
    }
    assert dropped(corpus, "fr_en dev") == dropped(corpus, "fr_en test") == {}
    names = {one.id for part in corpus.splits.values() for one in part}
    left_out = (21, fake.NOT_VALIDATED, fake.UNTRANSLATED)
    assert not names & {clip_name("fr", number) for number in left_out}


def test_a_clip_that_one_pair_learns_and_another_scores(remade, places):
    """It stays where it is scored, and is learnt by neither of both."""
    table = places / COVOST / "covost_v2.en_de.tsv"
    fake.write_pair(table, {**fake.SPLITS, 0: "test", 1: "dev", 17: "dev"})
    corpus = remade(pairs="en_de,en_ja")
    assert counts(corpus) == {"train": 12, "dev": 5, "test": 5}
    targets = {
        name: {int(one.id[-3:]): set(one.translations) for one in part}
        for name, part in corpus.splits.items()
    }
    assert not {0, 1} & targets["train"].keys()
    assert targets["test"][0] == targets["dev"][1] == targets["dev"][17] == {"de"}
    assert targets["test"][17] == {"ja"}  # both sets are published, and both whole
    assert targets["test"][18] == targets["train"][2] == {"de", "ja"}
    assert dropped(corpus, "en_ja train")["in dev or test"] == 2
    assert "in dev or test" not in dropped(corpus, "en_de train")
    alone = remade(pairs="en_ja")
    assert counts(alone) == WHOLE


def test_clips_that_stand_in_a_table_twice(remade, places):
    """Each row of the join has an utterance of its own, whatever its texts."""
    validated = places / RELEASE / "en" / "validated.tsv"
    table = places / COVOST / "covost_v2.en_de.tsv"
    again = (f"{clip_name('en', 18)}.mp3", "Noch einmal.", "test")
    fake.write_pair(table, fake.SPLITS, extra=[again])
    lines = validated.read_text(encoding="utf-8").splitlines(keepends=True)
    assert clip_name("en", 19) in lines[20]
    validated.write_text("".join([*lines, lines[20]]), encoding="utf-8")
    test = remade(pairs="en_de").splits["test"]
    expected = published_split(validated, table, "test")
    rows = [(Path(x.wav).name, x.wrd, x.translations["de"], x.spk_id) for x in test]
    assert sorted(rows) == sorted(expected)
    twice = {clip_name("en", number) for number in (18, 19)}
    assert {one.id for one in test} >= twice | {f"{name}-2" for name in twice}
    both = remade(pairs="en_de,en_ja").splits["test"]
    found = {one.id: sorted(one.translations) for one in both}
    assert found[clip_name("en", 18)] == ["de", "ja"]
    assert found[f"{clip_name('en', 18)}-2"] == ["de"]
    assert found[f"{clip_name('en', 19)}-2"] == ["de", "ja"]


def test_rows_without_translation_are_counted(remade, places):
    """Nothing can be learnt from them, and nothing compared."""
    table = places / COVOST / "covost_v2.fr_en.tsv"
    empty = [(f"{clip_name('fr', fake.UNTRANSLATED)}.mp3", " ", "test")]
    fake.write_pair(table, fake.SPLITS, extra=empty)
    corpus = remade(pairs="fr_en")
    assert counts(corpus) == WHOLE
    assert dropped(corpus, "fr_en test") == {"without translation": 1}


def test_sets_of_another_size_than_published_are_told(made, caplog):
    made(pairs="fr_en")
    assert caplog.messages == [
        "fr_en: dev has 3 rows, not 14760, test has 4 rows, not 14760; scores are not "
        "those of the published sets"
    ]


# Clips that cannot be read


def test_unreadable_clips_stop_or_count(remade, places):
    """Those of a set that is scored are never lost."""
    clips = places / RELEASE / "fr" / "clips"
    (clips / f"{clip_name('fr', 0)}.mp3").unlink()
    (clips / f"{clip_name('fr', 20)}.mp3").write_bytes(b"")
    with pytest.raises(InputError, match=r"train: 1 rec.*\n.*fr_17299000: .*no such"):
        remade(pairs="fr_en")
    corpus = remade(pairs="fr_en,de_en", unreadable="count")
    assert counts(corpus) == {"train": 27, "dev": 6, "test": 8}
    (silent,) = (one for one in corpus.splits["test"] if not one.duration)
    assert silent.id == clip_name("fr", 20)
    assert silent.translations == {"en": fake.translation(20, "en")}
    assert dropped(corpus, "fr_en train")["unreadable"] == 1
    assert dropped(corpus, "fr_en test") == {"unreadable, counted as errors": 1}
    assert dropped(corpus, "de_en test") == {}
    with pytest.raises(InputError, match="unreadable must be one of.*got 'drop'"):
        remade(pairs="fr_en", unreadable="drop")


def test_an_interrupted_preparation_goes_on(made, tmp_path, monkeypatch):
    """Lengths that are remembered are not read again."""
    cache = tmp_path / "lengths.csv"
    first = made(pairs="fr_en", cache=cache)
    lines = cache.read_text().splitlines(keepends=True)
    assert len(lines) == sum(WHOLE.values())
    cache.write_text("".join(lines[:9]))
    opened = []
    probe = measuring.probe_audio
    monkeypatch.setattr(
        measuring, "probe_audio", lambda path: opened.append(path) or probe(path)
    )
    assert made(pairs="fr_en", cache=cache) == first
    assert len(opened) == sum(WHOLE.values()) - 9


# Places


def test_tables_beside_the_clips_and_the_only_language(prepare, places):
    """As fairseq and Hugging Face lay them out; one folder of one language will do."""
    release, covost = places / RELEASE, places / COVOST
    first = prepare(release, pairs="fr_en", covost_folder=covost)
    assert prepare(places, pairs="fr_en", covost_folder=covost) == first
    assert prepare(release / "fr", pairs="fr_en", covost_folder=covost) == first
    table = covost / "covost_v2.fr_en.tsv"
    for folder in (covost / "fr", covost / "fr_en", release / "fr", release, places):
        folder.mkdir(exist_ok=True)
        table = table.rename(folder / table.name)
        beside = folder != covost and covost not in folder.parents
        where = {} if beside else {"covost_folder": covost}
        assert prepare(str(places), pairs="fr_en", **where) == first
    (release / "zh-CN").rename(release / "zh")
    assert counts(prepare(places, pairs="zh_en", covost_folder=covost)) == WHOLE


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ("fr_de", r"pairs: 'fr_de' of CoVoST-2; it has fr_en de_en.*x_en.*en_ca en_ar"),
        ("en_fr, fr", r"pairs: 'en_fr', 'fr' of CoVoST-2"),
        ("", r"pairs: '' of CoVoST-2"),
        ([], r"pairs: none of CoVoST-2"),
        ("it_en", r"has no it/validated\.tsv; there is de, en, fr, zh-CN; it must"),
        ("sv_en", r"has no sv-SE/validated\.tsv"),
        ("en_tr", r"no covost_v2\.en_tr\.tsv and .*fetch https.*en_tr\.tsv\.tar\.gz, "),
    ],
)
def test_what_is_not_there_is_named(made, pairs, words):
    with pytest.raises(InputError, match=words):
        made(pairs=pairs)


def test_all_pairs_have_names(made):
    """One name for all of a direction; those that are not there are asked for."""
    with pytest.raises(InputError, match=r"has no es/validated\.tsv"):
        made(pairs="x_en")
    with pytest.raises(InputError, match=r"there is no covost_v2\.en_ca\.tsv"):
        made(pairs="en_x")


def test_folders_that_are_not_there(prepare, whole):
    with pytest.raises(InputError, match="data_folder: there is no folder .*nowhere"):
        prepare(whole / "nowhere", pairs="fr_en")
    with pytest.raises(InputError, match="covost_folder: there is no folder .*nowh"):
        prepare(whole / RELEASE, pairs="fr_en", covost_folder=whole / "nowhere")
    with pytest.raises(InputError, match="give its folder as covost_folder"):
        prepare(whole / RELEASE, pairs="fr_en")
    with pytest.raises(InputError, match=r"has no fr/valid.*there is no language; "):
        prepare(whole / RELEASE / "de", pairs="fr_en,de_en")


# Tables that are damaged


def test_clips_of_another_language(prepare, whole):
    """The folder of one language is not taken for another's."""
    words = r"fr_en\.tsv: 22 of 22 clips are not in valid.*_fr_17299000.*Common Voice 4"
    folder = whole / RELEASE / "de"
    with pytest.raises(InputError, match=words):
        prepare(folder, pairs="fr_en", covost_folder=whole / COVOST)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            "\ttrain_covost\n",
            "\n",
            r"line 14: the row of 'common_voice_fr_17299012.mp3",
        ),
        ("\ttest\n", "\ttest\t2\n", r"line 19: 4 cells for 3 columns; a tab too many"),
        ("translation\t", "", r"line 1: there is no column translation; the columns"),
        ("\tdev\n", "\tdev_covost\n", r"has no rows of dev with clips in validated"),
    ],
)
def test_a_table_of_another_shape(remade, places, before, after, words):
    """Named with its line, and with what stands there."""
    table = places / COVOST / "covost_v2.fr_en.tsv"
    text = table.read_text(encoding="utf-8")
    assert before in text
    table.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        remade(pairs="fr_en")


def test_an_archive_that_was_cut_off(remade, places):
    archive = places / COVOST / "covost_v2.de_en.tsv.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"de_en\.tsv\.tar\.gz is no complete archive"):
        remade(pairs="de_en")
    archive.write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match=r"de_en\.tsv\.tar\.gz is no complete archive"):
        remade(pairs="de_en")
    with tarfile.open(archive, "w:gz") as file:
        file.add(places / COVOST / "covost_v2.fr_en.tsv", arcname="README.txt")
    with pytest.raises(
        InputError, match=r"must hold covost_v2\.de_en\.tsv; it holds R"
    ):
        remade(pairs="de_en")


# What is known of the corpus


def test_pairs_and_groups_are_the_papers(prepare):
    """21 into English in three groups, 15 from it; all sizes are known."""
    del prepare  # puts the recipe's folder on the path
    resources = importlib.import_module("covost.resources")
    assert len(set(resources.INTO_ENGLISH)) == 21
    assert len(set(resources.FROM_ENGLISH)) == 15
    assert set(resources.FROM_ENGLISH) < set(resources.INTO_ENGLISH)
    assert [len(codes) for codes in resources.GROUPS.values()] == [4, 5, 12]
    every = resources.chosen_pairs("x_en,en_x")
    assert sum(map(len, every.values())) == 36
    for source in every:
        assert all(resources.published_rows(source).values())


def test_examples_of_the_documentation(prepare, tmp_path):
    del prepare
    names = {"getfixture": {"tmp_path": tmp_path}.__getitem__}
    package, tried = importlib.import_module("covost"), 0
    for module in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"covost.{module.name}")
        found = doctest.testmod(module, extraglobs=names)
        assert found.failed == 0, module
        tried += found.attempted
    assert tried >= 6


def test_the_same_files_each_time(whole, tmp_path):
    fake.write_covost2(tmp_path)
    files = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
    assert len(files) == 4 * (23 + 1) + 5
    for path in files:
        assert (whole / path).read_bytes() == (tmp_path / path).read_bytes()
