"""Folders in transformers' layout: read, written, and as transformers reads them.

Seen to fail: a shard left out, the first of two shards read twice, the head's prefix
forgotten, ``id2label`` in the order of its texts.
"""

import json
import os

import pytest
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.checkpoints.peers import hf_inputs, hf_model, padded, utterances
from tests.encoder.models import ODD_SIZES, random_lobe
from xlsr_sb import XLSR
from xlsr_sb.checkpoints import prepared, read_checkpoint, write_checkpoint
from xlsr_sb.errors import InputError

KINDS = ["Wav2Vec2Model", "Wav2Vec2ForPreTraining", "Wav2Vec2ForCTC"]
KINDS += ["Wav2Vec2ForSequenceClassification"]


def assert_same_layers(source, model, waveforms=None):
    """Ours and transformers', on a ragged batch."""
    waveforms = waveforms or utterances()
    lobe = XLSR.from_pretrained(str(source)).eval()
    base = getattr(model, "wav2vec2", model)
    with torch.no_grad():
        encoded = lobe.encode(*padded(waveforms), all_layers=True)
        outputs = base(**hf_inputs(waveforms), output_hidden_states=True)
    # Whether the last of them is normalised depends on the version of transformers.
    theirs = [*outputs.hidden_states[:-1], outputs.last_hidden_state]
    assert len(theirs) == len(encoded.layers)
    for ours, peer in zip(encoded.layers, theirs, strict=True):
        for i, count in enumerate(encoded.num_frames.tolist()):
            torch.testing.assert_close(
                ours[i, :count], peer[i, :count], atol=1e-4, rtol=1e-4
            )


def reload(kind, folder):
    """Model of transformers from a folder, with nothing missing or too much."""
    model, info = getattr(transformers, kind).from_pretrained(
        folder, output_loading_info=True, attn_implementation="eager"
    )
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        assert not info.get(problem), (problem, info[problem])
    return model.eval()


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(tmp_path, kind):
    """Read, compared; written, loaded by transformers, compared: all tensors."""
    model = hf_model(kind)
    model.save_pretrained(tmp_path / "theirs")
    assert_same_layers(tmp_path / "theirs", model)
    ready = prepared(read_checkpoint(tmp_path / "theirs"), "huggingface")
    assert ready.notes in ((), ("unknown: what the rows of the CTC head write",))
    write_checkpoint(ready.checkpoint, tmp_path / "ours")
    files = [load_file(tmp_path / n / "model.safetensors") for n in ("ours", "theirs")]
    assert files[0].keys() == files[1].keys()
    again = reload(kind, tmp_path / "ours")
    assert again.state_dict().keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert_same_layers(tmp_path / "ours", again)


@pytest.mark.parametrize("format", ["safetensors", "bin"])
def test_shards(tmp_path, format):
    """All of them, by their index."""
    model = hf_model("Wav2Vec2ForPreTraining")
    model.save_pretrained(tmp_path, max_shard_size="50KB")
    shards = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(shards) > 2
    if format == "bin":
        index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
        for shard in shards:
            name = shard.name.replace("model", "pytorch_model", 1)
            torch.save(load_file(shard), tmp_path / name.replace("safetensors", "bin"))
            shard.unlink()
        places = index["weight_map"].items()
        index["weight_map"] = {
            n: p.replace("model", "pytorch_model", 1).replace("safetensors", "bin")
            for n, p in places
        }
        (tmp_path / "model.safetensors.index.json").unlink()
        (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert_same_layers(tmp_path, model)
    assert set(read_checkpoint(tmp_path).head_names) == {"pretraining"}


def lose_a_shard(folder, _):
    next(folder.glob("model-00002*")).unlink()


def name_a_file_elsewhere(folder, index):
    index["weight_map"]["x"] = f"../{folder.name}/x.bin"


def lose_the_map(_, index):
    index["weight_map"] = []


def name_a_tensor_that_is_nowhere(_, index):
    index["weight_map"]["lost.bias"] = next(iter(index["weight_map"].values()))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lose_a_shard, "has no model-00002.*which model.safetensors.index.json lists"),
        (name_a_file_elsewhere, "names '../.*', which is not in its folder"),
        (lose_the_map, "has no weight_map"),
        (name_a_tensor_that_is_nowhere, "lists lost.bias; no shard has it"),
    ],
)
def test_spoilt_shards(tmp_path, spoil, message):
    """A missing one is named; none is read from elsewhere."""
    hf_model().save_pretrained(tmp_path, max_shard_size="50KB")
    path = tmp_path / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    assert len(set(index["weight_map"].values())) > 1
    spoil(tmp_path, index)
    path.write_text(json.dumps(index))
    with pytest.raises(InputError, match=message):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(tmp_path, dtype):
    """They are fp32 here."""
    hf_model().to(dtype).save_pretrained(tmp_path)
    encoder = read_checkpoint(tmp_path).encoder
    assert {tensor.dtype for tensor in encoder.values()} == {torch.float32}


def test_labels_in_the_order_of_their_numbers(tmp_path):
    """More than ten of them."""
    labels = {number: f"lang{number}" for number in range(12)}
    model = hf_model("Wav2Vec2ForSequenceClassification", id2label=labels)
    model.save_pretrained(tmp_path / "theirs")
    checkpoint = read_checkpoint(tmp_path / "theirs")
    assert checkpoint.class_labels == tuple(labels.values())
    write_checkpoint(prepared(checkpoint, "huggingface").checkpoint, tmp_path / "ours")
    config = transformers.Wav2Vec2Config.from_pretrained(tmp_path / "ours")
    assert config.id2label == labels
    assert config.label2id == {label: number for number, label in labels.items()}


@pytest.mark.parametrize(
    "kind", ["Wav2Vec2ForXVector", "Wav2Vec2ForAudioFrameClassification"]
)
def test_heads_of_other_kinds_are_left_out(tmp_path, kind):
    """Some of their tensors have the names of our heads."""
    hf_model(kind).save_pretrained(tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.head_names == ()
    assert "classifier.weight" in checkpoint.left_out


def test_head_on_an_adapter_is_left_out(tmp_path):
    """It does not stand on the encoder's features, which are as they should be."""
    hf_model("Wav2Vec2ForCTC", add_adapter=True).save_pretrained(tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    with pytest.raises(InputError, match="has no CTC head; left out: .*adapter"):
        checkpoint.head("ctc")
    assert_same_features_before_the_adapter(tmp_path)


def assert_same_features_before_the_adapter(folder):
    model = transformers.Wav2Vec2Model.from_pretrained(folder).eval()
    model.adapter = None
    model.config.add_adapter = False
    assert_same_layers(folder, model)


@pytest.mark.parametrize("name", ["preprocessor_config.json", "processor_config.json"])
def test_waveforms_as_they_are(tmp_path, name):
    """The model would hear something else here than in its training."""
    hf_model().save_pretrained(tmp_path)
    settings = {"do_normalize": False}
    nested = (
        {"feature_extractor": settings} if name.startswith("processor") else settings
    )
    (tmp_path / name).write_text(json.dumps(nested))
    with pytest.raises(InputError, match=rf"{name}: do_normalize is False"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ({"layer_norm_eps": 1e-12}, "layer_norm_eps is 1e-12"),
        ({"adapter_attn_dim": 16}, "adapter_attn_dim is 16; .* has None"),
        ({"hidden_size": "32"}, "dim is '32'; it must be a whole number from 1 on"),
        ({"conv_dim": []}, "conv_dims is .*; it must be a list of whole numbers"),
        ({"conv_stride": 5}, "conv_strides is 5; it must be a list"),
        ({"num_hidden_layers": 0}, "num_layers is 0"),
    ],
)
def test_config_of_another_model(tmp_path, fields, message):
    """Each is named with what XLS-R has."""
    hf_model().save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    with pytest.raises(InputError, match=message):
        read_checkpoint(tmp_path)


# What ours writes


@pytest.fixture
def folder(tmp_path):
    """Folder that ours wrote."""
    lobe = random_lobe(dropout=0.1, input_dropout=0.2, layerdrop=0.3)
    lobe.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_transformers_reads_every_weight(folder):
    """Nothing is missing, nothing is too much, nothing has another shape."""
    reload("Wav2Vec2Model", folder)


def test_config_tells_structure_sizes_and_regularisation(folder):
    """Under transformers' names."""
    config = transformers.Wav2Vec2Config.from_pretrained(folder)
    assert config.do_stable_layer_norm
    assert config.conv_bias
    assert config.feat_extract_norm == "layer"
    assert config.num_feat_extract_layers == 7
    assert (config.hidden_size, config.num_attention_heads) == (48, 3)
    rates = config.hidden_dropout, config.feat_proj_dropout, config.layerdrop
    assert rates == (0.1, 0.2, 0.3)


def test_feature_extractor_normalises_as_the_lobe_does(folder):
    """Each utterance over its own samples, padding masked."""
    extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
    assert extractor.do_normalize
    assert extractor.return_attention_mask
    assert extractor.sampling_rate == 16_000


def test_files_are_readable_by_those_who_may_read_the_folder(folder):
    """The weights have the permissions of the other files."""
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert len(modes) == 3
    umask = os.umask(0)
    os.umask(umask)
    assert set(modes.values()) == {0o666 & ~umask}


def test_weights_say_whose_format_they_are(folder):
    """Older versions of transformers refuse them otherwise."""
    with safe_open(folder / "model.safetensors", "pt") as weights:
        assert weights.metadata() == {"format": "pt"}


@pytest.mark.parametrize("sizes", ODD_SIZES)
def test_what_is_written_is_read(tmp_path, sizes):
    """Sizes and weights, of any shape."""
    lobe = random_lobe(**sizes)
    state = lobe.state_dict()
    lobe.save_pretrained(tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    for name, value in checkpoint.sizes.items():
        assert value == getattr(lobe.config, name)
    assert checkpoint.encoder.keys() == state.keys()
    assert all(torch.equal(checkpoint.encoder[n], one) for n, one in state.items())


def test_safetensors_are_preferred(folder):
    """A pickle beside them is not even opened."""
    (folder / "pytorch_model.bin").write_bytes(b"no weights")
    assert read_checkpoint(folder).sizes["dim"] == 48


def test_masks_of_the_weight_norm(tmp_path):
    """Both ages of its names, with a prefix before them."""
    model = hf_model("Wav2Vec2ForCTC")
    model.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    stem = "wav2vec2.encoder.pos_conv_embed.conv"
    for number, name in enumerate(("weight_g", "weight_v")):
        new = f"{stem}.parametrizations.weight.original{number}"
        weights[f"{stem}.{name}"] = weights.pop(new)
    save_file(weights, path, metadata={"format": "pt"})
    assert_same_layers(tmp_path, model)
