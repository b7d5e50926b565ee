"""Intervals of BLEU and chrF beside sacrebleu's, and a loop that draws one by one."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import _bootstrap_resample

from xlsr_sb.metrics import (
    TRANSLATION_METRICS,
    bootstrap,
    count_translations,
    translation_gain,
    translation_interval,
)

WORDS = ["the", "a", "cat", "dog", "sees", "sleeps", "here", "there", "big", ",", "."]


def corpus(seed, *, sentences=120, wrong=0.3):
    """References, and hypotheses in which a share of the words is another."""
    generator = np.random.default_rng(seed)
    references, hypotheses = [], []
    for _ in range(sentences):
        words = generator.choice(WORDS, generator.integers(3, 15))
        others = generator.choice(WORDS, len(words))
        is_wrong = generator.random(len(words)) < wrong
        references.append(" ".join(words))
        hypotheses.append(" ".join(np.where(is_wrong, others, words)))
    return references, hypotheses


@pytest.mark.parametrize(("metric", "peer"), [("BLEU", BLEU()), ("chrF", CHRF())])
def test_draws_are_spread_as_sacrebleus(metric, peer):
    """Mutation that fails here: a score is the mean of the scores of sentences."""
    references, hypotheses = corpus(0)
    counts = count_translations(metric, references, hypotheses)
    interval = translation_interval(counts, draws=2_000)
    _, scores = _bootstrap_resample(counts.table.tolist(), peer, 2_000)
    low, high = np.percentile([one.score for one in scores], [2.5, 97.5])
    width = high - low
    assert interval.low == pytest.approx(low, abs=0.1 * width)
    assert interval.high == pytest.approx(high, abs=0.1 * width)
    assert interval.drawn == "utterances"


@pytest.mark.parametrize("metric", TRANSLATION_METRICS)
def test_speakers_are_drawn_whole(metric):
    """Beside a loop; mutation that fails here: sentences are drawn all the same."""
    parts = [corpus(seed, sentences=10, wrong=seed / 40) for seed in range(20)]
    references, hypotheses = (sum(side, []) for side in zip(*parts, strict=True))
    people = np.repeat(np.arange(20), 10)
    counts = count_translations(metric, references, hypotheses)
    generator = np.random.default_rng(1)
    scores = []
    for _ in range(1_000):
        drawn = generator.integers(0, 20, 20)
        places = np.concatenate([np.flatnonzero(people == one) for one in drawn])
        scores.append(counts.among(places).score().value)
    low, high = np.percentile(scores, [2.5, 97.5])
    names = [f"s{number}" for number in people]
    interval = translation_interval(counts, speakers=names, draws=2_000)
    assert interval.drawn == "speakers"
    assert interval.low == pytest.approx(low, abs=0.12 * (high - low))
    assert interval.high == pytest.approx(high, abs=0.12 * (high - low))
    alone = translation_interval(counts)
    assert alone.high - alone.low < 0.8 * (interval.high - interval.low)


def test_seed_decides_and_order_does_not(monkeypatch):
    references, hypotheses = corpus(0)
    order = np.random.default_rng(1).permutation(len(references))
    names = [f"s{number % 12}" for number in range(len(references))]
    for metric in TRANSLATION_METRICS:
        counts = count_translations(metric, references, hypotheses)
        for speakers in (None, names):
            first = translation_interval(counts, speakers=speakers)
            mixed = speakers and [speakers[place] for place in order]
            again = translation_interval(counts.among(order), speakers=mixed)
            assert again == first
            other = translation_interval(counts, speakers=speakers, seed=1)
            assert other != first
            with monkeypatch.context() as patch:
                patch.setattr(bootstrap, "CHUNK", 500)  # in pieces: the same draws
                assert translation_interval(counts, speakers=speakers) == first


@pytest.mark.parametrize("texts", [[], ["a b c d"]])
def test_without_choice_there_is_no_interval(texts):
    for metric in TRANSLATION_METRICS:
        assert translation_interval(count_translations(metric, texts, texts)) is None


def test_equal_sentences_have_equal_draws():
    for metric in TRANSLATION_METRICS:
        counts = count_translations(metric, ["a b c d e"] * 5, ["a b c d x"] * 5)
        interval = translation_interval(counts)
        value = pytest.approx(counts.score().value)
        assert (interval.low, interval.high) == (value, value)


# Two systems


@pytest.mark.parametrize("metric", TRANSLATION_METRICS)
def test_gain_equals_a_loop(metric):
    references, hypotheses = corpus(0, sentences=60)
    other = [
        two if n % 5 else one
        for n, (one, two) in enumerate(zip(references, hypotheses, strict=True))
    ]
    ours = count_translations(metric, references, hypotheses)
    better = count_translations(metric, references, other)
    generator = np.random.default_rng(1)
    draws = [generator.integers(0, 60, 60) for _ in range(1_000)]
    gains = [
        better.among(places).score().value - ours.among(places).score().value
        for places in draws
    ]
    low, high = np.percentile(gains, [2.5, 97.5])
    gain = translation_gain(ours, better, draws=2_000)
    assert gain.value == better.score().value - ours.score().value
    assert gain.low == pytest.approx(low, abs=0.12 * (high - low))
    assert gain.high == pytest.approx(high, abs=0.12 * (high - low))


@pytest.mark.parametrize("speakers", [None, [f"s{n % 15}" for n in range(120)]])
def test_what_both_find_hard_cancels_out(speakers):
    """Pairs tell systems apart whose intervals overlap."""
    references, hypotheses = corpus(0)
    other = [references[n] if n % 12 == 0 else hypotheses[n] for n in range(120)]
    for metric in TRANSLATION_METRICS:
        ours = count_translations(metric, references, hypotheses)
        better = count_translations(metric, references, other)
        one, two = (
            translation_interval(counts, speakers=speakers) for counts in (ours, better)
        )
        assert one.high > two.low
        gain = translation_gain(ours, better, speakers=speakers)
        assert gain.drawn == one.drawn
        assert gain.low > 0
        assert gain.improvement > 0.99
        back = translation_gain(better, ours, speakers=speakers)
        assert (back.value, back.improvement < 0.01) == (-gain.value, True)


def test_a_system_does_not_improve_on_itself():
    counts = count_translations("BLEU", *corpus(0))
    gain = translation_gain(counts, counts)
    assert (gain.value, gain.low, gain.high, gain.improvement) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("metric", "hypotheses", "options"),
    [
        ("BLEU", ["a b", "c d", "e"], {}),
        ("BLEU", ["a b c", "d"], {"tokenize": "char"}),
        ("chrF", ["a b c", "d"], {}),
    ],
)
def test_systems_must_be_of_the_same_references(metric, hypotheses, options):
    ours = count_translations("BLEU", ["a b c", "d"], ["a b c", "d"])
    other = count_translations(metric, hypotheses, hypotheses, **options)
    with pytest.raises(ValueError, match="are not of the same references"):
        translation_gain(ours, other)
