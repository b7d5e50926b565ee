"""With a beam for all sequences there are, a search finds all of them, in order."""

from dataclasses import asdict

import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.decoders.autoregressive.tables import (
    EOS,
    NUM_TOKENS,
    START,
    Tables,
    memories,
    sequences,
)
from xlsr_sb.decoders.autoregressive.beam import beam_search
from xlsr_sb.decoders.autoregressive.settings import SearchSettings

MAX_TOKENS, WIDE = 4, 128  # 1 + 3 + 9 + 27 * 4 = 121 sequences


def everything(model, memory, counts, *, settings, prefix):
    """All sequences of each utterance with their scores, without a search."""
    tilts = [m[:n].sum(0) for m, n in zip(memory, counts, strict=True)]
    return [sequences(model, one, settings=settings, prefix=prefix) for one in tilts]


def searched(model, memory, counts, *, settings, prefix):
    """The same, found by the search."""
    found = beam_search(
        model, memory, counts, prefix=prefix, start=START, eos=EOS, **asdict(settings)
    )
    return [[(one.tokens, one.score) for one in best] for best in found]


def assert_same(found, expected):
    """Tokens, order and scores, where neighbours do not tie."""
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert len(ours) == len(theirs)
        assert [s for _, s in ours] == pytest.approx([s for _, s in theirs], abs=1e-4)
        assert dict(ours) == pytest.approx(dict(theirs), abs=1e-4)


@given(
    seed=st.integers(0, 10_000),
    length_penalty=st.sampled_from([-0.5, 0.0, 0.5, 1.0, 2.0]),
    no_repeat_ngram=st.sampled_from([0, 0, 2, 3]),
    min_tokens=st.integers(0, 3),
    force_eos=st.booleans(),
    prefix=st.sampled_from([(), (3,), (2, 1)]),
)
@examples(max_examples=40)
def test_a_wide_beam_finds_every_sequence(seed, prefix, **options):
    """Histories of different lengths, memories of different lengths."""
    settings = SearchSettings(
        beam_size=WIDE,
        num_best=WIDE,
        max_tokens=MAX_TOKENS,
        early_stopping="never",
        **options,
    )
    model = Tables(seed, max_tokens=MAX_TOKENS)
    memory, counts = memories(seed, [3, 1, 2])
    found = searched(model, memory, counts, settings=settings, prefix=prefix)
    expected = everything(model, memory, counts, settings=settings, prefix=prefix)
    assert_same(found, expected)
    options.pop("length_penalty")
    if not prefix and not any(options.values()):
        assert len(found[0]) == 121


def test_a_narrow_beam_finds_the_best_of_what_it_follows():
    """It misses the best sometimes, and never says what is not there."""
    settings = SearchSettings(
        beam_size=2, num_best=2, max_tokens=5, early_stopping="never"
    )
    missed = 0
    for seed in range(20):
        model = Tables(seed, max_tokens=5)
        memory, counts = memories(seed, [2])
        [found] = searched(model, memory, counts, settings=settings, prefix=())
        [all_of_them] = everything(model, memory, counts, settings=settings, prefix=())
        for tokens, score in found:
            assert score == pytest.approx(dict(all_of_them)[tokens], abs=1e-4)
        missed += found[0][0] != all_of_them[0][0]
    assert 0 < missed < 10  # of 20


def test_utterances_that_are_done_are_dropped():
    """Rows of each step: none is computed for an utterance after its last."""
    model = Tables(0, max_tokens=6)
    memory = torch.zeros(3, 1, NUM_TOKENS)
    memory[0, 0, EOS], memory[1, 0, EOS], memory[2, 0, 1] = 50.0, 4.0, 50.0
    search = {"beam_size": 2, "max_tokens": 6, "early_stopping": True}
    first, _, last = beam_search(
        model, memory, torch.ones(3).long(), prefix=[], start=START, eos=EOS, **search
    )
    assert (first[0].tokens, first[0].finished) == ((), True)
    assert (last[0].tokens, last[0].finished) == ((1,) * 6, False)
    assert len(model.rows) == 6
    assert (model.rows[0], model.rows[-1]) == (6, 2)
    assert model.rows == sorted(model.rows, reverse=True)
    alone = Tables(0, max_tokens=6)
    [again] = beam_search(
        alone,
        memory[:1],
        torch.ones(1).long(),
        prefix=[],
        start=START,
        eos=EOS,
        **search,
    )
    assert again == first
    assert len(alone.rows) == 2
