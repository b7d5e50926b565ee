"""Our own folders: everything comes back, regularisation and heads included."""

import json
from dataclasses import replace

import pytest
import torch

from tests.encoder.models import random_lobe
from xlsr_sb import XLSR
from xlsr_sb.checkpoints import (
    Checkpoint,
    PeerVocabulary,
    prepared,
    read_checkpoint,
    write_checkpoint,
)
from xlsr_sb.errors import InputError

VOCABULARY = PeerVocabulary(
    ("<s>", "|", "é", "sch"),
    blank=0,
    shown_space="_",
    silent=frozenset({3}),
    lower_case=True,
    tidy=True,
)


def test_round_trip(tmp_path):
    """The configuration is the same to the last field; each can be overridden."""
    lobe = random_lobe(layerdrop=0.3, mask_time_prob=0.2, pos_conv_width=2.0)
    lobe.save_pretrained(tmp_path, layout="xlsr_sb")
    again = XLSR.from_pretrained(str(tmp_path))
    assert again.config == lobe.config
    for name, tensor in lobe.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    other = XLSR.from_pretrained(str(tmp_path), layerdrop=0.0)
    assert other.config == replace(lobe.config, layerdrop=0.0)


def test_heads(tmp_path):
    """Tensors, vocabulary, labels and activation."""
    lobe = random_lobe()
    lobe.save_pretrained(tmp_path / "bare", layout="xlsr_sb")
    heads = {
        "ctc.projection.weight": torch.randn(4, 48),
        "ctc.projection.bias": torch.randn(4),
        "classifier.projection.weight": torch.randn(5, 48),
        "classifier.projection.bias": torch.randn(5),
        "classifier.classifier.weight": torch.randn(2, 5),
        "classifier.classifier.bias": torch.randn(2),
        "classifier.layer_weights": torch.randn(3),
    }
    checkpoint = replace(
        read_checkpoint(tmp_path / "bare"),
        heads=heads,
        vocabulary=VOCABULARY,
        labels=("en", "fr"),
        activation="gelu",
    )
    ready = prepared(checkpoint, "xlsr_sb")
    assert ready.notes == ()
    write_checkpoint(ready.checkpoint, tmp_path / "full")
    again = read_checkpoint(tmp_path / "full")
    assert again.head_names == ("ctc", "classifier")
    assert again.heads.keys() == heads.keys()
    assert all(torch.equal(again.heads[name], one) for name, one in heads.items())
    assert (again.vocabulary, again.labels) == (VOCABULARY, ("en", "fr"))
    assert again.activation == "gelu"
    assert again.options == checkpoint.options


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": 64}, "of another shape: feature_norm|of another shape"),
        ({"dim": None}, "dim is None; it must be a whole number"),
        ({"surprise": 1}, r"no option \['surprise'\]"),
        ({"layerdrop": 7}, r"layerdrop must be in \[0, 1\), got 7"),
    ],
)
def test_spoilt_configuration(tmp_path, change, message):
    """Sizes are checked against the tensors, the rest as anywhere."""
    random_lobe().save_pretrained(tmp_path, layout="xlsr_sb")
    path = tmp_path / "encoder.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=message):
        XLSR.from_pretrained(str(tmp_path))


@pytest.mark.parametrize("vocabulary", ["text", {"tokens": ["a"]}, [1]])
def test_spoilt_vocabulary(tmp_path, vocabulary):
    """Named with the file."""
    lobe = random_lobe()
    lobe.save_pretrained(tmp_path / "bare", layout="xlsr_sb")
    head = {"projection.weight": torch.ones(4, 48), "projection.bias": torch.ones(4)}
    checkpoint = replace(
        read_checkpoint(tmp_path / "bare"),
        heads={f"ctc.{name}": one for name, one in head.items()},
        vocabulary=VOCABULARY,
    )
    write_checkpoint(checkpoint, tmp_path / "full")
    path = tmp_path / "full" / "heads.json"
    path.write_text(json.dumps({"vocabulary": vocabulary}))
    with pytest.raises(InputError, match=r"heads\.json: its vocabulary cannot be used"):
        read_checkpoint(tmp_path / "full")


def test_tensors_of_another_encoder(tmp_path):
    """Missing and unexpected ones, under our names."""
    random_lobe().save_pretrained(tmp_path, layout="xlsr_sb")
    random_lobe(num_layers=1).save_pretrained(tmp_path / "other", layout="xlsr_sb")
    (tmp_path / "other" / "model.safetensors").replace(tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="missing: transformer.layers.1.attention.out"):
        read_checkpoint(tmp_path)


def test_a_checkpoint_without_anything_is_refused():
    """Asked for a head that it has not."""
    with pytest.raises(InputError, match="a has no CTC head"):
        Checkpoint("a", "xlsr_sb", {"dim": 4}, {}).head("ctc")
