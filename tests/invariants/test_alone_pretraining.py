"""Invariant 1 in pretraining: a clip has the loss that it has alone, whoever is beside.

With given masks, codes and negatives. The diversity term is left out: it is about all
frames of a batch together, in fairseq as here.
"""

import pytest
import torch
from speechbrain import Stage

from tests.tasks.pretraining_brain import (
    clips,
    make_pretraining,
    masking,
    units_of,
    without_chance,
)
from tests.training.harness import assert_same_gradients
from xlsr_sb.heads.pretraining import PretrainingHead

CLIPS = (0, 3, 6, 8, 5)
COMPANIES = {
    "in its order": CLIPS,
    "last of all": tuple(reversed(CLIPS)),
    "beside a long one": (8, 0, 3, 6, 5),
}


@pytest.fixture
def brain(tmp_path, corpus, encoder_config, monkeypatch):
    """Nothing is random: only company could make a difference."""
    without_chance(monkeypatch)
    brain = make_pretraining(
        tmp_path,
        corpus,
        masking(encoder_config),
        head={"diversity_weight": 0.0},
        units=units_of(corpus),
    )
    with torch.no_grad():  # biases that are zero would hide what padding does
        for parameter in brain.modules.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return brain


def outcome(brain, batch, monkeypatch):
    """Masked frames, sums and gradients of a batch, with noise in its padding."""
    real = torch.arange(batch.waveforms.shape[1]) < batch.num_samples[:, None]
    batch.waveforms = torch.where(real, batch.waveforms, torch.randn(real.shape))
    seen, forward = [], PretrainingHead.forward

    def keep(head, frames, **options):
        seen.append(frames)
        return forward(head, frames, **options)

    with monkeypatch.context() as patch:
        patch.setattr(PretrainingHead, "forward", keep)
        found = brain.compute_forward(brain.prepare(batch), Stage.TRAIN)
    parameters = list(brain.modules.parameters())
    gradients = torch.autograd.grad(found.total, parameters, allow_unused=True)
    return seen[0], found, gradients


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("company", COMPANIES.values(), ids=COMPANIES.keys())
def test_a_clip_alone_is_the_clip_in_company(
    brain, corpus, company, training, monkeypatch
):
    """Context and features to 1e-5; losses, hits and gradients add up."""
    brain.modules.train(training)
    (batch,) = clips(corpus, company)
    frames, together, gradients = outcome(brain, batch, monkeypatch)
    sums = dict.fromkeys(("masked", "contrastive", "correct", "unit"), 0.0)
    added = [None] * len(gradients)
    for i, clip in enumerate(company):
        own, alone, parts = outcome(brain, *clips(corpus, [clip]), monkeypatch)
        rows = frames.utterance == i
        assert rows.sum() == len(own.context) > 10
        close = {"rtol": 1e-5, "atol": 1e-5}
        torch.testing.assert_close(frames.context[rows], own.context, **close)
        torch.testing.assert_close(frames.features[rows], own.features, **close)
        sums = {name: sums[name] + float(alone.sums[name]) for name in sums}
        added = [
            part if before is None else before + part if part is not None else before
            for before, part in zip(added, parts, strict=True)
        ]
    for name, value in sums.items():
        assert value == pytest.approx(float(together.sums[name]), rel=1e-5), name
    assert together.total.item() == pytest.approx(
        sums["contrastive"] + sums["unit"], rel=1e-5
    )
    assert 0 < sums["correct"] < sums["masked"]
    assert_same_gradients(gradients, added)


def test_the_test_can_fail(brain, corpus, monkeypatch):
    """A clip that hears its neighbour by one sample is told apart."""
    (batch,) = clips(corpus, CLIPS)
    frames, *_ = outcome(brain, batch, monkeypatch)
    batch.num_samples[0] += 1
    heard, *_ = outcome(brain, batch, monkeypatch)
    rows = frames.utterance == 0
    assert not torch.allclose(
        heard.context[heard.utterance == 0][: int(rows.sum())],
        frames.context[rows],
        atol=1e-5,
    )
