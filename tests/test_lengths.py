"""Frame arithmetic against torch's own convolutions."""

import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from xlsr_sb.lengths import (
    FRAME_RATE,
    HOP,
    KERNELS,
    RECEPTIVE_FIELD,
    STRIDES,
    mask_of,
    num_frames,
    samples_from_fractions,
)

CONVOLUTIONS = nn.Sequential(
    *(nn.Conv1d(1, 1, k, s) for k, s in zip(KERNELS, STRIDES, strict=True))
).to("meta")


def frames_of_torch(num_samples: int) -> int:
    """Length of what the seven convolutions make, 0 where they refuse."""
    try:
        return CONVOLUTIONS(torch.empty(1, 1, num_samples, device="meta")).shape[-1]
    except RuntimeError:
        return 0


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 600_000))
@example(399)
@example(400)
@example(719)
@example(720)
def test_frames_are_those_of_the_convolutions(num_samples):
    """Fails when a kernel or a stride is off by one, or floors the wrong way."""
    assert num_frames(num_samples) == frames_of_torch(num_samples)


def test_frames_of_every_short_length():
    """All lengths around the first frames, also below the receptive field."""
    lengths = range(1, 1_500)
    counted = num_frames(torch.tensor(list(lengths))).tolist()
    assert counted == [frames_of_torch(length) for length in lengths]


@given(st.integers(0, 10_000_000))
def test_a_hop_more_is_a_frame_more(num_samples):
    """Of any length that has a frame at all."""
    samples = RECEPTIVE_FIELD + num_samples
    assert num_frames(samples + HOP) == num_frames(samples) + 1


def test_constants_of_the_paper():
    """25 ms every 20 ms."""
    assert (RECEPTIVE_FIELD, HOP, FRAME_RATE) == (400, 320, 50)


@given(
    st.integers(1, 16_000 * 240).flatmap(
        lambda t: st.tuples(st.integers(1, t), st.just(t))
    )
)
def test_fractions_of_speechbrain_give_back_the_samples(lengths):
    """Up to four minutes, in float32, as ``PaddedBatch`` holds them."""
    num_samples, max_samples = lengths
    fraction = torch.tensor([num_samples / max_samples], dtype=torch.float32)
    assert samples_from_fractions(fraction, max_samples).item() == num_samples


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8))
def test_a_mask_is_true_on_what_it_counts(counts):
    """Row sums are the counts, and True comes first."""
    mask = mask_of(torch.tensor(counts), 20)
    assert mask.shape == (len(counts), 20)
    assert mask.sum(dim=1).tolist() == counts
    assert all(row.tolist() == sorted(row.tolist(), reverse=True) for row in mask)
