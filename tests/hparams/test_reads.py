"""Which ways of looking at a dictionary count as reading it."""

from copy import deepcopy

import pytest

from xlsr_sb.hparams import Hparams

WAYS = {
    "index": lambda hparams: hparams["optim"]["lr"],
    "get": lambda hparams: hparams.get("optim").get("lr"),
    "items": lambda hparams: dict(hparams["optim"].items()),
    "values": lambda hparams: list(hparams["optim"].values()),
    "keywords": lambda hparams: dict(**hparams["optim"]),
    "copy": lambda hparams: dict(hparams["optim"]),
}


@pytest.fixture
def hparams():
    """One value and one section."""
    return Hparams({"seed": 1, "optim": {"lr": 0.1}})


@pytest.mark.parametrize("way", WAYS)
def test_reading(hparams, way):
    """Each way is written down under the dotted name."""
    WAYS[way](hparams)
    assert hparams.reads == {"optim", "optim.lr"}


def test_looking_is_not_reading(hparams):
    """Membership, length, keys, printing, comparing and copying to a log."""
    assert "seed" in hparams
    assert "sead" not in hparams
    assert len(hparams) == 2
    assert list(hparams) == ["seed", "optim"]
    assert repr(hparams) == "{'seed': 1, 'optim': {'lr': 0.1}}"
    assert hparams.plain() == {"seed": 1, "optim": {"lr": 0.1}}
    assert type(hparams.plain()) is dict
    assert hparams.reads == set()


def test_missing_keys(hparams):
    """As any dictionary, and not read."""
    assert hparams.get("sead", 3) == 3
    with pytest.raises(KeyError, match="sead"):
        hparams["sead"]
    assert hparams.reads == set()


def test_deep_copy_keeps_values(hparams):
    """SpeechBrain copies hyperparameters in places."""
    assert deepcopy(hparams) == hparams
