"""Frozen features are those of each utterance alone, in the order asked for.

Seen to fail: the mean over padding too; batches in the order of their lengths; the
last layer for the one asked for.
"""

import torch

from tests.encoder.models import random_lobe
from tests.finished_run import noise
from xlsr_sb.data.audio import load_audio
from xlsr_sb.manifest import Utterance
from xlsr_sb.probe.features import frame_features, mean_features
from xlsr_sb.probe.models import load_model


def recordings(folder):
    """Utterances whose lengths are in no order."""
    lengths = (9_000, 30_000, 16_000, 4_000)
    paths = [noise(folder / f"{i}.wav", n, seed=i) for i, n in enumerate(lengths)]
    return [
        Utterance(f"u{i}", str(path), n / 16_000)
        for i, (path, n) in enumerate(zip(paths, lengths, strict=True))
    ]


def alone(lobe, one, layer):
    """Features of one utterance by itself."""
    waveform = load_audio(one.wav)
    options = {"num_samples": torch.tensor([len(waveform)]), "up_to_layer": layer}
    with torch.no_grad():
        return lobe.encode(waveform[None], **options).features[0]


def test_means_and_frames(tmp_path, monkeypatch):
    monkeypatch.setattr("xlsr_sb.probe.features.SECONDS_PER_BATCH", 3.0)
    lobe, utterances = random_lobe(num_layers=3).eval(), recordings(tmp_path)
    means = mean_features(lobe, utterances, layers=[0, 2])
    assert means.shape == (2, 4, lobe.config.dim)
    for place, layer in enumerate((0, 2)):
        frames = frame_features(lobe, utterances, layer=layer)
        for i, one in enumerate(utterances):
            wanted = alone(lobe, one, layer)
            assert torch.allclose(means[place, i], wanted.mean(0), atol=1e-4)
            assert frames[i].shape == wanted.shape
            assert torch.allclose(frames[i].float(), wanted, atol=1e-2, rtol=1e-2)


def test_models(tmp_path):
    """A source as it is, and random weights of its sizes or of a preset."""
    lobe = random_lobe(num_layers=1)
    lobe.save_pretrained(tmp_path / "lobe")
    name = str(tmp_path / "lobe")
    loaded = load_model(name, seed=0)
    one, again, other = (load_model(f"random:{name}", seed=seed) for seed in (0, 0, 1))
    weights = [x.feature_projection.weight for x in (lobe, loaded, one, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert torch.equal(weights[2], weights[3])
    assert not torch.equal(weights[2], weights[4])
    assert weights[2].shape == weights[0].shape
    assert not torch.equal(weights[2], weights[0])
    assert load_model("random:tiny", seed=0).config.dim == 384
    assert not any(x.requires_grad for x in loaded.parameters())
    assert not loaded.training


def test_random_weights_leave_the_generator_alone():
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    load_model("random:tiny", seed=0)
    assert torch.equal(torch.rand(1), wanted)
