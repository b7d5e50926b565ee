"""Configurations of fairseq, from objects of classes that are not there."""

import enum
import io
import sys
import types
from argparse import Namespace

import pytest
import torch

from xlsr_sb.checkpoints.fairseq.config import (
    check_structure,
    config_of,
    conv_layers,
    encoder_config,
    plain,
)
from xlsr_sb.checkpoints.pickles.unpickling import unpickle
from xlsr_sb.errors import InputError


class DictConfig:
    """Like omegaconf's container, as far as a pickle shows it."""

    def __init__(self, content):
        self.__dict__.update(_content=content, _metadata=None, _parent=None)


class AnyNode:
    """Like omegaconf's value."""

    def __init__(self, value):
        self.__dict__.update(_val=value, _metadata=None)


class Mode(enum.Enum):
    """Like fairseq's choices."""

    layer_norm = "layer_norm"


@pytest.fixture
def foreign(monkeypatch):
    """Pickle with these classes in modules that are gone when it is read."""

    def pickled(content):
        module = types.ModuleType("omegaconf_then")
        for kind in (DictConfig, AnyNode, Mode):
            monkeypatch.setattr(kind, "__module__", "omegaconf_then")
            setattr(module, kind.__name__, kind)
        sys.modules["omegaconf_then"] = module
        buffer = io.BytesIO()
        torch.save(content, buffer, _use_new_zipfile_serialization=False)
        del sys.modules["omegaconf_then"]
        buffer.seek(0)
        parts = [unpickle(buffer) for _ in range(4)]
        return parts[3]

    return pickled


def test_containers_and_values(foreign):
    """What they hold, however deep."""
    inner = DictConfig({"lr": AnyNode(0.5), "mode": AnyNode(Mode.layer_norm)})
    values = DictConfig([AnyNode(1), AnyNode("a")])
    config = DictConfig({"model": inner, "list": values})
    found = plain(foreign(config))
    assert found == {"model": {"lr": 0.5, "mode": "layer_norm"}, "list": [1, "a"]}


def test_old_arguments(foreign):
    """A Namespace with another in it."""
    args = Namespace(task="audio_finetuning", w2v_args=Namespace(encoder_embed_dim=8))
    config = config_of({"cfg": None, "args": foreign(args)})
    assert config["task"]["task"] == "audio_finetuning"
    assert encoder_config(config)["model"] == {"encoder_embed_dim": 8}


def test_tuned_without_the_encoder_settings():
    """Some name the pretrained file only; then nothing is known of the encoder."""
    config = config_of({"cfg": {"model": {"w2v_path": "a.pt"}, "task": {"x": 1}}})
    inner = encoder_config(config)
    assert inner == {"model": {}, "task": {"x": 1}}
    check_structure(inner, source="a")


@pytest.mark.parametrize("content", [{}, {"cfg": None}, {"cfg": 3, "args": []}])
def test_nothing(content):
    """No configuration at all."""
    assert config_of(content) == {"model": {}, "task": {}}


@pytest.mark.parametrize("value", [b"bytes", object(), torch.float16, 1j])
def test_what_is_not_plain_is_none(value):
    """Nothing else comes through."""
    assert plain({"a": value}) == {"a": None}


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512, 2, 2)] * 2", 7),
        ("[(512,10,5)]+[(512,3,2)]*4+[(512,2,2)]+[(512,2,2)]", 7),
        (" [(1, 2, 3), (4, 5, 6)] ", 2),
        ("[(1, 2, 3)] * 2 * 2", 4),
        ("([(1, 2, 3)] + [(1, 2, 3)]) * 2", 4),
    ],
)
def test_convolutions(text, layers):
    """As Python would understand them, which these texts do no harm to ask."""
    found = conv_layers(text, source="a")
    assert found == eval(text)
    assert len(found) == layers


@pytest.mark.parametrize(
    "text",
    [
        *["", "[", "__import__('os').system('touch harmed')", "[].__class__", "x"],
        *["[(1, 2)]", "[(1, 2, 'a')]", "[1]", "[]", "(1, 2, 3)", "[(1, 2, 3)] * -1"],
        *["[(1, 2, 3)] * 10**9", "[(1, 2, 3)] * 999", "[(1, 2, 3)] * 64 * 64", "1 + 1"],
        *["[(1, 2, 3)] - [(1, 2, 3)]", "[(1, 2, 3) for _ in ()]", "(" * 5_000],
        *["2 * [(1, 2, 3)]", "[(1, 2, True)]"],
    ],
)
def test_other_expressions(text, tmp_path, monkeypatch):
    """Nothing is evaluated."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="must be a sum of lists of"):
        conv_layers(text, source="a")
    assert list(tmp_path.iterdir()) == []
