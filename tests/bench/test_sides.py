"""Every side computes the same step; wrong ones are not measured.

Seen to fail: peers given waveforms that are not normalised, a mask of all frames, the
convolutions of one side trained.
"""

import pytest
import torch

from tests.encoder.models import random_lobe
from xlsr_sb.bench.cases import BATCHES, Case
from xlsr_sb.bench.peaks import MemoryWatch, release_memory
from xlsr_sb.bench.sides import SIDES, Utterances
from xlsr_sb.bench.task import task_of

CPU = torch.device("cpu")
PEERS = sorted(set(SIDES) - {"ours"})


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Folder with an encoder whose every parameter is random."""
    folder = tmp_path_factory.mktemp("weights")
    random_lobe(freeze_feature_extractor=True).save_pretrained(folder)
    return folder


def task(side, weights, work="plain", dtype="fp32"):
    return task_of(side, weights, Case("tiny", dtype, "short", work), CPU)


@pytest.mark.parametrize("peer", PEERS)
def test_features_are_the_same(peer, weights):
    ours = task("ours", weights, "inference").features()
    theirs = task(peer, weights, "inference").features()
    assert ours.shape == theirs.shape
    assert ours.abs().sum() > 1
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("peer", PEERS)
def test_updates_are_the_same(peer, weights):
    """Loss and norm of the gradient, of two updates: the optimiser is the same too."""
    ours, theirs = task("ours", weights), task(peer, weights)
    for _ in range(2):
        assert ours.first_update() == pytest.approx(theirs.first_update(), rel=1e-3)
    count = [sum(one.numel() for one in each.trained) for each in (ours, theirs)]
    unused = ours.module.config.dim  # the mask embedding, which torchaudio lacks
    assert count[0] - count[1] == (unused if peer == "torchaudio" else 0)


@pytest.mark.parametrize("side", SIDES)
def test_dropout_is_that_of_the_work(side, weights):
    """On in ``training``, off in ``plain``: two losses differ, or do not."""
    for work, differs in (("training", True), ("plain", False)):
        one = task(side, weights, work)
        assert (one.loss().item() != one.loss().item()) == differs


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("work", ["inference", "training"])
def test_steps_are_timed_in_half_precision(side, work, weights):
    """Training changes the weights, inference does not."""
    one = task(side, weights, work, "bf16")
    before = [p.clone() for p in one.module.parameters()]
    one.settle()
    step = one.step()
    assert step.seconds > 0
    changed = [
        not torch.equal(p, old)
        for p, old in zip(one.module.parameters(), before, strict=True)
    ]
    assert any(changed) == (work == "training")


def test_batch_is_ragged_and_the_same_everywhere():
    lengths = Case("tiny", "fp32", "ramp", "plain").num_samples
    one, other = (Utterances.random(lengths, CPU) for _ in range(2))
    assert torch.equal(one.waveforms, other.waveforms)
    assert one.num_samples.tolist() == lengths
    assert one.num_seconds == sum(BATCHES["ramp"])
    normalised = one.normalised()
    assert normalised[0, lengths[0] :].abs().max() == 0
    assert normalised[0, : lengths[0]].std() == pytest.approx(1, rel=1e-3)


def test_peak_is_that_of_the_call():
    """A block that was freed again is seen, and not seen after a fresh start."""
    watch = MemoryWatch(CPU)
    if watch.start() is None:
        pytest.skip("this system does not let a process set its high-water mark back")
    before = watch.start()
    block = torch.ones(25_000_000)
    del block
    assert 95e6 < watch.peak() - before < 150e6
    release_memory()
    again = watch.start()
    assert watch.peak() - again < 20e6
