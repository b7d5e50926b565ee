"""Noise of texts: how much is hidden, in which spans, and the same every time.

Seen to fail: the share rounded down; sentences that stay; all spans of the mean length;
a mask for each word; noise that is the same in all epochs.
"""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsr_sb.data.denoising import TextNoise, span_lengths
from xlsr_sb.errors import InputError

NOISE = TextNoise()
WORDS = st.lists(st.sampled_from(["a", "b.", "c?", "d"]), min_size=1, max_size=40)


@given(WORDS, st.integers(0, 2**40), st.sampled_from([0.0, 0.2, 0.35, 1.0]))
def test_a_share_of_the_words_is_hidden(words, place, share):
    """Rounded up, whatever the text; what is left are its words."""
    noise = TextNoise(mask_share=share)
    parts = noise(" ".join(words), noise.random(3, epoch=1, place=place))
    left = Counter(part for part in parts if part is not None)
    assert left <= Counter(words)
    assert len(words) - left.total() == math.ceil(share * len(words))
    assert (None in parts) == (share > 0)


def test_words_that_are_left_stay_in_order_in_a_sentence():
    """Spans are of neighbours, and a text of one sentence is not shuffled."""
    words = [f"w{i}" for i in range(40)]
    starts = Counter()
    for place in range(300):
        parts = NOISE(" ".join(words), NOISE.random(1, epoch=0, place=place))
        left = [part for part in parts if part is not None]
        assert left == sorted(left, key=words.index)
        # A mask for each span: far fewer of them than hidden words.
        assert 1 <= parts.count(None) < 14
        starts.update(set(words) - set(left))
    shares = [starts[word] / 300 for word in words]
    assert min(shares) > 0.1  # the ends are in fewer spans
    assert min(shares[3:-3]) > 0.25
    assert max(shares) < 0.5
    assert abs(np.mean(shares) - 0.35) < 1e-9


def test_spans_are_of_poisson():
    """Mean, variance and zeros of the lengths, but for those that are cut."""
    random = np.random.default_rng(1)
    spans = [span_lengths(1_000, mean=3.5, random=random) for _ in range(40)]
    assert {sum(one) for one in spans} == {1_000}
    whole = [length for one in spans for length in one[:-1]]
    assert abs(np.mean(whole) - 3.5) < 0.1
    assert abs(np.var(whole) - 3.5) < 0.25
    assert 0.02 < whole.count(0) / len(whole) < 0.04  # exp(-3.5) is 0.030
    assert span_lengths(0, mean=3.5, random=random) == []


def test_sentences_change_places():
    """All orders come, each as one piece."""
    noise = TextNoise(mask_share=0.0)
    text = "Press one. Hang up! Why?"
    found = Counter(
        " ".join(noise(text, noise.random(1, epoch=0, place=place)))
        for place in range(600)
    )
    assert len(found) == 6
    assert min(found.values()) > 60
    assert "Hang up! Why? Press one." in found


def test_the_same_for_the_same_seed_epoch_and_place_alone():
    """And unlike for another of each."""
    text = " ".join(f"w{i}" for i in range(60))

    def noisy(seed, epoch, place):
        return tuple(NOISE(text, NOISE.random(seed, epoch=epoch, place=place)))

    keys = [(1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 4), (2, 1, 3)]
    assert len({noisy(*key) for key in keys}) == len(keys)
    assert [noisy(*key) for key in keys] == [noisy(*key) for key in keys]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mask_share": 1.1}, "mask_share is 1.1; it must be from 0 to 1"),
        ({"mask_share": math.nan}, "mask_share is nan"),
        ({"mean_span": 0.5}, "mean_span is 0.5; it must be a number from 1 on"),
        ({"mean_span": math.inf}, "mean_span is inf"),
    ],
)
def test_values_out_of_range(fields, message):
    with pytest.raises(InputError, match=message):
        TextNoise(**fields)
