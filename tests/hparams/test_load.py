"""Loading, flattening, and the traps of HyperPyYAML (each seen to snap in 1.2.3)."""

import os

import hyperpyyaml
import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.hparams import load_hparams, unused_keys, write_flat

GIVEN = "data_folder: /data"


@pytest.fixture
def leaf(files):
    """Path of the leaf."""
    return files / "leaf.yaml"


def test_values_come_from_leaf_includes_and_overrides(leaf):
    """An include is a call with named arguments; the command line has the last word."""
    hparams = load_hparams(leaf, f"{GIVEN}\nseed: 2\nencoder: {{mask: {{length: 3}}}}")
    assert hparams["name"] == "run-2"
    assert hparams["encoder"]["freeze"] is True
    assert hparams["encoder"]["mask"] == {"prob": 0.75, "length": 3}
    assert hparams["head"] == {"dropout": 1e-4, "clip": 1e-4}


def test_scalars_keep_their_types(leaf):
    """1e-4 is a number and Norwegian is not False, as they were in YAML 1.1."""
    encoder = load_hparams(leaf, GIVEN)["encoder"]
    assert encoder["dropout"] == pytest.approx(1e-4)
    assert encoder["language"] == "no"
    assert encoder["betas"] == [0.9, 0.98]


def test_an_object_referred_to_in_the_leaf_is_built_once(leaf, stubs):
    """``!ref <encoder[lobe]>`` is the same object, not a second encoder."""
    hparams = load_hparams(leaf, GIVEN)
    assert hparams["model"].lobe is hparams["encoder"]["lobe"]
    assert [lobe.dim for lobe in stubs.built] == [1, 4]


def test_keys_with_two_underscores_are_applied_and_dropped(leaf, stubs):
    """As ``__set_seed`` in every recipe."""
    assert not any(key.startswith("__") for key in load_hparams(leaf, GIVEN))
    assert stubs.built[0].dim == 1


def test_a_reference_must_come_after_its_include(change):
    """Order is data flow; HyperPyYAML's own message does not say so."""
    leaf = change("leaf.yaml", "name: !ref run-<seed>", "name: !ref <encoder[dim]>")
    with pytest.raises(InputError, match=r"leaf.yaml: .*encoder.*must come after"):
        load_hparams(leaf, GIVEN)


def test_flat_file_gives_the_same_values_from_anywhere(leaf, tmp_path, monkeypatch):
    """Include-free, no overrides needed, one encoder still, and stock code reads it."""
    flat = tmp_path / "elsewhere" / "hyperparams.yaml"
    overrides = f"{GIVEN}\nencoder: {{dim: 8, language: 'no: 1'}}\nfolders: {{a: /a}}"
    write_flat(leaf, overrides, flat)
    os.remove(tmp_path / "shared" / "encoder.yaml")
    monkeypatch.chdir("/")
    text = flat.read_text()
    assert not any(tag in text for tag in ("!include", "!ref", "!PLACEHOLDER"))

    hparams = load_hparams(flat)
    assert hparams["encoder"].pop("lobe") is hparams["model"].lobe
    assert hparams["model"].lobe.dim == 8
    assert hparams["encoder"]["language"] == "no: 1"
    assert hparams["folders"] == {"a": "/a"}
    with flat.open() as file:
        assert hyperpyyaml.load_hyperpyyaml(file)["name"] == "run-1"


def test_flat_file_equals_the_leaf_key_by_key(leaf, tmp_path):
    """All plain values, also long ones, odd ones, and those a reference worked out."""
    odd = "/a folder/" + "very long " * 20 + "#1: 'x'"
    overrides = f'{GIVEN}\nname: "{odd}"\nseed: 3\nencoder: {{dropout: null}}'
    write_flat(leaf, overrides, tmp_path / "flat.yaml")
    once = load_hparams(leaf, overrides).plain()
    again = load_hparams(tmp_path / "flat.yaml").plain()
    for hparams in (once, again):
        hparams["encoder"].pop("lobe")
        hparams.pop("model")
    assert once == again
    assert once["name"] == odd


def test_flat_file_takes_overrides_and_checks_them(leaf, tmp_path):
    """It is a leaf like any other."""
    flat = tmp_path / "flat.yaml"
    write_flat(leaf, GIVEN, flat)
    assert load_hparams(flat, "encoder: {dim: 16}")["encoder"]["dim"] == 16
    with pytest.raises(InputError, match=r"encoder\.dmi .* did you mean encoder\.dim"):
        load_hparams(flat, "encoder: {dmi: 16}")


def test_unused_keys_are_those_nobody_read(leaf):
    """Read in the program, by a reference in its own file, or by an argument."""
    hparams = load_hparams(leaf, GIVEN)
    assert hparams["name"] == "run-1"
    assert hparams["encoder"]["mask"]["prob"] == 0.75
    assert dict(**hparams["head"]) == {"dropout": 1e-4, "clip": 1e-4}
    assert unused_keys(leaf, GIVEN, reads=hparams.reads) == [
        "data_folder",
        "folders",
        "encoder.language",
        "encoder.betas",
        "encoder.mask.length",
        "encoder.lobe" if "model" not in hparams else "model",
    ]


def test_a_reference_that_was_replaced_reads_nothing(leaf):
    """``clip: 3`` in place of ``!ref <dropout>``: head.dropout is then unread."""
    unused = unused_keys(leaf, f"{GIVEN}\nhead: {{clip: 3}}", reads=())
    assert "head.dropout" in unused
    assert "head.dropout" not in unused_keys(leaf, GIVEN, reads=())
