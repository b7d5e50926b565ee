"""BLEU and chrF beside sacrebleu's own, of any part of any texts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu import corpus_bleu, corpus_chrf
from sacrebleu.metrics import BLEU, CHRF

from tests.metrics.texts import any_text, awkward, pairs_of
from xlsr_sb.errors import InputError
from xlsr_sb.metrics import (
    TRANSLATION_METRICS,
    TranslationScore,
    bleu_tokenizer,
    count_translations,
)
from xlsr_sb.metrics.translation import TOKENIZERS
from xlsr_sb.metrics.translation_formulas import FORMULAS

words = st.lists(st.sampled_from(["a", "b", "the", "dog,", "Été.", "1.5"]), max_size=9)
sentences = words.map(" ".join)
ENGLISH = (
    [
        "The cat sleeps here, doesn't it?",
        "I see 1,234 dogs.",
        "Yes!",
        "A long way home",
    ],
    ["The cat sleeps there, doesn't it?", "I saw 1,234 dogs.", "", "a long way home ."],
)
CHINESE = (["你好，世界！", "今天天气很好。"], ["你好，世界。", "今天 天气好。"])


def theirs(metric, references, hypotheses, tokenize="13a"):
    """Score of sacrebleu."""
    if metric == "BLEU":
        return corpus_bleu(
            hypotheses, [references], tokenize=tokenize, force=True
        ).score
    return corpus_chrf(hypotheses, [references]).score


@settings(max_examples=60)
@given(pairs_of(sentences) | pairs_of(any_text) | pairs_of(awkward))
def test_equals_sacrebleu(pairs):
    """Mutation that fails here: a second order without a match is not halved again."""
    references, hypotheses = map(list, zip(*pairs, strict=True))
    for metric in TRANSLATION_METRICS:
        score = count_translations(metric, references, hypotheses).score()
        wanted = theirs(metric, references, hypotheses)
        assert score.value == pytest.approx(wanted, abs=1e-9)
    for tokenize in TOKENIZERS:
        counts = count_translations("BLEU", references, hypotheses, tokenize=tokenize)
        wanted = theirs("BLEU", references, hypotheses, tokenize)
        assert counts.score().value == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=60)
@given(pairs_of(sentences), st.data())
def test_any_part_equals_sacrebleu(pairs, data):
    """A sentence may come several times, as in a draw."""
    numbers = st.integers(0, len(pairs) - 1)
    places = data.draw(st.lists(numbers, min_size=1, max_size=20))
    references, hypotheses = map(list, zip(*pairs, strict=True))
    texts = [[side[place] for place in places] for side in (references, hypotheses)]
    for metric in TRANSLATION_METRICS:
        counts = count_translations(metric, references, hypotheses)
        value = counts.among(np.array(places)).score().value
        assert value == pytest.approx(theirs(metric, *texts), abs=1e-9)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 4), min_size=10, max_size=10), st.integers(0, 3))
def test_formula_of_bleu_equals_sacrebleu(numbers, shift):
    """Of any counts, also those that few texts have."""
    total = sorted(numbers[6:], reverse=True)
    matches = [min(one, n) for one, n in zip(numbers[2:6], total, strict=True)]
    sums = [numbers[0] + shift, numbers[1], *matches, *total]
    options = {"smooth_method": "exp", "sys_len": sums[0], "ref_len": sums[1]}
    wanted = BLEU.compute_bleu(correct=matches, total=total, **options).score
    assert FORMULAS["BLEU"](np.array(sums)) == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=200)
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=6, max_size=6))
def test_formula_of_chrf_equals_sacrebleu(orders):
    sums = [n for a, b, c in orders for n in (a, b, min(a, b, c))]
    wanted = CHRF()._compute_f_score(sums)
    assert FORMULAS["chrF"](np.array(sums)) == pytest.approx(wanted, abs=1e-9)


def test_formulas_take_many_sums_at_a_time():
    for metric in TRANSLATION_METRICS:
        counts = count_translations(metric, *ENGLISH)
        scores = FORMULAS[metric](counts.table.reshape(2, 2, -1))
        alone = [counts.among([place]).score().value for place in range(4)]
        assert scores.ravel().tolist() == alone


@pytest.mark.parametrize("tokenize", TOKENIZERS)
def test_signature_of_bleu_is_sacrebleus(tokenize):
    peer = BLEU(tokenize=tokenize)
    peer.corpus_score(ENGLISH[1], [ENGLISH[0]])
    counts = count_translations("BLEU", *ENGLISH, tokenize=tokenize)
    assert counts.signature == str(peer.get_signature())
    assert f"|case:mixed|eff:no|tok:{tokenize}|smooth:exp|" in counts.signature
    assert counts.score().signature == counts.among([0]).signature == counts.signature


def test_signature_of_chrf_is_sacrebleus():
    peer = CHRF()
    peer.corpus_score(ENGLISH[1], [ENGLISH[0]])
    counts = count_translations("chrF", *ENGLISH)
    assert counts.signature == str(peer.get_signature())
    assert (
        counts.score().text
        == f"chrF = {counts.score().value:.2f} ({peer.get_signature()})"
    )


def test_case_and_punctuation_count():
    for change in (str.lower, lambda text: text.replace("?", "")):
        texts = ENGLISH[0], [change(text) for text in ENGLISH[0]]
        for metric in TRANSLATION_METRICS:
            assert count_translations(metric, *texts).score().value < 99


def test_chinese_is_cut_into_characters():
    """By hand: 11 of 12 characters match, and a space is none."""
    counts = count_translations("BLEU", *CHINESE, tokenize=bleu_tokenizer("zh-CN"))
    assert counts.table[:, :3].tolist() == [[6, 6, 5], [6, 7, 6]]
    by_words = count_translations("BLEU", *CHINESE).score().value
    assert by_words < counts.score().value


@pytest.mark.parametrize(
    ("language", "tokenize"),
    [
        *(("zh", "char"), ("zh-CN", "char"), ("zh_CN", "char"), ("ja", "char")),
        *(("ja_XX", "char"), ("en", "13a"), ("sv-SE", "13a"), ("jam", "13a")),
    ],
)
def test_tokenizer_of_a_language(language, tokenize):
    assert bleu_tokenizer(language) == tokenize


def test_empty_texts():
    """An empty hypothesis shortens; nothing but empty ones scores 0."""
    for metric in TRANSLATION_METRICS:
        assert count_translations(metric, ["a b c d"], [""]).score().value == 0
        assert count_translations(metric, [""], ["a b c d"]).score().value == 0
        assert count_translations(metric, [""], [""]).score().value == 0
        whole = count_translations(metric, ["a b c d", "e f g h"], ["a b c d", ""])
        assert 0 < whole.score().value < 100


def test_no_sentence_has_no_score():
    for metric in TRANSLATION_METRICS:
        counts = count_translations(metric, [], [])
        assert len(counts) == 0
        assert counts.signature == count_translations(metric, *ENGLISH).signature
        with pytest.raises(ZeroDivisionError, match=f"{metric} has no value"):
            counts.score()


def test_score_can_be_quoted():
    score = TranslationScore("BLEU", 24.126, "nrefs:1|tok:13a")
    assert score.text == "BLEU = 24.13 (nrefs:1|tok:13a)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (("BLEU", ["a"], []), ValueError, "1 reference and 0 hypothesis texts"),
        (("TER", ["a"], ["a"]), ValueError, "one of .*'BLEU', 'chrF'.*, got 'TER'"),
        (
            ("BLEU", ["a"], ["a"], "spm"),
            InputError,
            "is 'spm'; it must be one of .*13a",
        ),
    ],
)
def test_what_cannot_be_counted(call, error, message):
    metric, references, hypotheses, *tokenize = call
    options = {"tokenize": tokenize[0]} if tokenize else {}
    with pytest.raises(error, match=message):
        count_translations(metric, references, hypotheses, **options)
