"""Examples and tokeniser of a translation run."""

import logging

import pytest

from xlsr_sb.data.subwords import SubwordTokeniser
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance
from xlsr_sb.tasks.translations import Translations

SETTINGS = {
    "tokeniser": None,
    "num_pieces": 18,
    "normalisation": "nmt_nfkc",
    "min_utterance_seconds": 0.2,
    "max_utterance_seconds": 10.0,
    "max_target_tokens": 30,
    "dev_clips_of_pair": None,
}
WORDS = ["one two", "three four", "two four", "four one"]


def clips(name, number, **changes):
    """Clips with a text in two languages."""
    return [
        Utterance(
            f"{name}{i}",
            f"{name}{i}.wav",
            changes.get("duration", 1.0 + i),
            language="fr",
            translations={"en": WORDS[i % 4], "de": f"auch {WORDS[-1 - i % 4]}"},
        )
        for i in range(number)
    ]


@pytest.fixture
def splits():
    """Training, development and test set."""
    return {"train": clips("a", 8), "dev": clips("b", 4), "test": clips("c", 3)}


def of(splits, folder, **changes):
    """Make them."""
    return Translations.of(splits, SETTINGS | changes, folder)


def test_an_example_a_translation(splits, tmp_path):
    """With the code of its language first, and the end last."""
    labels = of(splits, tmp_path)
    assert {name: len(part) for name, part in labels.splits.items()} == {
        "train": 16,
        "dev": 8,
        "test": 6,
    }
    example = next(one for one in labels.splits["test"] if one.id == "c1:en")
    first, *middle, last = labels.encode(example)
    assert first == labels.tokeniser.language_id("en")
    assert last == labels.tokeniser.eos
    assert labels.tokeniser.decode(middle) == "three four"
    assert labels.num_classes == labels.tokeniser.vocab_size


def test_only_training_is_filtered(splits, tmp_path, caplog):
    """By the length of the speech and of the text; both are told."""
    long = splits["train"][0].translations | {"en": " ".join(["four one two"] * 20)}
    object.__setattr__(splits["train"][0], "translations", long)
    object.__setattr__(splits["test"][0], "duration", 99.0)
    with caplog.at_level(logging.WARNING):
        labels = of(splits, tmp_path, max_utterance_seconds=6.0)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "4 training examples shorter than 0.2 s or longer than 6.0 s are left out",
        "1 training translations of more than 30 tokens are left out: fr_en 1",
    ]
    assert len(labels.splits["train"]) == 11
    assert len(labels.splits["test"]) == 6


def test_tokeniser_is_of_the_training_texts_and_kept(splits, tmp_path):
    """A run that goes on has the one it began with."""
    first = of(splits, tmp_path).tokeniser
    others = {**splits, "train": clips("x", 3)}
    assert of(others, tmp_path).tokeniser == first
    assert SubwordTokeniser.load(tmp_path / "tokeniser") == first
    given = of(splits, tmp_path / "new", tokeniser=str(tmp_path / "tokeniser"))
    assert given.tokeniser == first


def test_dev_may_be_thinned(splits, tmp_path):
    """So many of each pair, always the same."""
    labels = of(splits, tmp_path, dev_clips_of_pair=2)
    names = [one.id for one in labels.splits["dev"]]
    assert len(names) == 4
    assert names == [
        one.id for one in of(splits, tmp_path, dev_clips_of_pair=2).splits["dev"]
    ]


def test_nothing_to_learn(splits, tmp_path):
    """All clips are too long."""
    with pytest.raises(InputError, match="no training utterance is from 0.2 to 0.5"):
        of(splits, tmp_path, max_utterance_seconds=0.5)


def test_unknown_tokeniser(splits, tmp_path):
    """Neither a folder nor on the hub."""
    with pytest.raises(InputError, match=r"source 'no\.model' does not exist"):
        of(splits, tmp_path, tokeniser="no.model")
