"""Pairs of languages: which examples there are, and how batches mix them.

Seen to fail: lengths by the number of the example; pairs of all behind a filter; empty
texts as examples; pairs mixed by the language that is spoken.
"""

import pickle
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.data.conftest import assert_same
from xlsr_sb.data.batching import EvalLoader, UpdateLoader
from xlsr_sb.data.dataset import SpeechDataset
from xlsr_sb.data.pairs import TranslationPairs, few_of_each
from xlsr_sb.data.sampling import UpdatePlan
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance, write_manifest
from xlsr_sb.manifest.table import UtteranceTable


def clip(number, language="fr", **translations):
    """A clip of as many seconds as its number."""
    return Utterance(
        id=f"clip-{number}",
        wav=f"/{number}.wav",
        duration=float(number),
        language=language,
        wrd="à",
        translations=translations,
    )


CLIPS = [
    clip(1, en="one", de="eins"),
    clip(2, en="", de="zwei"),
    clip(3),
    clip(4, "it", en="four", de="  "),
]


def described(examples):
    """Id, text and pair of each."""
    texts = [text for one in examples for text in one.translations.values()]
    ids = [one.id for one in examples]
    return list(zip(ids, texts, examples.pair_names, strict=True))


def test_an_utterance_is_an_example_of_each_of_its_translations():
    """In order, by language; where there is no text there is no example."""
    examples = TranslationPairs.of(CLIPS)
    assert described(examples) == [
        ("clip-1:de", "eins", "fr_de"),
        ("clip-1:en", "one", "fr_en"),
        ("clip-2:de", "zwei", "fr_de"),
        ("clip-4:en", "four", "it_en"),
    ]
    assert examples.durations.tolist() == [1.0, 1.0, 2.0, 4.0]
    assert examples.target_languages == ["de", "en"]
    assert examples.names == ["fr_de", "fr_en", "it_en"]
    for one, whole in zip(examples, (CLIPS[i] for i in (0, 0, 1, 3)), strict=True):
        assert replace(one, id=whole.id, translations=whole.translations) == whole


def test_it_is_a_sequence():
    """As a list of the examples is, forwards and backwards."""
    examples = TranslationPairs.of(CLIPS)
    everything = list(examples)
    assert len(examples) == 4
    assert [examples[place] for place in range(-4, 4)] == everything * 2
    assert examples[1:] == everything[1:]
    assert list(pickle.loads(pickle.dumps(examples))) == everything
    with pytest.raises(IndexError):
        examples[4]


def test_some_of_the_examples():
    """Each keeps its own utterance, length and pair."""
    examples = TranslationPairs.of(CLIPS).among(np.array([0, 2, 3]))
    assert [name for name, *_ in described(examples)] == [
        "clip-1:de",
        "clip-2:de",
        "clip-4:en",
    ]
    some = examples.among(np.array([False, True, True]))
    assert described(some) == [
        ("clip-2:de", "zwei", "fr_de"),
        ("clip-4:en", "four", "it_en"),
    ]
    assert some.durations.tolist() == [2.0, 4.0]
    assert examples.among(np.array([1])).target_languages == ["de"]
    assert described(some.among(np.array([1, 0]))) == described(some)[::-1]


def test_utterances_may_stay_on_disk(tmp_path, monkeypatch):
    """The same examples; each row is read once when all are gone through."""
    path = tmp_path / "train.csv"
    write_manifest(path, CLIPS)
    table = UtteranceTable(path)
    examples = TranslationPairs.of(table)
    assert described(examples) == described(TranslationPairs.of(CLIPS))
    assert examples.durations.tolist() == [1.0, 1.0, 2.0, 4.0]
    read = Counter()
    one = UtteranceTable.__getitem__
    monkeypatch.setattr(
        UtteranceTable,
        "__getitem__",
        lambda self, row: read.update([row]) or one(self, row),
    )
    list(examples)
    assert read == {0: 1, 1: 1, 3: 1}


@pytest.mark.parametrize(
    ("utterances", "message"),
    [
        ([clip(1, "", en="a")], "'clip-1' .* into 'en', .* no language itself"),
        ([clip(1), clip(2, en=" ")], "none of 2 utterances is translated"),
    ],
)
def test_what_cannot_be_translated(utterances, message):
    """Said so."""
    with pytest.raises(InputError, match=message):
        TranslationPairs.of(utterances)


# Batches


def ids_of(example):
    """Letters of the text."""
    (text,) = example.translations.values()
    return [ord(letter) for letter in text]


@pytest.fixture
def spoken(utterances):
    """Twelve clips with audio: all with German, two of three with English as well."""
    return [
        replace(
            one,
            language="fr",
            translations={"de": one.wrd} | ({"en": "e" + one.wrd} if i % 3 else {}),
        )
        for i, one in enumerate(utterances)
    ]


def test_a_batch_of_examples(spoken):
    """Each with its own text; the same speech twice, if so."""
    examples = TranslationPairs.of(spoken)
    dataset = SpeechDataset(examples, encode_target=ids_of)
    batch = dataset[[2, 0, 1]]
    assert batch.ids == ["clip-2:en", "clip-1:de", "clip-2:de"]
    assert batch.targets.tolist() == [[101, 50], [49, 0], [50, 0]]
    assert batch.num_targets.tolist() == [2, 1, 1]
    assert (batch.waveforms[0] == batch.waveforms[2]).all()
    listed = SpeechDataset(list(examples), encode_target=ids_of)
    assert_same(listed[[2, 0, 1]], batch)
    assert list(dataset.durations) == examples.durations.tolist()
    loader = EvalLoader(dataset, seconds_per_device=2.0)
    assert sorted(name for part in loader for name in part.ids) == sorted(
        one.id for one in examples
    )


def test_updates_are_bounded_by_the_speech_of_each_example(spoken):
    """What the encoder hears: a clip with two translations counts twice."""
    examples = TranslationPairs.of(spoken)
    plan = UpdatePlan(
        examples.durations, seconds_per_update=1.5, seconds_per_device=0.7, seed=3
    )
    loader = UpdateLoader(SpeechDataset(examples, encode_target=ids_of), plan)
    seen = Counter()
    for update in loader.epoch(0):
        assert sum(batch.num_seconds for batch in update) <= 1.5 + 1e-6
        assert all(batch.num_seconds <= 0.7 + 1e-6 for batch in update)
        seen.update(name for batch in update for name in batch.ids)
    assert seen == {one.id: 1 for one in examples}


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_pairs_are_drawn_by_their_hours(alpha):
    """900 s of fr_en, 100 s of fr_de, 400 s of it_en; not by the language spoken."""
    clips = [clip(1, en="a") for _ in range(800)]
    clips += [clip(1, en="a", de="b") for _ in range(100)]
    clips += [clip(4, "it", en="c") for _ in range(100)]
    examples = TranslationPairs.of(clips)
    hours = {"fr_en": 900, "fr_de": 100, "it_en": 400}
    plan = UpdatePlan(
        examples.durations,
        languages=examples.pair_names,
        seconds_per_update=8,
        seconds_per_device=8,
        seed=1,
        alpha=alpha,
    )
    drawn = Counter()
    for epoch in range(4):
        for update in plan.epoch(epoch):
            places = [place for micro_batch in update for place in micro_batch]
            drawn.update(examples.pair_names[place] for place in places)
    weights = {name: seconds**alpha for name, seconds in hours.items()}
    for name, weight in weights.items():
        share = drawn[name] / sum(drawn.values())
        assert share == pytest.approx(weight / sum(weights.values()), abs=0.03)


# Few of each


def test_few_of_each_pair():
    """Few of a large pair, all of a small one; more hold fewer; order as it was."""
    clips = [clip(i, en="a", **({"de": "b"} if i < 4 else {})) for i in range(1, 40)]
    examples = TranslationPairs.of(clips)
    few, more = few_of_each(examples, 5), few_of_each(examples, 9)
    assert Counter(few.pair_names) == {"fr_en": 5, "fr_de": 3}
    assert Counter(more.pair_names) == {"fr_en": 9, "fr_de": 3}
    ids = [one.id for one in few]
    assert set(ids) < {one.id for one in more}
    assert ids == [one.id for one in examples if one.id in ids]
    backwards = few_of_each(TranslationPairs.of(clips[::-1]), 5)
    assert {one.id for one in backwards} == set(ids)


def test_none_of_each_pair():
    """Nothing to score by."""
    with pytest.raises(InputError, match="each pair: 0; it must be above 0"):
        few_of_each(TranslationPairs.of(CLIPS), 0)
