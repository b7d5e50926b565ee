"""The two ways to resample are one, and lengths are exact."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchaudio.functional import resample as peer

from xlsr_sb.data import resampling
from xlsr_sb.data.resampling import resample


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_equal_to_torchaudio(rate):
    """In float64, through its kernels and through direct interpolation in two chunks.

    Fails with its kernels of float32 positions, which are 5e-5 away.
    """
    samples = torch.randn(rate * 2 + 7, generator=torch.Generator().manual_seed(1))
    expected = peer(samples.double(), rate, 16_000).float()
    torch.testing.assert_close(resample(samples, rate), expected, atol=3e-6, rtol=0)
    direct = resampling._interpolate(samples, rate, len(expected))
    torch.testing.assert_close(direct, expected, atol=3e-6, rtol=0)


@settings(max_examples=30, deadline=None)
@given(rate=st.integers(4_000, 192_000), num_samples=st.integers(1, 3_000))
def test_length_of_any_rate(rate, num_samples):
    """Rounded up."""
    resampled = resample(torch.zeros(num_samples), rate)
    assert len(resampled) == -(-num_samples * 16_000 // rate)


def test_length_of_a_long_recording():
    """Float32 cannot count it; fails with torchaudio 2.11 alone, a sample short."""
    samples = torch.zeros(3 * 2**20 + 2)
    assert len(resample(samples, 3_000)) == 2**24 + 11
