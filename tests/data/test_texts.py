"""Texts without speech: which there are, and batches of noisy ones.

Seen to fail: a noisy text without the code of its language; noise that is not seeded;
noise of scored texts that depends on the seed.
"""

import pytest
import torch

from xlsr_sb.data.denoising import TextNoise
from xlsr_sb.data.subwords import train_tokeniser
from xlsr_sb.data.texts import NoisyPlan, NoisyTexts, Text, key_of, texts_of
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

WORDS = [f"{a}{b}o" for a in "klmnprst" for b in "aeiu"]


@pytest.fixture(scope="module")
def tokeniser():
    """Of made-up words, in two languages."""
    return train_tokeniser([" ".join(WORDS)], num_pieces=24, languages=["en", "fr"])


@pytest.fixture
def noisy(tokeniser):
    """Texts of 4 to 24 words, with noise."""
    texts = [
        Text("fr" if i % 2 else "en", " ".join(WORDS[i : 4 + 4 * i]), f"{i}")
        for i in range(6)
    ]
    codes = tokeniser.target_ids(["en", "fr"])
    return NoisyTexts(texts, tokeniser, codes, noise=TextNoise(), seed=3)


def clip(name, text, language="fr", **translations):
    """An utterance of a second."""
    return Utterance(
        name, "a.wav", 1.0, language=language, wrd=text, translations=translations
    )


def test_each_text_of_a_language_once():
    """Transcripts and translations; the same words in two languages are two texts."""
    clips = [
        clip("a", " un  chat ", en="a cat", it=""),
        clip("b", "un chat", en="no"),
        clip("c", "", en="un chat"),
    ]
    found = [(one.id, one.language, one.text) for one in texts_of(clips)]
    assert found == [
        ("a:fr", "fr", "un chat"),
        ("a:en", "en", "a cat"),
        ("b:en", "en", "no"),
        ("c:en", "en", "un chat"),
    ]


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([clip("a", "oui", language="")], "utterance 'a' has a transcript, but no lan"),
        ([clip("a", " ")], "the manifest has no text to learn from"),
    ],
)
def test_texts_that_cannot_be(clips, message):
    with pytest.raises(InputError, match=message):
        texts_of(clips)


def test_sentences_that_are_the_same():
    """Case, punctuation and spaces alone do not make another one."""
    assert key_of("Yes , sir!") == key_of("yes sir")
    assert key_of("Да.") != key_of("Нет.")
    assert key_of("?!") != key_of("...")


def test_batches_have_codes_and_ends(noisy, tokeniser):
    """Code first and end last on both sides, masks on one, zeros behind."""
    batch = noisy[[(index, 2, 10 + index) for index in range(6)]]
    assert batch.ids == list("012345")
    assert (len(batch), batch.num_seconds) == (6, 0.0)
    for row, text in enumerate(noisy.texts):
        source = batch.sources[row, : batch.num_sources[row]].tolist()
        target = batch.targets[row, : batch.num_targets[row]].tolist()
        assert source[0] == target[0] == tokeniser.language_id(text.language)
        assert source[-1] == target[-1] == tokeniser.eos
        assert target[1:] == tokeniser.encode(text.text)
        parts = noisy.noise(text.text, noisy.noise.random(3, epoch=2, place=10 + row))
        assert source.count(tokeniser.mask) == parts.count(None) > 0
        left = " ".join(part for part in parts if part is not None)
        kept = [one for one in source if one != tokeniser.mask]
        assert tokeniser.decode(kept) == left
        assert tokeniser.mask not in target
        assert not batch.sources[row, batch.num_sources[row] :].any()
        assert not batch.targets[row, batch.num_targets[row] :].any()
    assert noisy.durations.tolist() == batch.num_targets.tolist()


def test_noise_is_of_epoch_and_place(noisy):
    """Whatever else is in the batch; of an index alone, the same every time."""
    together, alone = noisy[[(4, 1, 7), (5, 1, 8)]], noisy[[(5, 1, 8)]]
    count = alone.num_sources[0]
    assert torch.equal(together.sources[1, :count], alone.sources[0])
    others = [noisy[[request]] for request in ((5, 1, 9), (5, 2, 8), 5)]
    for other in others:
        assert not torch.equal(other.sources, alone.sources)
        assert torch.equal(other.targets, alone.targets)
    noisy.seed = 4
    assert not torch.equal(noisy[[(5, 1, 8)]].sources, alone.sources)
    assert torch.equal(noisy[[5]].sources, others[-1].sources)


def test_plan_gives_each_place_once():
    """Two processes share the places that one has."""
    shares = [
        NoisyPlan(
            [9.0] * 20,
            seconds_per_update=36,
            seconds_per_device=18,
            seed=1,
            rank=rank,
            world_size=size,
        ).epoch(2)
        for rank, size in ((0, 1), (0, 2), (1, 2))
    ]
    whole, *parts = [
        sorted(one for update in share for batch in update for one in batch)
        for share in shares
    ]
    assert sorted(parts[0] + parts[1]) == whole
    assert {epoch for _, epoch, _ in whole} == {2}
    assert sorted(place for *_, place in whole) == list(range(20))


def test_a_batch_on_a_device(noisy):
    """All four tensors move."""
    moved = noisy[[1, 2]].to("meta")
    tensors = (moved.sources, moved.num_sources, moved.targets, moved.num_targets)
    assert {one.device.type for one in tensors} == {"meta"}
    assert moved.ids == ["1", "2"]
