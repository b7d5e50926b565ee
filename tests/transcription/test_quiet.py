"""Where recordings are cut that only the waveform tells about."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xlsr_sb.transcription.quiet import STEP, WINDOW, quiet_pieces

LONGEST = 16_000


@given(
    num_samples=st.integers(1, 90_000),
    block=st.integers(1_000, 50_000),
    longest=st.integers(16_000, 40_000),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_nothing_is_lost(num_samples, block, longest, seed):
    """Whatever the blocks, which change nothing; pieces are neither long nor tiny."""
    generator = torch.Generator().manual_seed(seed)
    waveform = torch.randn(num_samples, generator=generator)
    pieces = list(quiet_pieces(waveform.split(block), longest=longest))
    assert torch.equal(torch.cat(pieces), waveform)
    lengths = [len(piece) for piece in pieces]
    assert max(lengths) <= longest
    assert all(2 * one >= longest for one in lengths[:-1])
    if len(lengths) > 1:
        assert lengths[-1] >= STEP * WINDOW // 2
    whole = [len(piece) for piece in quiet_pieces([waveform], longest=longest)]
    assert whole == lengths


@pytest.mark.parametrize("start", [8_000, 9_777, 11_000])
@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_cut_lies_in_the_pause(start, offset):
    """Also where silence is a constant; a quiet half second before it is too early."""
    waveform = torch.randn(30_000)
    waveform[1_000:7_000] = 0.0
    waveform[start : start + 5_000] *= 1e-3
    first, *_ = quiet_pieces([waveform + offset], longest=LONGEST)
    assert start < len(first) < start + 5_000


def test_a_moment_of_silence_is_no_pause():
    """A short gap between sounds loses against a longer calm."""
    waveform = torch.randn(30_000)
    waveform[8_500:9_500] = 0.0
    waveform[10_000:15_500] *= 0.1
    first, *_ = quiet_pieces([waveform], longest=LONGEST)
    assert 10_000 < len(first) < 15_500


@pytest.mark.parametrize("waveform", [torch.zeros(40_000), torch.ones(40_000)])
def test_silence_is_cut_late(waveform):
    """Few pieces."""
    lengths = [len(one) for one in quiet_pieces([waveform], longest=LONGEST)]
    assert lengths == [13_600, 13_600, 12_800]
