"""Windows of a recording: which samples they hold, however it is read.

Seen to fail: a last window that begins where the next one would.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xlsr_sb.errors import InputError
from xlsr_sb.identification.windows import Windows


@given(
    num_samples=st.integers(400, 60_000),
    block=st.integers(1_000, 30_000),
    hop=st.integers(2_000, 16_000),
)
def test_windows_cover_a_recording(num_samples, block, hop):
    """Each a hop behind the other, the last one at the end; all of the same length."""
    waveform = torch.randn(num_samples)
    windows = Windows(waveform.split(block), length=16_000, hop=hop, source="a")
    found = list(windows)
    assert windows.num_samples == num_samples
    assert len(windows.energies) == num_samples // 160
    for start, stop, window in zip(windows.starts, windows.stops, found, strict=True):
        assert torch.equal(window, waveform[start:stop])
        assert len(window) == min(16_000, num_samples)
    assert windows.starts[0] == 0
    assert windows.stops[-1] == num_samples
    steps = torch.tensor(windows.starts).diff()
    assert (steps[:-1] == hop).all()
    assert ((steps > 0) & (steps <= hop)).all()


def test_energies_do_not_depend_on_the_blocks():
    """Nor on an offset; they are sums of squares."""
    waveform = torch.randn(33_000)
    options = {"length": 16_000, "hop": 16_000, "source": "a"}
    whole = Windows([waveform], **options)
    parted = Windows((waveform + 0.25).split(777), **options)
    for windows in (whole, parted):
        list(windows)
    wanted = waveform[:160].var(correction=0) * 160
    assert whole.energies[0] == pytest.approx(wanted.item(), rel=1e-5)
    assert parted.energies == pytest.approx(whole.energies, rel=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_silence_is_an_error(value):
    """Told once the end is reached."""
    blocks = torch.full((50_000,), value).split(16_000)
    windows = Windows(blocks, length=16_000, hop=8_000, source="a.wav")
    with pytest.raises(InputError, match=r"^a.wav is silent; there is nothing to ide"):
        list(windows)
