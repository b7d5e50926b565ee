"""Vocabularies of a run: made once, kept, and not mixed with those of another kind."""

import os

import pytest

from xlsr_sb.data.text import LanguageVocabularies, Vocabulary
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance
from xlsr_sb.tasks.transcripts import Transcripts
from xlsr_sb.tasks.vocabularies import load_languages, run_vocabularies

SETTINGS = {
    "units": "characters",
    "keep_characters": "'",
    "min_utterance_seconds": 0.5,
    "max_utterance_seconds": 2.0,
    "train_minutes": None,
}


def clip(name, language, text):
    """An utterance that is never read."""
    return Utterance(name, "x.wav", 1.0, language=language, wrd=text)


TRAIN = [clip("1", "fr", "été"), clip("2", "pl", "być")]
NAMES = ["vocabularies.json", "vocabulary.txt"]


def made(folder, *, train=TRAIN, units="characters", per_language=True):
    """Vocabularies of a run."""
    options = {"units": units, "per_language": per_language}
    return run_vocabularies(folder, train, **options)


def test_a_run_that_goes_on_keeps_its_own(tmp_path):
    """Whatever its data have become."""
    whole, languages = made(tmp_path)
    assert whole == Vocabulary.of(["étébyć"])
    assert languages == LanguageVocabularies.of(TRAIN, units="characters")
    assert made(tmp_path, train=[clip("3", "es", "xyz")]) == (whole, languages)
    assert load_languages(tmp_path, whole) == languages
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES


def test_one_vocabulary_for_all(tmp_path):
    """There is nothing else in the folder."""
    whole, languages = made(tmp_path, per_language=False)
    assert (whole, languages) == (Vocabulary.of(["étébyć"]), None)
    assert [path.name for path in tmp_path.iterdir()] == NAMES[1:]


@pytest.mark.parametrize("first", [True, False])
def test_runs_of_another_kind_are_refused(tmp_path, first):
    """Before anything is written."""
    made(tmp_path, per_language=first)
    before = sorted(path.name for path in tmp_path.iterdir())
    message = rf"per_language is {not first}, and .*txt is of a run .* it was {first}"
    with pytest.raises(InputError, match=message):
        made(tmp_path, per_language=not first)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_killed_between_the_files(tmp_path):
    """The one for all is the last; without it everything is made anew."""
    made(tmp_path)
    os.unlink(tmp_path / NAMES[1])
    assert made(tmp_path, train=TRAIN[:1])[1].parts.keys() == {"fr"}
    os.unlink(tmp_path / NAMES[1])
    assert made(tmp_path, per_language=False)[1] is None
    assert not (tmp_path / NAMES[0]).exists()


def labels_of(folder, dev, train=TRAIN):
    """Transcripts with outputs for each language."""
    splits = {"train": list(train), "dev": dev}
    return Transcripts.of(splits, SETTINGS, folder, per_language=True)


def test_targets_are_what_the_language_can_say(tmp_path, caplog):
    """A letter of another language is unknown, counted, and costs no infinite loss."""
    labels = labels_of(tmp_path, [clip("3", "fr", "Été, y!"), clip("4", "pl", "by")])
    ids = [labels.encode(one) for one in labels.splits["dev"]]
    whole = labels.vocabulary
    assert ids == [[*whole.encode("été "), whole.unk], whole.encode("by")]
    assert whole.unk not in whole.encode("y")
    assert [record.message for record in caplog.records] == [
        "dev: 1 characters are not in the vocabulary and count as errors: 'y' 1"
    ]


def test_sets_that_are_scored_must_be_of_the_languages_of_training(tmp_path):
    """It is said at the start, and again when a run goes on with other data."""
    dev = [clip("3", "fr", "été"), clip("4", "es", "si")]
    message = "dev: utterance '4' is of language 'es'; .* training set, fr, pl"
    with pytest.raises(InputError, match=message):
        labels_of(tmp_path, dev)
    with pytest.raises(InputError, match="train: utterance '4' is of language 'es'"):
        labels_of(tmp_path, dev[:1], train=[*TRAIN, dev[1]])
    with pytest.raises(InputError, match="utterance '5' has no language"):
        labels_of(tmp_path / "new", dev[:1], train=[*TRAIN, clip("5", "", "si")])
