"""Where utterances lie when they are laid end to end."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xlsr_sb import XLSRConfig
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import num_frames

CONFIGS = [
    XLSRConfig.preset("tiny"),
    XLSRConfig.preset(
        "tiny", conv_dims=[8] * 3, conv_kernels=[11, 4, 5], conv_strides=[3, 4, 2]
    ),
]
packings = st.builds(
    lambda config, extra: Packing.of(
        [config.receptive_field + n for n in extra], config
    ),
    st.sampled_from(CONFIGS),
    st.lists(st.integers(0, 3_000), min_size=1, max_size=6),
)


@given(packings)
@settings(deadline=None)
def test_utterances_do_not_overlap(packing):
    """Each begins at a multiple of the hop, right behind the one before."""
    ends = [
        slot * packing.hop + n
        for slot, n in zip(packing.slots, packing.num_samples, strict=True)
    ]
    begins = [slot * packing.hop for slot in packing.slots]
    assert begins[0] == 0
    for end, begin in zip(ends, begins[1:], strict=False):
        assert end <= begin < end + packing.hop


@given(packings, st.sampled_from([0, 1, 7, 64]))
@settings(deadline=None)
def test_indices_are_of_the_real_frames(packing, gap):
    """One a frame, in order, and each frame sees samples of its utterance only."""
    frames = packing.num_frames
    owners = packing.utterance.tolist()
    assert owners == [i for i, n in enumerate(frames) for _ in range(n)]
    assert packing.counts.tolist() == frames
    assert packing.boundaries.tolist() == packing.starts
    assert packing.boundaries.dtype == torch.int32
    longest = max(frames)
    for row, owner in enumerate(owners):
        frame = row - packing.starts[owner]
        assert packing.real_slots[row] == packing.slots[owner] + frame
        assert packing.gapped(gap)[row] == row + owner * gap
        assert packing.padded[row] == owner * longest + frame


@given(packings)
@settings(deadline=None)
def test_last_frame_ends_inside_the_utterance(packing):
    """And one more would not."""
    config = next(c for c in CONFIGS if c.hop == packing.hop)
    for n, frames in zip(packing.num_samples, packing.num_frames, strict=True):
        last = (frames - 1) * packing.hop + config.receptive_field
        assert last <= n < last + packing.hop
        sizes = {"kernels": config.conv_kernels, "strides": config.conv_strides}
        assert frames == num_frames(n, **sizes)


@given(packings)
@settings(deadline=None)
def test_unpacked_rows_are_padded_with_zeros(packing):
    """Rows go to their utterance and frame."""
    rows = torch.randn(packing.starts[-1], 3)
    batch = packing.unpack(rows)
    assert batch.shape == (len(packing.num_frames), max(packing.num_frames), 3)
    for i, n in enumerate(packing.num_frames):
        assert torch.equal(batch[i, :n], rows[packing.starts[i] :][:n])
        assert not batch[i, n:].any()


@given(packings, st.integers(0, 100))
@settings(deadline=None)
def test_packed_signal_is_normalised_and_zero_between(packing, tail):
    """Over an utterance's own samples; what stands behind them is never read."""
    longest = max(packing.num_samples)
    waveforms = 3 * torch.randn(len(packing.num_samples), longest) + 1
    for waveform, n in zip(waveforms, packing.num_samples, strict=True):
        waveform[n:] = torch.nan
    signal = packing.pack(waveforms, tail)
    covered = torch.zeros(len(signal), dtype=torch.bool)
    for slot, n in zip(packing.slots, packing.num_samples, strict=True):
        piece = signal[slot * packing.hop :][:n]
        assert piece.mean().abs() < 1e-4
        torch.testing.assert_close(
            piece.var(correction=0).item(), 1.0, atol=1e-3, rtol=0
        )
        covered[slot * packing.hop :][:n] = True
    assert not signal[~covered].any()
    assert not covered[len(signal) - tail :].any()


def test_half_precision_waveforms_are_normalised_in_single():
    """Sums of squares would overflow."""
    packing = Packing.of([16_000], CONFIGS[0])
    waveforms = (100 * torch.randn(1, 16_000)).half()
    signal = packing.pack(waveforms, 80)
    assert signal.dtype == torch.float32
    torch.testing.assert_close(signal[:16_000].std().item(), 1.0, atol=1e-3, rtol=0)


def test_silence_stays_finite():
    """It has no loudness to be normalised."""
    signal = Packing.of([800], CONFIGS[0]).pack(torch.zeros(1, 800), 80)
    assert not signal.any()


@pytest.mark.parametrize(("short", "shown"), [(399, "399"), (0, "0")])
def test_too_short_utterance_is_named(short, shown):
    """With its place in the batch, its length and the least one."""
    message = f"utterance 1 of the batch has {shown} samples; .* at least 400"
    with pytest.raises(InputError, match=message):
        Packing.of([400, short, 100], CONFIGS[0])
