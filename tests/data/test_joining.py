"""Languages that are prepared one by one and learnt together."""

import pytest

from xlsr_sb.data.corpus import Corpus, Note
from xlsr_sb.data.joining import joined, prepared
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance


class Preparing:
    """A ``prepare`` that counts each language's clips from 1."""

    def __init__(self):
        self.calls = []

    def __call__(self, folder, *, language, splits=("train", "test"), group="train"):
        """A clip a split."""
        self.calls.append((folder, language))
        if language == "xx":
            raise InputError("language 'xx' is not in this corpus")
        clips = {
            name: [Utterance("1", f"/{language}/{name}.wav", 1.0, language=language)]
            for name in splits
        }
        return Corpus(clips, [Note(group.format(language), 2, 2.0, {"silent": 1})])


@pytest.fixture
def prepare():
    """A function that writes down its calls."""
    return Preparing()


@pytest.mark.parametrize("value", ["pl,fr", " pl , fr"])
def test_languages_come_in_their_order(prepare, value):
    """Ids are unique, all else is as it was."""
    corpus = prepared(prepare, {"folder": "here", "language": value})
    assert prepare.calls == [("here", "pl"), ("here", "fr")]
    assert {name: [one.id for one in part] for name, part in corpus.splits.items()} == {
        "train": ["pl/1", "fr/1"],
        "test": ["pl/1", "fr/1"],
    }
    assert [(one.wav, one.language) for one in corpus.splits["test"]] == [
        ("/pl/test.wav", "pl"),
        ("/fr/test.wav", "fr"),
    ]


@pytest.mark.parametrize("options", [{"language": "fr"}, {"language": None}])
def test_one_language_is_left_alone(prepare, options):
    """Its ids are as published."""
    corpus = prepared(prepare, {"folder": "here", **options})
    assert [one.id for one in corpus.splits["train"]] == ["1"]
    assert len(prepare.calls) == 1


def test_a_preparation_without_languages():
    """Nothing is looked for."""
    assert prepared(lambda csv: csv, {"csv": "a,b"}) == "a,b"


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("train", ["fr train", "pl train"]),
        ("{} train 10h", ["fr train 10h", "pl train 10h"]),
    ],
)
def test_notes_name_their_language(prepare, group, expected):
    """Once."""
    corpus = prepared(prepare, {"folder": "", "language": "fr,pl", "group": group})
    assert [note.group for note in corpus.notes] == expected
    assert corpus.table().splitlines()[-1].split() == [
        "total",
        "4",
        "0.1",
        "2",
        "silent",
    ]


def test_a_split_of_one_language_only():
    """It is kept."""
    prepare = Preparing()
    corpus = joined(
        {
            "fr": prepare("", language="fr"),
            "en": prepare("", language="en", splits=("train", "test", "test_accented")),
        }
    )
    assert {name: len(part) for name, part in corpus.splits.items()} == {
        "train": 2,
        "test": 2,
        "test_accented": 1,
    }


@pytest.mark.parametrize("value", ["fr,", ",fr", "fr,,pl", "fr,pl,fr", ","])
def test_codes_that_are_no_list(prepare, value):
    """Nothing is prepared."""
    with pytest.raises(
        InputError, match=f"language '{value}': codes stand with commas"
    ):
        prepared(prepare, {"folder": "", "language": value})
    assert prepare.calls == []


def test_an_unknown_language_is_answered_by_the_corpus(prepare):
    with pytest.raises(InputError, match="'xx' is not in this corpus"):
        prepared(prepare, {"folder": "", "language": "fr,xx"})


def test_a_corpus_that_is_not_divided_by_languages():
    """Otherwise each clip would be learnt as both."""

    def prepare(language):
        return Corpus({"train": [Utterance("1", "/a.wav", 1.0, language=language)]})

    with pytest.raises(InputError, match=r"'fr,pl': /a\.wav comes for fr and for pl"):
        prepared(prepare, {"language": "fr,pl"})


def test_pieces_of_one_recording_may_be_of_two_languages():
    """A conversation, for example."""
    pieces = {
        "fr": Utterance("1", "/a.wav", 1.0, start=0, stop=16_000),
        "pl": Utterance("1", "/a.wav", 1.0, start=16_000, stop=32_000),
    }
    corpus = joined({code: Corpus({"train": [one]}) for code, one in pieces.items()})
    assert len(corpus.splits["train"]) == 2
