"""Texts and tokeniser of a denoising run.

Seen to fail: held-out sentences learnt, all or those in other letters; a tokeniser made
anew each time; long texts kept.
"""

import logging

import pytest

from xlsr_sb.data.subwords import SubwordTokeniser
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance
from xlsr_sb.tasks.texts import Texts

SETTINGS = {
    "tokeniser": None,
    "num_pieces": 22,
    "normalisation": "nmt_nfkc",
    "max_text_tokens": 40,
    "sampling_alpha": 1.0,
    "mask_share": 0.35,
    "mean_span": 3.5,
    "tokens_per_update": 60,
    "tokens_per_device": 40,
}
NUMBERS = ["one", "two", "three", "four", "five", "six"]


def clips(name, numbers):
    """Clips with a text in French, and one in English."""
    return [
        Utterance(
            f"{name}{i}",
            "a.wav",
            1.0,
            language="fr",
            wrd=f"le {NUMBERS[i]}",
            translations={"en": f"The {NUMBERS[i]}."},
        )
        for i in numbers
    ]


@pytest.fixture
def splits():
    """One sentence of training is one of the test set, but for its spelling."""
    test = [Utterance("t", "a.wav", 1.0, language="fr", wrd="THE four")]
    return {"train": clips("a", range(5)), "dev": clips("b", [5]), "test": test}


def of(splits, folder, **changes):
    """Make them."""
    return Texts.of(splits, SETTINGS | changes, folder)


def test_no_held_out_sentence_is_learnt(splits, tmp_path):
    """In whatever language it stands, and however it is spelt."""
    labels = of(splits, tmp_path)
    train = {one.text for one in labels.splits["train"]}
    assert "The four." not in train
    assert {"le four", "The one."} < train
    assert len(train) == 9
    assert [one.text for one in labels.splits["test"]] == ["THE four"]


def test_codes_are_those_of_the_languages(splits, tmp_path):
    """A language that is only scored has none, which is said."""
    labels = of(splits, tmp_path / "a")
    assert labels.codes == labels.tokeniser.target_ids(["en", "fr"])
    assert labels.num_classes == labels.tokeniser.vocab_size
    splits["test"] = [Utterance("t", "a.wav", 1.0, language="it", wrd="si")]
    with pytest.raises(InputError, match="no language 'it'; it has en_XX, fr_XX"):
        of(splits, tmp_path / "b")


def test_the_tokeniser_is_of_the_run_or_given(splits, tmp_path):
    """Made once; the folder of another run serves as well."""
    del splits["test"]
    first = of(splits, tmp_path / "a")
    assert SubwordTokeniser.load(tmp_path / "a" / "tokeniser") == first.tokeniser
    again = of(splits, tmp_path / "a", num_pieces=21)
    assert again.tokeniser == first.tokeniser
    given = tmp_path / "a" / "tokeniser"
    other = of(splits, tmp_path / "b", num_pieces=21, tokeniser=str(given))
    assert other.tokeniser == first.tokeniser
    assert of(splits, tmp_path / "c", num_pieces=21).tokeniser != first.tokeniser


def test_long_texts_are_left_out(splits, tmp_path, caplog):
    """With their number; what is left is bounded, code and end included."""
    del splits["test"]
    lengths = sorted(
        len(batch.targets[0])
        for batch in of(splits, tmp_path).eval_loader(
            "train", SETTINGS | {"tokens_per_device": 1}, rank=0, world_size=1
        )
    )
    with caplog.at_level(logging.WARNING):
        labels = of(splits, tmp_path, max_text_tokens=lengths[-1] - 1)
    dropped = lengths.count(lengths[-1])
    assert 0 < dropped < 10
    assert len(labels.splits["train"]) == 10 - dropped
    assert f"{dropped} texts of train of more than {lengths[-1] - 1}" in caplog.text
    with pytest.raises(InputError, match=r"all 10 texts of train have more than 2 tok"):
        of(splits, tmp_path, max_text_tokens=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_text_tokens": 41}, "max_text_tokens is 41; it must be at most tokens_"),
        ({"mask_share": 2}, "mask_share is 2; it must be from 0 to 1"),
    ],
)
def test_settings_that_cannot_be(splits, tmp_path, changes, message):
    del splits["test"]
    with pytest.raises(InputError, match=message):
        of(splits, tmp_path, **changes).eval_loader(
            "dev", SETTINGS | changes, rank=0, world_size=1
        )


def test_nothing_is_left_to_learn(splits, tmp_path):
    with pytest.raises(InputError, match="every text of train is one of dev or of a"):
        of({"train": splits["train"], "dev": splits["train"]}, tmp_path)


def test_updates_are_bounded_in_tokens(splits, tmp_path):
    """Each text once an epoch, with other noise in the next one."""
    del splits["test"]
    labels = of(splits, tmp_path)
    loader = labels.train_loader(
        SETTINGS, seed=1, rank=0, world_size=1, pin_memory=False
    )
    epochs = [list(loader.epoch(number)) for number in range(2)]
    sources = []
    for updates in epochs:
        batches = [batch for update in updates for batch in update]
        assert sorted(name for batch in batches for name in batch.ids) == sorted(
            one.id for one in labels.splits["train"]
        )
        for update in updates:
            assert sum(int(batch.num_targets.sum()) for batch in update) <= 60
            assert all(int(batch.num_targets.sum()) <= 40 for batch in update)
        rows = zip(
            [name for batch in batches for name in batch.ids],
            [row[row != 0].tolist() for batch in batches for row in batch.sources],
            strict=True,
        )
        sources.append(dict(rows))
    assert sources[0] != sources[1]
