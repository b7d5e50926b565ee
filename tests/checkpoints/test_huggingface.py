"""Folders in transformers' layout, as transformers itself reads them."""

import json
import os
from dataclasses import asdict

import pytest
import torch
import transformers
from safetensors import safe_open

from tests.encoder.models import ODD_SIZES, random_lobe
from xlsr_sb.checkpoints import huggingface
from xlsr_sb.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """Folder that ours wrote."""
    lobe = random_lobe(dropout=0.1, input_dropout=0.2, layerdrop=0.3)
    huggingface.write_folder(tmp_path / "model", asdict(lobe.config), lobe.state_dict())
    return tmp_path / "model"


def test_transformers_reads_every_weight(folder):
    """Nothing is missing, nothing is too much, nothing has another shape."""
    _, info = transformers.Wav2Vec2Model.from_pretrained(
        folder, output_loading_info=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        assert not info.get(kind), kind


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
    huggingface.write_folder(tmp_path, asdict(lobe.config), state)
    fields, weights = huggingface.read_folder(tmp_path)
    for name, value in fields.items():
        wanted = getattr(lobe.config, name)
        assert value == (list(wanted) if isinstance(wanted, tuple) else wanted)
    assert weights.keys() == state.keys()
    assert all(torch.equal(weights[name], tensor) for name, tensor in state.items())


def test_safetensors_are_preferred(folder):
    """A pickle beside them is not even opened."""
    (folder / "pytorch_model.bin").write_bytes(b"no weights")
    assert huggingface.read_folder(folder)[0]["dim"] == 48


def test_group_norm_model_is_refused(folder):
    """Its convolutions are others; the message names the field and both values."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | {"feat_extract_norm": "group"}
    path.write_text(json.dumps(config))
    with pytest.raises(InputError, match="feat_extract_norm is 'group'.*has 'layer'"):
        huggingface.read_folder(folder)
