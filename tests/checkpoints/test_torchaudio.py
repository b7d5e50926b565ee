"""torchaudio's files, with the parameters' names of both ages.

Seen to fail: the head ``aux`` taken for a part of the encoder; a missing layer norm.
"""

import pytest
import torch

from tests.checkpoints.peers import padded, utterances
from tests.encoder.models import as_torchaudio, random_lobe
from xlsr_sb import XLSR
from xlsr_sb.checkpoints import prepared, read_checkpoint, write_checkpoint
from xlsr_sb.errors import InputError

GIVEN = {"num_heads": 3}
WEIGHT = "encoder.transformer.pos_conv_embed.conv"


@pytest.fixture
def model():
    """Random model of torchaudio."""
    return as_torchaudio(random_lobe()).eval()


def layers_of(model, waveforms):
    """Outputs of all layers but the last unnormalised one; one utterance at a time."""
    for waveform in waveforms:
        normalised = torch.nn.functional.layer_norm(waveform, waveform.shape)
        *layers, last = model.extract_features(normalised[None])[0]
        yield [*layers, model.encoder.transformer.layer_norm(last)]


def assert_same_layers(source, model):
    lobe = XLSR.from_pretrained(str(source), **GIVEN).eval()
    waveforms = utterances()
    with torch.no_grad():
        encoded = lobe.encode(*padded(waveforms), all_layers=True)
        for i, theirs in enumerate(layers_of(model, waveforms)):
            count = encoded.num_frames[i]
            for ours, peer in zip(encoded.layers[1:], theirs, strict=True):
                torch.testing.assert_close(
                    ours[i, :count], peer[0], atol=1e-4, rtol=1e-4
                )


@pytest.mark.parametrize("age", ["new", "old"])
def test_there_and_back(tmp_path, model, age):
    """Read, compared; written, loaded by torchaudio, compared."""
    state = dict(model.state_dict())
    if age == "old":
        for number, name in enumerate(("weight_g", "weight_v")):
            new = f"{WEIGHT}.parametrizations.weight.original{number}"
            state[f"{WEIGHT}.{name}"] = state.pop(new)
    torch.save(state, tmp_path / "theirs.pth")
    assert_same_layers(tmp_path / "theirs.pth", model)
    checkpoint = read_checkpoint(tmp_path / "theirs.pth", GIVEN)
    assert checkpoint.layout == "torchaudio"
    ready = prepared(checkpoint, "torchaudio")
    path = write_checkpoint(ready.checkpoint, tmp_path / "ours")
    again = as_torchaudio(random_lobe(seed=9)).eval()
    again.load_state_dict(torch.load(path, weights_only=True))
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert_same_layers(path, again)
    assert_same_layers(tmp_path / "ours", again)


def test_head(tmp_path, model):
    """Of fine-tuned models; nothing says what its rows write."""
    state = {**model.state_dict(), "aux.weight": torch.randn(5, 48)}
    state["aux.bias"] = torch.randn(5)
    torch.save(state, tmp_path / "a.pth")
    checkpoint = read_checkpoint(tmp_path / "a.pth", GIVEN)
    assert torch.equal(checkpoint.head("ctc")["projection.bias"], state["aux.bias"])
    assert checkpoint.vocabulary is None


def test_heads_that_are_not_known(tmp_path, model):
    """Files hold tensors only, and this width was never published."""
    torch.save(model.state_dict(), tmp_path / "a.pth")
    with pytest.raises(InputError, match=r"a.pth does not say num_heads; give num_he"):
        XLSR.from_pretrained(str(tmp_path / "a.pth"))
    with pytest.raises(InputError, match="dim 48 must be a multiple of num_heads 5"):
        XLSR.from_pretrained(str(tmp_path / "a.pth"), num_heads=5)


@pytest.mark.parametrize(
    "name", [f"{WEIGHT}.bias", "feature_extractor.conv_layers.3.layer_norm.weight"]
)
def test_missing_tensor(tmp_path, model, name):
    """A group-norm model lacks all norms but the first."""
    state = dict(model.state_dict())
    del state[name]
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(InputError, match=rf"encoder: missing: {name}$"):
        read_checkpoint(tmp_path / "a.pth", GIVEN)
