"""Encoders from folders: ours, transformers' of any age, and those that are refused.

Seen to fail: a head's weights taken for the encoder's; a layer loaded twice.
"""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.checkpoints.peers import hf_model
from tests.encoder.models import ragged_batch, random_lobe
from xlsr_sb import XLSR
from xlsr_sb.checkpoints import LAYOUTS
from xlsr_sb.encoder import pretrained
from xlsr_sb.errors import InputError

PLAIN = {"mask_time_prob": 0.0, "mask_channel_prob": 0.0, "layerdrop": 0.0}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder of transformers, and the model in it."""
    folder, model = tmp_path_factory.mktemp("hf"), hf_model()
    model.save_pretrained(folder)
    return folder, model


@pytest.fixture
def copy(written, tmp_path):
    """Copy of that folder, to be spoilt."""
    for path in written[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def assert_same_features(lobe, model):
    """On one utterance, normalised for transformers."""
    lobe.eval()
    waveform = torch.randn(1, 8_000)
    normalised = torch.nn.functional.layer_norm(waveform, waveform.shape)
    base = getattr(model, "wav2vec2", model)
    with torch.no_grad():
        ours, theirs = lobe(waveform), base(normalised).last_hidden_state
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def change_weights(folder, change):
    """Write the folder's weights again, changed."""
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def change_config(folder, **fields):
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **fields}
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


# What is loaded


def test_round_trip(tmp_path):
    """Every weight and every size, mask embedding included."""
    lobe = random_lobe().eval()
    lobe.save_pretrained(tmp_path / "new" / "folder")
    again = XLSR.from_pretrained(tmp_path / "new" / "folder", **PLAIN).eval()
    assert again.state_dict().keys() == lobe.state_dict().keys()
    for name, tensor in lobe.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    for field in ("conv_dims", "conv_kernels", "conv_strides", "num_heads", "dim"):
        assert getattr(again.config, field) == getattr(lobe.config, field)
    batch = ragged_batch()
    assert torch.equal(again.encode(*batch).features, lobe.encode(*batch).features)


@pytest.mark.parametrize(
    "kind",
    [
        *["Wav2Vec2Model", "Wav2Vec2ForCTC", "Wav2Vec2ForPreTraining"],
        *["Wav2Vec2ForSequenceClassification", "Wav2Vec2ForXVector"],
    ],
)
def test_folder_of_transformers(tmp_path, kind):
    """With or without a head on the encoder."""
    model = hf_model(kind)
    model.save_pretrained(tmp_path)
    assert_same_features(XLSR.from_pretrained(str(tmp_path)), model)


def test_old_names_of_weight_norm(copy, written):
    """As in checkpoints from before PyTorch's parametrizations."""
    old = {"original0": "weight_g", "original1": "weight_v"}

    def rename(weights):
        for new, name in old.items():
            key = f"encoder.pos_conv_embed.conv.parametrizations.weight.{new}"
            weights[f"encoder.pos_conv_embed.conv.{name}"] = weights.pop(key)
        return weights

    change_weights(copy, rename)
    assert_same_features(XLSR.from_pretrained(copy), written[1])


def test_pickled_weights(copy, written):
    """``pytorch_model.bin``, where there is nothing better."""
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    prefixed = {f"wav2vec2.{name}": tensor for name, tensor in weights.items()}
    torch.save({**prefixed, "lm_head.bias": torch.ones(3)}, copy / "pytorch_model.bin")
    assert_same_features(XLSR.from_pretrained(copy), written[1])


def test_mask_embedding_may_be_absent(copy, written):
    """Some fine-tuned models were saved without it; a random one takes its place."""

    def drop(weights):
        del weights["masked_spec_embed"]
        return weights

    change_weights(copy, drop)
    lobe = XLSR.from_pretrained(copy)
    assert_same_features(lobe, written[1])
    assert torch.isfinite(lobe.mask_embedding).all()


def test_regularisation_is_ours(written):
    """The paper's fine-tuning by default, whatever the folder says; sizes are fixed."""
    lobe = XLSR.from_pretrained(written[0], mask_time_prob=0.3)
    assert (lobe.config.mask_time_prob, lobe.config.layerdrop) == (0.3, 0.1)
    with pytest.raises(InputError, match=r"\['dim', 'num_layers'\] are fixed by"):
        XLSR.from_pretrained(written[0], dim=64, num_layers=1)


def test_build_takes_a_source_or_a_preset(written):
    """As recipes name it; an empty source is none."""
    assert XLSR.build(preset="300m", source=str(written[0])).config.dim == 32
    assert XLSR.build(preset="tiny", source=None, num_layers=1).config.dim == 384
    assert XLSR.build(preset="tiny", source="", num_layers=1).config.dim == 384


# What is refused


def test_source_that_is_nowhere():
    """Neither a folder nor on the hub; the message says what to give."""
    with pytest.raises(
        InputError, match="'no/such-model' is no folder here, and the hub"
    ):
        XLSR.from_pretrained("no/such-model")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"feat_extract_norm": "group"}, "feat_extract_norm is 'group'; .* 'layer'"),
        ({"do_stable_layer_norm": False}, "do_stable_layer_norm is False; .* True"),
        ({"conv_bias": False}, "conv_bias is False; a model built like XLS-R has True"),
        ({"model_type": "hubert"}, "model_type is 'hubert'"),
        ({"hidden_size": None}, "config.json has no 'hidden_size'"),
    ],
)
def test_model_of_another_structure(copy, fields, message):
    """Base models among them, whose first convolution has a group norm."""
    change_config(copy, **fields)
    with pytest.raises(InputError, match=message):
        XLSR.from_pretrained(copy)


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe\x00", b"[1, 2]"])
def test_damaged_config(copy, content):
    """Named, with what is wrong."""
    (copy / "config.json").write_bytes(content)
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        XLSR.from_pretrained(copy)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_file(copy, name):
    """Named."""
    (copy / name).unlink()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        XLSR.from_pretrained(copy)


@pytest.mark.parametrize("size", [0, 100, -1])
def test_damaged_safetensors(copy, size):
    """Empty, or cut anywhere."""
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match="model.safetensors is damaged or cut"):
        XLSR.from_pretrained(copy)


@pytest.mark.parametrize("size", [0, 10, 5_000, -1])
def test_damaged_pickle(copy, size):
    """Empty, or cut anywhere."""
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    path = copy / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match="bin (is damaged or cut|cannot be used)"):
        XLSR.from_pretrained(copy)


class Harmful:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        """Make unpickling create a file."""
        return open, ("harmed", "w")


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_pickle_does_not_run(copy, monkeypatch, zipped):
    """In today's format of PyTorch and in the old one."""
    monkeypatch.chdir(copy)
    (copy / "model.safetensors").unlink()
    torch.save(
        {"masked_spec_embed": Harmful()},
        copy / "pytorch_model.bin",
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(InputError, match="asks for (_io|io|builtins).open"):
        XLSR.from_pretrained(copy)
    assert not (copy / "harmed").exists()
    torch.load(copy / "pytorch_model.bin", weights_only=False)[
        "masked_spec_embed"
    ].close()
    assert (copy / "harmed").exists(), "the pickle was harmless, so nothing was tested"


def test_pickle_of_something_else(copy):
    """A list has no names."""
    (copy / "model.safetensors").unlink()
    torch.save([torch.ones(2)], copy / "pytorch_model.bin")
    with pytest.raises(InputError, match="no tensors with names"):
        XLSR.from_pretrained(copy)


@pytest.mark.parametrize(
    "missing",
    [
        "encoder.layers.1.final_layer_norm.bias",
        "encoder.layers.1.attention.k_proj.weight",
        "encoder.layers.0.attention.q_proj.bias",
        "feature_projection.projection.weight",
    ],
)
def test_missing_weight(copy, missing):
    """Nothing is left random without a word."""

    def drop(weights):
        del weights[missing]
        return weights

    change_weights(copy, drop)
    with pytest.raises(InputError, match=f"encoder: missing: {missing}$"):
        XLSR.from_pretrained(copy)


@pytest.mark.parametrize(
    "name", ["encoder.layers.7.layer_norm.bias", "surprise.weight"]
)
def test_unknown_weight(copy, name):
    """Nothing is thrown away without a word."""
    change_weights(copy, lambda weights: {**weights, name: torch.ones(32)})
    with pytest.raises(InputError, match=f"encoder: unexpected: {name}$"):
        XLSR.from_pretrained(copy)


def test_weights_of_another_size(copy):
    """Named with both sizes."""
    change_config(copy, intermediate_size=52)
    with pytest.raises(
        InputError, match=r"encoder.layers.0.feed_forward.* is \[48\], not \[52\]"
    ):
        XLSR.from_pretrained(copy)


def test_weights_of_another_encoder():
    """Parameters that were added to the encoder are not left as they are."""
    lobe = random_lobe()
    weights = dict(lobe.state_dict())
    del weights["mask_embedding"]
    pretrained.load_weights(lobe, weights)
    del weights["feature_norm.bias"]
    with pytest.raises(InputError, match=r"missing \['feature_norm.bias'\]"):
        pretrained.load_weights(lobe, weights)
    with pytest.raises(InputError, match=r"unexpected \['new'\]"):
        pretrained.load_weights(lobe, {**lobe.state_dict(), "new": torch.ones(1)})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_features_are_the_same_after_any_layout(tmp_path, layout):
    """Saved and loaded: to the last bit."""
    lobe = random_lobe().eval()
    lobe.save_pretrained(tmp_path, layout=layout)
    given = {"num_heads": 3} if layout == "torchaudio" else {}
    again = XLSR.from_pretrained(tmp_path, **PLAIN, **given).eval()
    batch = ragged_batch()
    assert torch.equal(again.encode(*batch).features, lobe.encode(*batch).features)
