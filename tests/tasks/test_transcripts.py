"""Transcripts on their way to a recogniser: what is kept, counted and refused."""

import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance
from xlsr_sb.tasks.transcripts import Transcripts, part_of

SETTINGS = {
    "units": "characters",
    "keep_characters": "'",
    "min_utterance_seconds": 0.5,
    "max_utterance_seconds": 2.0,
    "train_minutes": None,
}


def utterance(number, text, seconds=1.0, language="fr"):
    """An utterance that is never read."""
    return Utterance(str(number), "x.wav", seconds, language=language, wrd=text)


def splits(train=("ab", "ba"), dev=("ab",)):
    """Splits of these texts."""
    return {
        "train": [utterance(i, text) for i, text in enumerate(train)],
        "dev": [utterance(i, text) for i, text in enumerate(dev)],
    }


def test_texts_are_normalised_by_language(tmp_path):
    """In all splits, as they are learnt and scored."""
    given = {
        "train": [utterance(1, "L'Été, ici !"), utterance(2, "IŞIK", language="tr")],
        "dev": [utterance(3, "Été...")],
    }
    labels = Transcripts.of(given, SETTINGS, tmp_path)
    assert [one.wrd for one in labels.splits["train"]] == ["l'été ici", "ışık"]
    assert [one.wrd for one in labels.splits["dev"]] == ["été"]
    assert labels.encode(labels.splits["dev"][0]) == labels.vocabulary.encode("été")
    assert labels.num_classes == len(labels.vocabulary) == len(set("l'été iciışık")) + 2


def test_training_is_filtered_and_counted_and_the_rest_is_not(tmp_path, caplog):
    """By length and text; dev and test stay whole, or their scores would flatter."""
    strange = [
        utterance("short", "ab", 0.4),
        utterance("long", "ab", 2.1),
        utterance("long too", "ab", 9.0),
        utterance("empty", "?!"),
    ]
    edges = [utterance("a", "ab", 0.5), utterance("b", "ab", 2.0)]
    given = {"train": edges + strange, "dev": edges + strange}
    labels = Transcripts.of(given, SETTINGS, tmp_path)
    assert [one.id for one in labels.splits["train"]] == ["a", "b"]
    assert len(labels.splits["dev"]) == 6
    said = [record.message for record in caplog.records]
    assert said == [
        "1 training utterances shorter than 0.5 s are left out",
        "2 training utterances longer than 2.0 s are left out",
        "1 training utterances without text are left out",
    ]


def test_the_vocabulary_is_of_training_and_stays(tmp_path):
    """A run that goes on keeps its outputs, whatever its data have become."""
    first = Transcripts.of(splits(dev=("abcd",)), SETTINGS, tmp_path)
    assert first.vocabulary.unknown("abcd") == ["c", "d"]
    second = Transcripts.of(splits(train=("abcdef",)), SETTINGS, tmp_path)
    assert second.num_classes == first.num_classes
    other = Transcripts.of(splits(train=("abcdef",)), SETTINGS, tmp_path / "other")
    assert other.num_classes == first.num_classes + 4


def test_unknown_characters_are_counted(tmp_path, caplog):
    """By split and character, the commonest first."""
    Transcripts.of(splits(dev=("abz", "zzxab")), SETTINGS, tmp_path)
    (record,) = caplog.records
    assert record.message == (
        "dev: 4 characters are not in the vocabulary and count as errors: 'z' 3, 'x' 1"
    )


def test_a_part_of_the_training_set(tmp_path):
    """Drawn by ids from what is learnable; a longer part holds a shorter one."""
    train = [utterance(i, "ab" if i % 2 else "?!") for i in range(60)]
    given = {"train": train, "dev": [utterance("dev", "ab")]}
    parts = []
    for minutes in (0.2, 0.4, 0.5):
        settings = SETTINGS | {"train_minutes": minutes}
        labels = Transcripts.of(given, settings, tmp_path)
        parts.append([one.id for one in labels.splits["train"]])
        assert [one.id for one in labels.splits["dev"]] == ["dev"]
    assert [len(part) for part in parts] == [12, 24, 30]
    assert set(parts[0]) < set(parts[1]) < set(parts[2])
    assert parts[1] == sorted(parts[1], key=int)
    assert parts[0] != parts[2][:12]
    turned = part_of(list(reversed(train)), 0.2)
    assert {one.id for one in turned} == {one.id for one in part_of(train, 0.2)}


def test_symbols_are_learnt_as_they_are(tmp_path, caplog):
    """Neither case nor punctuation is touched; each has one id, and dev is counted."""
    given = splits(train=(" tʃ  A . ", "aː tʃ"), dev=("tʃ B", "tʃ tʃ B b"))
    labels = Transcripts.of(given, SETTINGS | {"units": "tokens"}, tmp_path)
    assert [one.wrd for one in labels.splits["train"]] == ["tʃ A .", "aː tʃ"]
    assert labels.vocabulary.tokens == ("<blank>", "<unk>", ".", "A", "aː", "tʃ")
    assert labels.encode(labels.splits["train"][0]) == [5, 3, 2]
    assert labels.num_classes == 6
    (record,) = caplog.records
    assert record.message == (
        "dev: 3 tokens are not in the vocabulary and count as errors: 'B' 2, 'b' 1"
    )


def test_units_of_a_run_stay(tmp_path):
    """Runs of earlier versions, whose settings do not name units, have characters."""
    old = {name: value for name, value in SETTINGS.items() if name != "units"}
    first = Transcripts.of(splits(), old, tmp_path)
    again = Transcripts.of(splits(), SETTINGS, tmp_path)
    assert first.vocabulary == again.vocabulary
    assert first.vocabulary.units == "characters"
    with pytest.raises(
        InputError, match=r"units is tokens.*vocabulary\.txt is .* it was characters"
    ):
        Transcripts.of(splits(), SETTINGS | {"units": "tokens"}, tmp_path)


@pytest.mark.parametrize("minutes", [0, -1, 0.51, 1000])
def test_a_part_that_cannot_be(minutes):
    """None of it, or more than there is."""
    with pytest.raises(InputError, match=r"train_minutes is .*; it must be above 0"):
        part_of([utterance(i, "ab") for i in range(30)], minutes)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (splits(train=("?!", "")), "no training utterance is left"),
        (splits(dev=("?!", "")), "dev: none of its 2 utterances has a transcript"),
    ],
)
def test_nothing_to_learn_or_to_score(tmp_path, given, words):
    """Said before anything is trained."""
    with pytest.raises(InputError, match=words):
        Transcripts.of(given, SETTINGS, tmp_path)
    assert list(tmp_path.iterdir()) == []
