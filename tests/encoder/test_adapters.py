"""Files of adapters: small, complete, and for the encoder that they were trained on."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.encoder.models import random_lobe
from tests.encoder.test_lora import adapted_lobe, features
from xlsr_sb.encoder.adapters import load_adapters, save_adapters
from xlsr_sb.encoder.lora import is_adapter, merge_lora
from xlsr_sb.errors import InputError


@pytest.fixture
def path(tmp_path):
    """File with the adapters of a lobe."""
    save_adapters(adapted_lobe(("q", "v")), tmp_path / "new" / "a.safetensors")
    return tmp_path / "new" / "a.safetensors"


def rewritten(path, *, drop=None, kind=None, **changes):
    """Change tensors and the kind of a file; the path."""
    tensors = {**load_file(path), **changes}
    tensors.pop(drop, None)
    settings = {"lora_rank": 3, "lora_alpha": 5.0, "lora_targets": ["q", "v"]}
    settings = json.dumps({**settings, "lora_dropout": 0.0})
    kind = kind or "adapters of an XLS-R encoder"
    save_file(tensors, path, metadata={"kind": kind, "settings": settings})
    return path


def test_adapters_come_back(path):
    """Into the plain encoder, and into one with adapters of that kind."""
    wanted = features(adapted_lobe(("q", "v")))
    plain = random_lobe()
    assert not torch.allclose(features(plain), wanted, atol=0.01)
    load_adapters(plain, path)
    assert torch.equal(features(plain), wanted)
    assert plain.config.lora_targets == ("q", "v")
    fields = {"lora_rank": 3, "lora_alpha": 5.0, "lora_targets": ["q", "v"]}
    ready = random_lobe(**fields)
    ready.load_state_dict(random_lobe().state_dict(), strict=False)
    load_adapters(ready, path)
    assert torch.equal(features(ready), wanted)


def test_only_adapters_train_after_loading(path):
    """As after adding them."""
    lobe = random_lobe()
    load_adapters(lobe, path)
    trained = {name for name, p in lobe.named_parameters() if p.requires_grad}
    assert trained == set(load_file(path))
    assert all(map(is_adapter, trained))


def test_rewritten_file_is_accepted(path):
    """The changes of the tests below are all that is wrong with it."""
    load_adapters(random_lobe(), rewritten(path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"drop": "transformer.layers.1.attention.qkv.lora_up"},
            r"qkv.lora_up .* None",
        ),
        ({"surprise.lora_up": torch.ones(2)}, r"of surprise.lora_up it holds \[2\]"),
        ({"kind": "recipes"}, "holds no adapters of an XLS-R encoder"),
    ],
)
def test_file_that_does_not_fit(path, changes, message):
    """Named; the encoder is as before."""
    lobe = random_lobe()
    before = features(lobe)
    with pytest.raises(InputError, match=message):
        load_adapters(lobe, rewritten(path, **changes))
    assert lobe.config.lora_rank == 0
    assert torch.equal(features(lobe), before)


def test_encoder_of_other_sizes(path):
    """Wider, or of fewer layers."""
    for fields in ({"dim": 96, "num_heads": 6}, {"num_layers": 1}):
        with pytest.raises(
            InputError, match="does not fit the encoder: of transformer"
        ):
            load_adapters(random_lobe(**fields), path)


def test_encoder_with_other_adapters(path):
    """Both kinds are named."""
    lobe = random_lobe(lora_rank=7)
    with pytest.raises(InputError, match="'lora_rank': 3.*the encoder has.*: 7"):
        load_adapters(lobe, path)


@pytest.mark.parametrize("size", [0, 7, 500, -1])
def test_damaged_file(path, size):
    """Empty, or cut anywhere."""
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match="cannot be read as adapters"):
        load_adapters(random_lobe(), path)


def test_file_that_is_not_there(tmp_path):
    """Named."""
    with pytest.raises(InputError, match=r"none.safetensors cannot be read"):
        load_adapters(random_lobe(), tmp_path / "none.safetensors")


def test_nothing_to_save(tmp_path):
    """A plain encoder, and one whose adapters were merged."""
    lobe = adapted_lobe()
    merge_lora(lobe)
    for plain in (random_lobe(), lobe):
        with pytest.raises(InputError, match="no adapters to save"):
            save_adapters(plain, tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_file_that_cannot_be_written(path):
    """What is there stays."""
    with pytest.raises(InputError, match="cannot be written"):
        save_adapters(adapted_lobe(), path / "b.safetensors")
    load_adapters(random_lobe(), path)
