"""Pretraining beside transformers: the same losses, the same gradients, fair draws.

Seen to fail: negatives of another seed, masks of padded frames, diversity left in what
is compared, convolutions of one side frozen.
"""

import numpy as np
import pytest
import torch

from tests.encoder.models import random_lobe
from xlsr_sb.bench import pretraining
from xlsr_sb.bench.cases import Case
from xlsr_sb.bench.pretraining import PRETRAINING_SIDES, new_head
from xlsr_sb.bench.sides import Utterances
from xlsr_sb.bench.task import task_of
from xlsr_sb.lengths import mask_of

CPU = torch.device("cpu")
SIDES = sorted(PRETRAINING_SIDES)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Folder with an encoder and a head whose every parameter is random."""
    folder = tmp_path_factory.mktemp("weights")
    lobe = random_lobe()
    lobe.save_pretrained(folder, heads=new_head(lobe.config, "tiny").tensors())
    return folder


def task(side, weights, dtype="fp32"):
    return task_of(side, weights, Case("tiny", dtype, "short", "pretraining"), CPU)


def test_first_updates_are_the_same(weights):
    """Loss and norm of the gradient; twice, as the optimiser is the same too."""
    ours, theirs = (task(side, weights) for side in SIDES)
    for _ in range(2):
        assert ours.first_update() == pytest.approx(theirs.first_update(), rel=1e-3)
    count = [sum(one.numel() for one in each.trained) for each in (ours, theirs)]
    assert count[0] == count[1]


def test_first_updates_are_the_same_in_half_precision(weights):
    """As far as rounding lets them."""
    ours, theirs = (task(side, weights, "bf16").first_update() for side in SIDES)
    assert ours == pytest.approx(theirs, rel=0.05)


@pytest.mark.parametrize("side", SIDES)
def test_steps_draw_anew_and_what_is_compared_does_not(side, weights):
    """Nor does it leave anything changed."""
    one = task(side, weights)
    assert one.loss().item() != one.loss().item()
    assert one.first_loss().item() == one.first_loss().item()
    assert one.module.training
    if side == "ours":
        assert one.module["head"].settings.diversity_weight == 0.1


@pytest.mark.parametrize("side", SIDES)
def test_losses_of_a_step_are_alike(side, weights):
    """Near that of a guess, with the diversity of random codes."""
    one = task(side, weights)
    mean = np.mean([one.loss().item() for _ in range(4)])
    assert 3.5 < mean < 8


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_everything_learns(side, dtype, weights):
    """Convolutions, mask embedding and quantiser too."""
    one = task(side, weights, dtype)
    before = {name: p.clone() for name, p in one.module.named_parameters()}
    assert one.step().seconds > 0
    same = [n for n, p in one.module.named_parameters() if torch.equal(p, before[n])]
    assert same == []


def test_their_draws_are_fair():
    """Real frames are masked, as many as ours; negatives are masked neighbours."""
    batch = Utterances.random([32_000, 16_000, 8_000], CPU)
    is_real = mask_of(batch.num_frames, int(batch.num_frames.max()))
    shares = []
    for _ in range(100):
        masks, negatives = pretraining._drawn(batch, 5)
        assert not (masks & ~is_real).any()
        places = negatives[masks]
        own = masks.flatten().nonzero()
        assert masks.flatten()[places].all()
        assert (places // masks.shape[1] == own // masks.shape[1]).all()
        assert (places != own).all()
        shares.append(masks.sum().item())
    ours = [
        pretraining.time_masks(
            pretraining.Packing.of(batch.num_samples.tolist(), pretraining.CONFIG),
            pretraining.CONFIG,
        )
        .sum()
        .item()
        for _ in range(100)
    ]
    assert np.mean(shares) == pytest.approx(np.mean(ours), rel=0.05)


def test_given_masks_are_the_same_everywhere():
    """Whatever was drawn before; and drawing them changes nothing."""
    batch = Utterances.random([32_000, 16_000], CPU)
    state = torch.get_rng_state()
    first, owner = pretraining.given(batch)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(1)
    assert torch.equal(pretraining.given(batch)[0], first)
    assert len(owner) == first.sum()
    masks, negatives = pretraining._padded(batch, 5)
    assert torch.equal(masks[mask_of(batch.num_frames, masks.shape[1])], first)
    assert masks.flatten()[negatives[masks]].all()
