"""Languages of the Debian packages: learnt from some sources, tested on others."""

import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest

from tests.recipes import debian_packages as fake
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import read_manifest

from debian_speech import classes, languages  # isort: skip
from debian_speech.audio import Sound  # isort: skip
from debian_speech.clip import Clip  # isort: skip
from debian_speech.texts import sentence_key  # isort: skip

recipe = fake.load_prepare()
prepare = recipe.prepare
SOURCES = {**recipe.TRANSCRIBED, **recipe.HEARD}
SPOKEN = "da,fr,ru"
CHOSEN = {"classes": "language", "sources": "prompts,stamps,letters"}
DOUBTFUL = 12  # a picture whose Russian text is
NUM_PICTURES, NUM_PROMPTS, NUM_LETTERS = 30, 12, 6


def write_sources(folder):
    """Stamps and letters in three languages, prompts in two of them.

    The first prompts are what French pictures are called. One picture is short in
    French, and one has a doubtful text in Russian.
    """
    root, files = "usr/share/tuxpaint/stamps/things", {}
    for i in range(NUM_PICTURES):
        french, russian = fake.sentence("fr", i), fake.sentence("ru", i)
        if i >= NUM_PROMPTS // 2:
            french = french.replace("Phrase", "Image")
        english = french.replace("Phrase", "Picture").replace("Image", "Picture")
        lines = [english, f"fr.utf8={french}", f"da.utf8=Billede {french}"]
        lines.append(f"ru.utf8=Вещь {'[или] ' if i == DOUBTFUL else ''}{russian}")
        files[f"{root}/{i}.txt"] = "\n".join(lines).encode()
        for code in SPOKEN.split(","):
            sound = noise(code, i, 0.4 if (i, code) == (20, "fr") else 1.2)
            files[f"{root}/{i}_desc_{code}.ogg"] = sound
    fake.write_deb(folder, "tuxpaint-stamps-default", files, ending="")
    spoken = {
        f"usr/share/klettres/{code}/alpha/{i}.ogg": noise(f"letter {code}", i, 0.6)
        for code in SPOKEN.split(",")
        for i in range(NUM_LETTERS)
    }
    fake.write_deb(folder, "klettres-data", spoken, ending="")
    for number, code in enumerate(fake.VOICES):
        texts = {f"line-{i:02}": fake.sentence(code, i) for i in range(NUM_PROMPTS)}
        sounds = {
            key: fake.noise(1.2, seed=1_000 * number + i)
            for i, key in enumerate(texts if code in SPOKEN else ())
        }
        fake.write_prompts(
            folder, code, [f"{k}: {x}" for k, x in texts.items()], sounds
        )


def noise(of, number, seconds):
    """Noise that no other clip has."""
    seed = zlib.crc32(f"{of} {number}".encode())
    return fake.wav(fake.noise(seconds, seed=seed))


def pair_of(code, source, number, *, speaker="", seconds=1.0):
    """A clip with a sentence of its own language."""
    name = f"{source}-{code}-{speaker}-{number}"
    clip = Clip(
        *(name, Path(), source, code, speaker, str(number)), text=f"{code} {number}"
    )
    return clip, Sound(Path(), round(16_000 * seconds), 0.1, name)


@pytest.fixture(scope="module")
def debs(tmp_path_factory):
    """Folder of fake packages of three sources."""
    folder = tmp_path_factory.mktemp("debs")
    write_sources(folder)
    return folder


@pytest.fixture(scope="module")
def decoded(tmp_path_factory):
    """Folder in which they are decoded once."""
    return tmp_path_factory.mktemp("decoded")


@pytest.fixture(scope="module")
def corpus(debs, decoded):
    """All languages of the sources that are there."""
    return prepare(decoded, debs=debs, **CHOSEN, languages=SPOKEN)


@pytest.fixture(scope="module")
def recognised(debs, decoded):
    """Of recognition: the same clips with their texts."""
    options = {"sources": "prompts,stamps", "languages": SPOKEN}
    return prepare(decoded, debs=debs, **options)


def ids_of(splits):
    """Split by id."""
    return {one.id: name for name, part in splits.items() for one in part}


# The table


def test_each_language_has_sources_of_both_kinds():
    """All languages of two sources or more, with all of their sources."""
    having = {}
    for name, source in SOURCES.items():
        for code in source.LANGUAGES:
            having.setdefault(code, set()).add(name)
    several = {code: names for code, names in having.items() if len(names) > 1}
    assert languages.SEEN.keys() == languages.UNSEEN.keys() == several.keys()
    for code, names in several.items():
        seen, unseen = languages.SEEN[code], languages.UNSEEN[code]
        assert seen
        assert unseen
        assert (seen | unseen, seen & unseen) == (names, set())


def test_no_source_that_is_learnt_from_has_one_language():
    """Or its sound would be the answer; most are also tested unseen."""
    learnt = Counter(name for own in languages.SEEN.values() for name in own)
    tested = Counter(name for own in languages.UNSEEN.values() for name in own)
    assert min(learnt.values()) >= 2
    assert learnt.keys() - tested.keys() == {"dialogues"}
    assert tested.keys() - learnt.keys() == {"adventure"}


# Of packages


def test_each_language_is_in_each_split_from_its_sources(corpus):
    assert list(corpus.splits) == ["train", "dev", "test", "test_unseen"]
    for name, part in corpus.splits.items():
        sides = languages.UNSEEN if name == "test_unseen" else languages.SEEN
        assert {one.language for one in part} == set(SPOKEN.split(","))
        for one in part:
            assert one.corpus in sides[one.language]
            assert one.id.startswith(f"{one.corpus}-{one.language}-")
            assert one.duration >= 0.5
            assert not one.wrd
    paths = [one.wav for part in corpus.splits.values() for one in part]
    assert len(set(paths)) == len(paths)
    assert sum(note.kept for note in corpus.notes) == len(paths)


def test_sentences_are_split_as_for_recognition(corpus, recognised):
    """Nothing that was learnt there is tested here, unless the source is unseen."""
    there, here = ids_of(recognised.splits), ids_of(corpus.splits)
    common = {
        name for name in there.keys() & here.keys() if here[name] in there.values()
    }
    assert len(common) > 80
    assert {name: here[name] for name in common} == {n: there[n] for n in common}
    assert f"stamps-ru-things-{DOUBTFUL}" not in there  # heard all the same
    assert here[f"stamps-ru-things-{DOUBTFUL}"] == "train"


def test_no_sentence_of_the_unseen_test_is_learnt(corpus, recognised):
    """French prompts say what some pictures are called."""
    texts = {one.id: one.wrd for part in recognised.splits.values() for one in part}
    keys = {
        split: {sentence_key(texts.get(one.id, "")) for one in part} - {""}
        for split, part in corpus.splits.items()
    }
    assert not keys["train"] & (keys["dev"] | keys["test"] | keys["test_unseen"])
    learnt = sum(f"stamps-fr-things-{i}" in ids_of(corpus.splits) for i in range(10))
    dropped = {note.group: note.dropped for note in corpus.notes}
    assert 0 < dropped["prompts fr"]["sentence of train"] <= learnt
    assert dropped["stamps fr"]["shorter than 0.5 s"] == 1


def test_fewer_languages_and_fewer_clips(debs, decoded, corpus, monkeypatch):
    """Each that is left is where it was."""
    every = ids_of(corpus.splits)
    options = {"debs": debs, **CHOSEN, "languages": ["fr", "ru"]}
    some = ids_of(prepare(decoded, **options).splits)
    assert some == {n: x for n, x in every.items() if n.split("-")[1] in ("fr", "ru")}
    monkeypatch.setattr(languages, "MOST", 3)
    made = prepare(decoded, **options)
    tested = Counter((one.corpus, one.language) for one in made.splits["test_unseen"])
    assert tested == {("prompts", "fr"): 3, ("prompts", "ru"): 3}
    assert ids_of(made.splits).items() <= some.items()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classes": "speakers"}, "must be one of language, speaker, got 'speakers'"),
        ({"unlabelled": True}, "classes: language has splits of its own; leave out"),
        ({"pairs": "es_en"}, "classes: language has splits of its own; leave out"),
        ({"trials_folder": "a"}, "speakers need one, .* languages have none"),
        ({"classes": None, "trials_folder": "a"}, "of classes: speaker only"),
        ({"languages": "en,de"}, "languages: de must be in two .* cs, da, en, es, fr"),
        ({"sources": "shouts,letters"}, "languages: uk can be told from no other"),
        ({"sources": "prompts"}, "languages: none can be told"),
        ({"languages": "fr,it", "sources": "prompts,stamps"}, "it must .*, es, fr, ru"),
    ],
)
def test_wrong_options_are_named(debs, decoded, options, words):
    with pytest.raises(InputError, match=words):
        prepare(decoded, debs=debs, **{"classes": "language", **options})


def test_language_that_has_nothing_to_learn_from():
    """Here the sources have some, but too short."""
    french = [pair_of("fr", "stamps", i) for i in range(3)]
    long, short = (pair_of("uk", "letters", 1, seconds=x) for x in (1.0, 0.4))
    splits = {name: [french[i]] for i, name in enumerate(("train", "dev", "test"))}
    splits["train"] += [pair_of("fr", "prompts", 3), pair_of("uk", "shouts", 2)]
    with pytest.raises(InputError, match="nothing of uk is in train; leave such"):
        languages.arranged({**splits, "train": [*splits["train"], short]}, {})
    with pytest.raises(InputError, match="nothing of uk is in dev; leave such"):
        languages.arranged({**splits, "train": [*splits["train"], long]}, {})


def test_command_line(debs, decoded, tmp_path, monkeypatch, capsys):
    """All four manifests; those of another run are written over."""
    options = ["--debs", str(debs), "--languages", SPOKEN]
    options += [word for key, x in CHOSEN.items() for word in (f"--{key}", x)]
    (tmp_path / "unpacked").symlink_to(decoded / "unpacked")
    (tmp_path / "audio").symlink_to(decoded / "audio")
    monkeypatch.setattr(sys, "argv", ["prepare.py", str(tmp_path), *options])
    recipe.main()
    assert "prompts fr" in capsys.readouterr().out
    unseen = read_manifest(tmp_path / "manifests" / "test_unseen.csv")
    assert {one.corpus for one in unseen} == {"prompts", "letters"}


# Clips without texts


def test_what_is_called_the_same_is_in_one_split():
    """For all voices of a language; another language has its own order."""
    clips = [
        Clip(f"{code}-{who}-{i}", Path(), "shouts", code, who, str(i))
        for code in ("en", "es")
        for who in ("a", "b")
        for i in range(25)
    ]
    split = classes.shared_out(clips)
    assert Counter(split.values()) == {"train": 80, "dev": 8, "test": 12}
    for code in ("en", "es"):
        for i in range(25):
            assert split[f"{code}-a-{i}"] == split[f"{code}-b-{i}"]
    assert any(split[f"en-a-{i}"] != split[f"es-a-{i}"] for i in range(25))
    assert split == classes.shared_out(reversed(clips))
    few = classes.shared_out(clips[:2])
    assert set(few.values()) == {"train"}


# Synthetic speech


def test_one_voice_of_each_synthetic_language_is_unseen():
    """In each language another, so that each voice is learnt with some."""
    pairs = [
        pair_of(code, "synthetic", i, speaker=f"espeak-{code}-{voice}")
        for code in ("en", "es", "fr", "it")
        for voice in ("f1", "f4", "m1", "m3")
        for i in range(3)
    ]
    splits = {name: pairs[i::3] for i, name in enumerate(("train", "dev", "test"))}
    made, tallies = languages.arranged(splits, {})
    voices = {
        name: {(clip.language, clip.source) for clip, _ in part}
        for name, part in made.items()
    }
    unseen = {("en", "m1"), ("es", "m3"), ("fr", "f1"), ("it", "f4")}
    assert voices["test_unseen"] == unseen
    assert voices["train"] == voices["dev"] == voices["test"]
    assert len(voices["train"] | unseen) == 16
    assert not voices["train"] & unseen
    assert tallies["m1 en"].kept == 2
    assert tallies["m1 en"].dropped == {"sentence of train": 1}
