"""Likeliest tokens of many: the same as by sorting all, with no copy of all."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from xlsr_sb.decoders.autoregressive.beams import Beams
from xlsr_sb.decoders.autoregressive.candidates import (
    CHUNK,
    FEW,
    ban_repeats,
    log_normalisers,
    top_tokens,
)
from xlsr_sb.decoders.autoregressive.settings import SearchSettings


@pytest.mark.parametrize("k", [1, 10])
@pytest.mark.parametrize("more", [-1, 0, 1, CHUNK - 1, CHUNK, 5 * CHUNK + 3])
def test_top_tokens_are_those_of_all(more, k):
    """On both sides of where chunks begin, with the best in any place."""
    logits = torch.randn(50, FEW + more)
    logits[0, -k:] += 100.0  # in the rest, which is no chunk
    logits[1, CHUNK : CHUNK + k] += 100.0  # all in one chunk
    logits[2, ::CHUNK] += 100.0  # one in each
    values, tokens = top_tokens(logits, k=k)
    expected = logits.topk(k, dim=-1)
    assert torch.equal(values, expected.values)
    assert torch.equal(tokens, expected.indices)


def test_top_tokens_of_few_that_are_possible():
    """Chunks of -inf alone."""
    logits = torch.full((1, FEW + 1), -torch.inf)
    logits[0, [5, 3000]] = torch.tensor([1.0, 2.0])
    values, tokens = top_tokens(logits, k=4)
    assert values[0].tolist() == [2.0, 1.0, -torch.inf, -torch.inf]
    assert tokens[0, :2].tolist() == [3000, 5]


def test_normalisers_are_logsumexp():
    """In blocks of rows."""
    logits = 5 * torch.randn(7, 100_000)
    expected = logits.double().logsumexp(dim=-1)
    torch.testing.assert_close(log_normalisers(logits).double(), expected)


@given(data=st.data(), size=st.integers(1, 4), length=st.integers(1, 9))
def test_banned_is_what_would_come_twice(data, size, length):
    """Each token tried in turn."""
    tokens = st.lists(st.integers(0, 3), min_size=length, max_size=length)
    history = data.draw(tokens)
    logits = torch.zeros(2, 4)
    others = [3 - token for token in history]
    ban_repeats(logits, history=torch.tensor([history, others]), size=size)
    for token in range(4):
        longer = [*history, token]
        runs = [tuple(longer[i : i + size]) for i in range(len(longer) - size + 1)]
        expected = -torch.inf if runs[-1:] and runs[-1] in runs[:-1] else 0.0
        assert logits[0, token].item() == expected
        assert logits[1, 3 - token].item() == expected


class Allocations(TorchDispatchMode):
    """Operations whose output is as large as all logits, and not a view of them."""

    def __init__(self, logits):
        super().__init__()
        self.logits, self.found = logits, []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Note the operation and go on."""
        output = func(*args, **(kwargs or {}))
        outputs = output if isinstance(output, (tuple, list)) else [output]
        for one in outputs:
            is_view = one.untyped_storage().data_ptr() == self.storage
            if one.numel() >= self.logits.numel() and not is_view:
                self.found.append(str(func))
        return output

    @property
    def storage(self):
        """Where the logits lie."""
        return self.logits.untyped_storage().data_ptr()


def test_a_step_makes_no_copy_of_all_logits():
    """Also with tokens that are forbidden; normalising them would be seen."""
    settings = SearchSettings(
        beam_size=3, max_tokens=5, no_repeat_ngram=2, min_tokens=5
    )
    prefix = torch.full((2, 3), 7)
    beams = Beams(prefix, settings=settings, start=2, eos=2)
    logits = torch.randn(6, 3 * FEW)
    with Allocations(logits) as seen:
        beams.advance(logits)
    assert seen.found == []
    assert logits[:, [2, 7]].eq(-torch.inf).all()
    with Allocations(logits) as seen:
        logits.log_softmax(dim=-1)
    assert seen.found == ["aten._log_softmax.default"]
