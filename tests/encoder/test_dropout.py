"""A cheap mask that is exact in share, mean and scale."""

import pytest
import torch

from xlsr_sb.encoder.dropout import LEVELS, dropout

COUNT = 400_003  # no multiple of four


@pytest.mark.parametrize("p", [0.05, 0.1, 0.5, 0.75])
def test_share_and_mean(p):
    """Within four standard deviations, for each of the four lanes of a draw."""
    values = dropout(torch.ones(COUNT), p, training=True)
    for lane in (values, *(values[i::4] for i in range(4))):
        share = (lane == 0).double().mean().item()
        sigma = (p * (1 - p) / len(lane)) ** 0.5
        assert abs(share - p) < 4 * sigma
        assert abs(lane.double().mean().item() - 1) < 4 * sigma / (1 - p)


@pytest.mark.parametrize("p", [0.1, 0.3, 1e-6, 0.9999999])
def test_scale_is_the_inverse_of_what_is_kept(p):
    """Of the nearest of 65,536 levels; the extremes stay finite."""
    values = torch.randn(COUNT)
    dropped = dropout(values, p, training=True)
    kept = dropped != 0
    threshold = min(round(p * LEVELS), LEVELS - 1)
    scale = LEVELS / (LEVELS - threshold)
    torch.testing.assert_close(dropped[kept], values[kept] * scale)
    assert torch.isfinite(dropped).all()


def test_neighbours_are_independent():
    """Values of one draw, and values of neighbouring draws."""
    kept = (dropout(torch.ones(COUNT), 0.5, training=True) != 0).double() - 0.5
    for distance in range(1, 9):
        correlation = 4 * (kept[distance:] * kept[:-distance]).mean().item()
        assert abs(correlation) < 4 / COUNT**0.5


@pytest.mark.parametrize(("p", "training"), [(0.0, True), (0.5, False), (0.0, False)])
def test_nothing_is_touched(p, training):
    """Without probability or outside training; no random number is drawn either."""
    values, before = torch.randn(5), torch.get_rng_state()
    assert dropout(values, p, training=training) is values
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("shape", [(3,), (1, 1), (5, 7, 3), (0, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_any_shape_and_type(shape, dtype):
    """Both are kept."""
    dropped = dropout(torch.ones(shape, dtype=dtype), 0.5, training=True)
    assert dropped.shape == shape
    assert dropped.dtype == dtype


def test_gradient_has_the_same_mask():
    """And the same scale."""
    values = torch.ones(1_000, requires_grad=True)
    dropped = dropout(values, 0.25, training=True)
    dropped.sum().backward()
    assert torch.equal(values.grad, dropped.detach())


def test_seed_fixes_the_mask():
    """One seed, one mask; then another."""
    masks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        masks.append(dropout(torch.ones(100), 0.5, training=True))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
