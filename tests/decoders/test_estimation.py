"""Kneser-Ney models: against KenLM's numbers, and as probabilities."""

import gzip
import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decoders.brute_force import next_probability
from xlsr_sb.decoders.estimation import NGrams
from xlsr_sb.decoders.language_model import check_language_model
from xlsr_sb.errors import InputError

# What lmplz -o 3 writes of these sentences, --discount_fallback 0.5 1 1.5 the first.
SMALL = ["a b c a b", "b c a", "a a b c", "c b", "b", "a b d"]
OF_SMALL = """
-1.0267931 <unk> 0
0 <s> -0.30103
-0.6532125 </s> 0
-0.83773685 a -0.30103
-0.6057878 c -0.30103
-0.44235915 b </s> 0
-0.49126887 <s> a -0.30103
-0.7628344 a a -0.30103
-0.806923 b d -0.30103
-0.3659708 <s> b </s>
-0.1671364 c b </s>
-0.34390995 b c a
-0.28428227 <s> a b
-0.6925222 a b d
"""
OF_GENERATED = """
-2.9326146 <unk> 0
0 <s> -0.47685808
-1.1681119 </s> 0
-2.777518 w132 -0.11223385
-1.8959208 w17 -0.1972799
-2.4416335 w60 -0.11223385
-0.8257344 <s> w1 -0.11113115
-0.9773199 w116 w1 -0.028082846
-1.9416093 w18 w86 -0.028082846
-1.406217 w59 w77 -0.028082846
-0.7340939 <s> w1 </s>
-1.4654515 w1 w31 w26
-1.4736202 w16 w2 w64
-1.5441436 w5 w5 w39
"""


def generated(num_sentences=400):
    """Sentences of made-up words, some of them much commoner than others."""
    state, sentences = 1, []
    for _ in range(num_sentences):
        words = []
        while True:
            state = state * 48_271 % 2_147_483_647
            draw = state / 2_147_483_647
            if draw > 0.85:
                break
            words.append(f"w{int(2 ** (draw * 9))}")
        sentences.append(words)
    return sentences


@pytest.mark.parametrize(
    ("sentences", "expected", "counts"),
    [
        ([text.split() for text in SMALL], OF_SMALL, (7, 13, 15)),
        (generated(), OF_GENERATED, (199, 1540, 2086)),
    ],
)
def test_numbers_are_those_of_kenlm(tmp_path, sentences, expected, counts):
    """Mutation that fails here: lower orders keep their counts."""
    path = tmp_path / "lm.arpa"
    NGrams.estimate(sentences, order=3).save(path)
    assert check_language_model(path).counts == counts
    lines = {}
    for line in path.read_text().splitlines():
        number, *rest = line.split("\t")
        if rest:
            lines[rest[0]] = [float(number), *map(float, rest[1:])]
    rows = expected.strip().splitlines()
    for row in rows:
        number, *words = row.split()
        has_backoff = words[-1][-1].isdigit() and not words[-1].startswith("w")
        numbers = [float(number), *([float(words.pop())] if has_backoff else [])]
        assert lines[" ".join(words)] == pytest.approx(numbers, abs=1e-6)
    assert len(rows) >= 14


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abc"), max_size=5), min_size=1, max_size=8),
    st.integers(1, 4),
)
def test_probabilities_of_what_may_follow_add_up_to_one(sentences, order):
    """After any words, seen or not."""
    if not any(sentences):
        sentences = [["a"]]
    order = min(order, 2 + max(map(len, sentences)))
    ngrams = NGrams.estimate(sentences, order=order)
    words = [w for (w,) in ngrams.probabilities[0] if w not in ("<s>", "</s>")]
    for history in product("ab", repeat=2):
        said = ("<s>", *history)
        shares = [next_probability(ngrams, said, w) for w in [*words, "</s>"]]
        assert sum(shares) == pytest.approx(1.0, abs=1e-6)
        assert min(shares) > 0


def test_gzipped_file_is_the_same_each_time(tmp_path):
    """And holds what the plain one does."""
    ngrams = NGrams.estimate([["a", "b"]], order=2)
    for name in ("a.arpa", "a.arpa.gz", "b.arpa.gz"):
        ngrams.save(tmp_path / name)
    packed = (tmp_path / "a.arpa.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "a.arpa").read_bytes()
    assert packed == (tmp_path / "b.arpa.gz").read_bytes()


def test_sentences_without_words_are_passed_over():
    """They would teach that sentences end at once."""
    some = NGrams.estimate([["a"], [], ["b", "a"]], order=2)
    assert some == NGrams.estimate([["a"], ["b", "a"]], order=2)
    assert ("<s>", "</s>") not in some.probabilities[1]
    assert math.isclose(some.probabilities[0]["<s>",], 1.0)


@pytest.mark.parametrize(
    ("sentences", "order", "message"),
    [
        ([["a"]], 0, "order is 0; it must be from 1 to 6"),
        ([["a"]], 7, "order is 7"),
        ([[], []], 2, "has no words"),
        ([["a", "<unk>"]], 2, "as a word"),
        ([["a", "b"], ["a"]], 5, "longest sentence has 2 words.*for order 4 only"),
    ],
)
def test_what_cannot_be_estimated(sentences, order, message):
    with pytest.raises(InputError, match=message):
        NGrams.estimate(sentences, order=order)
