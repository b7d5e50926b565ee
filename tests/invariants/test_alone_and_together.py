"""Invariants 1 and 3: neighbours change nothing, frames are counted from samples."""

import pytest
import torch
import torch.nn.functional as F
from speechbrain import Stage
from speechbrain.dataio.batch import PaddedBatch

from tests.training.harness import (
    PLAIN,
    assert_same_gradients,
    batches,
    make_brain,
    started,
)
from xlsr_sb import XLSRConfig
from xlsr_sb.lengths import KERNELS, STRIDES, num_frames

CLIPS = (0, 3, 6, 8, 5)  # from 0.6 to 1.4 s
COMPANIES = {
    "in its order": CLIPS,
    "last of all": tuple(reversed(CLIPS)),
    "beside a long one": (8, 0, 3, 6, 5),
}


@pytest.fixture
def brain(tmp_path, corpus, encoder_config):
    """A recogniser with nothing random: only company could make a difference."""
    config = XLSRConfig(**{**vars(encoder_config), **PLAIN})
    brain = started(make_brain(tmp_path, corpus, config))
    with torch.no_grad():  # biases that are zero would hide what padding does
        for parameter in brain.modules.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return brain


def outcome(brain, batch):
    """Features, log-probabilities, loss and gradients of a batch.

    The zeros in the padding are replaced by noise: nothing may read them.
    """
    real = torch.arange(batch.waveforms.shape[1]) < batch.num_samples[:, None]
    batch.waveforms = torch.where(real, batch.waveforms, torch.randn(real.shape))
    features = []
    hook = brain.modules["head"].register_forward_pre_hook(
        lambda _, inputs: features.append(inputs[0])
    )
    predictions = brain.compute_forward(batch, Stage.TRAIN)
    hook.remove()
    loss = brain.compute_objectives(predictions, batch, Stage.TRAIN)
    parameters = list(brain.modules.parameters())
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    return features[0], predictions, loss.detach(), gradients


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("company", COMPANIES.values(), ids=COMPANIES.keys())
def test_a_clip_alone_is_the_clip_in_company(brain, corpus, company, training):
    """Features and log-probabilities to 1e-5; losses and gradients add up."""
    brain.modules.train(training)
    (batch,) = batches(brain, corpus, company)
    features, predictions, loss, gradients = outcome(brain, batch)
    assert len(set(predictions.num_frames.tolist())) > 2
    total, sums = 0.0, [None] * len(gradients)
    for i, clip in enumerate(company):
        alone, own, own_loss, parts = outcome(brain, *batches(brain, corpus, [clip]))
        frames = int(own.num_frames)
        assert frames == int(predictions.num_frames[i])
        close = {"rtol": 1e-5, "atol": 1e-5}
        torch.testing.assert_close(features[i, :frames], alone[0], **close)
        torch.testing.assert_close(
            predictions.log_probs[i, :frames], own.log_probs[0], **close
        )
        total += own_loss.item()
        sums = [
            part if before is None else before + part
            for before, part in zip(sums, parts, strict=True)
        ]
    assert total == pytest.approx(loss.item(), rel=1e-6)
    assert_same_gradients(gradients, sums)


def test_loss_of_each_clip_alone_and_in_company(brain, corpus):
    """Seen one by one, so that errors cannot cancel in the sum."""
    (batch,) = batches(brain, corpus, CLIPS)
    predictions = brain.compute_forward(batch, Stage.TRAIN)
    together = F.ctc_loss(
        predictions.log_probs.transpose(0, 1),
        batch.targets,
        predictions.num_frames,
        batch.num_targets,
        reduction="none",
    )
    for clip, loss in zip(CLIPS, together.tolist(), strict=True):
        _, _, alone, _ = outcome(brain, *batches(brain, corpus, [clip]))
        assert alone.item() == pytest.approx(loss, rel=1e-5)


def test_the_test_can_fail(brain, corpus):
    """A clip that hears its neighbour by one sample is told apart."""
    (batch,) = batches(brain, corpus, CLIPS)
    features, *_ = outcome(brain, batch)
    batch.num_samples[0] += 1
    heard, *_ = outcome(brain, batch)
    frames = num_frames(int(batch.num_samples[0]))
    assert not torch.allclose(heard[0, :frames], features[0, :frames], atol=1e-5)


LENGTHS = [400, 401, 719, 720, 721, 5_000, 12_345, 15_999, 16_000, 16_239, 16_240]


def convolved(num_samples):
    """Frames that seven convolutions of PyTorch's make."""
    signal = torch.zeros(1, 1, num_samples)
    for kernel, stride in zip(KERNELS, STRIDES, strict=True):
        signal = F.conv1d(signal, torch.zeros(1, 1, kernel), stride=stride)
    return signal.shape[2]


def test_frames_come_from_samples(brain):
    """In every batch exactly what the convolutions make of the clip alone."""
    num_samples = torch.tensor(LENGTHS)
    waveforms = torch.randn(len(LENGTHS), max(LENGTHS))
    encoded = brain.modules["encoder"].encode(waveforms, num_samples)
    assert encoded.num_frames.tolist() == [convolved(length) for length in LENGTHS]
    assert encoded.features.shape[1] == convolved(max(LENGTHS))


def test_frames_come_from_samples_through_speechbrains_fractions(brain):
    """Where rounding a fraction of the frames, as it does itself, is often wrong."""
    clips = [{"sig": torch.randn(length)} for length in LENGTHS]
    wavs, wav_lens = PaddedBatch(clips).sig
    encoder = brain.modules["encoder"].eval()
    features = encoder(wavs, wav_lens)
    wanted = encoder.encode(wavs, torch.tensor(LENGTHS)).features
    assert torch.equal(features, wanted)
    lengths = torch.randint(400, 160_000, (1_000,))
    rounded = torch.round(lengths / 160_000 * num_frames(160_000)).long()
    assert (rounded != num_frames(lengths)).float().mean() > 0.2
