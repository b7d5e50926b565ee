"""Everything that would be silent, or refused without a line, is an InputError."""

import hyperpyyaml
import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.hparams import check_keys

GIVEN = "data_folder: /data\n"
LEAF, ENCODER, HEAD = "leaf.yaml", "shared/encoder.yaml", "shared/head.yaml"

# file, passage, what stands there instead, what the message must say
BAD_FILES = {
    "misspelt under an include": (
        LEAF,
        "    freeze: True",
        "    freze: True",
        r"leaf\.yaml, line 9: encoder\.freze is not an option; "
        r"did you mean encoder\.freeze\? encoder has: dim, dropout, freeze",
    ),
    "misspelt under an include of an include": (
        ENCODER,
        "!include:mask.yaml {}",
        "!include:mask.yaml {lenght: 3}",
        r"encoder\.yaml, line 7: .*did you mean encoder\.mask\.length",
    ),
    "not an argument": (
        LEAF,
        "    lobe: !ref <encoder[lobe]>",
        "    lobe: !ref <encoder[lobe]>\n    droput: 1",
        r"line 16: model\.droput is not an option of stubs\.Head; did you mean "
        r"model\.dropout\? It has: lobe, dropout",
    ),
    "an argument left out": (
        LEAF,
        "    lobe: !ref <encoder[lobe]>",
        "    dropout: 1",
        r"line 14: model: stubs\.Head: missing a required argument: 'lobe'",
    ),
    "no such name": (
        LEAF,
        "!new:stubs.Head",
        "!new:stubs.Haed",
        r"line 14: stubs\.Haed cannot be imported; did you mean stubs\.Head",
    ),
    "a module that fails": (
        LEAF,
        "!new:stubs.Head",
        "!new:broken.Head",
        r"line 14: broken\.Head: .*no_such_module",
    ),
    "a function as a class": (
        LEAF,
        "!new:stubs.Head",
        "!new:stubs.build_lobe",
        r"line 14: !new:stubs\.build_lobe must name a class, got <function",
    ),
    "no such tag": (
        LEAF,
        "!new:stubs.Head",
        "!nwe:stubs.Head",
        r"line 14: model: there is no tag !nwe:stubs\.Head; did you mean !new",
    ),
    "a reference to nothing": (
        LEAF,
        "run-<seed>",
        "run-<sed>",
        r"line 4: name refers to sed, which is not there; did you mean seed",
    ),
    "a reference to nothing in an included file": (
        HEAD,
        "<dropout>",
        "<seed>",  # the leaf has one, but an included file sees only itself
        r"head\.yaml, line 2: head\.clip refers to head\.seed, which is not there",
    ),
    "an object into an include": (
        LEAF,
        "<encoder[dropout]>",
        "<encoder[lobe]>",
        r"line 12: head\.dropout gives <encoder\[lobe\]> to an included file",
    ),
    "an attribute into an include": (
        LEAF,
        "<encoder[dropout]>",
        "<encoder[lobe].dim>",
        r"line 12: head\.dropout gives .*; only plain values",
    ),
    "a section into an include": (
        LEAF,
        "<encoder[dropout]>",
        "<encoder[mask]>",
        r"line 12: head\.dropout gives .*; only plain values",
    ),
    "an include without braces": (
        ENCODER,
        "!include:mask.yaml {}",
        "!include:mask.yaml",
        r"encoder\.yaml, line 7: encoder\.mask: write `!include:mask\.yaml \{\}`",
    ),
    "an include of nothing": (
        ENCODER,
        "!include:mask.yaml {}",
        "!include:musk.yaml {}",
        r"encoder\.yaml, line 7: .*musk\.yaml cannot be read: No such file",
    ),
    "a key given twice": (
        LEAF,
        "seed: 1",
        "seed: 1\nseed: 2",
        r"leaf\.yaml, line 3: not YAML: found duplicate key",
    ),
    "not YAML": (
        HEAD,
        "dropout: 0.0",
        "dropout: [0.0",
        r"head\.yaml, line 2: not YAML",
    ),
    "a value where a section is": (
        LEAF,
        "    freeze: True",
        "    mask: 3",
        r"line 9: encoder\.mask cannot be 3: it is a section; .*: prob, length",
    ),
    "a required value in an included file": (
        HEAD,
        "clip: !ref <dropout>",
        "clip: !PLACEHOLDER",
        r"leaf\.yaml: no value for head\.clip; .* --head\.clip VALUE",
    ),
}

BAD_OVERRIDES = {
    "top level": ("sead: 3", r"command line: sead is not an option; did you mean seed"),
    "another section's": (
        "length: 3",
        r"length is not an option; did you mean encoder\.mask\.length",
    ),
    "nested": ("encoder: {freze: True}", r"encoder\.freze .*mean encoder\.freeze"),
    "nested twice": ("encoder: {mask: {lenght: 1}}", r"mean encoder\.mask\.length"),
    "argument of a call": ("model: {droput: 1}", r"did you mean model\.dropout"),
    "value for a section": ("encoder: 300m", r"encoder cannot be '300m': it is a sec"),
    "section for a value": ("seed: {a: 1}", r"seed cannot be a section: it is one val"),
    "another include": (
        "encoder: !include:shared/mask.yaml {}",
        r"encoder cannot be !include:shared/mask\.yaml: .*tag can change only in",
    ),
    "another class": (
        "model: !new:collections.Counter {a: 1}",
        r"model cannot be !new:collections\.Counter",
    ),
    "not YAML": ("encoder: {freeze: True", r"command line: not YAML|line 1: not YAML"),
    "no keys": ("300m", r"command line: expected `key: value` lines, got '300m'"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(change, case):
    """Message by message."""
    name, old, new, message = BAD_FILES[case]
    leaf = change(name, old, new)
    with pytest.raises(InputError, match=message):
        check_keys(leaf, GIVEN)


@pytest.mark.parametrize("case", BAD_OVERRIDES)
def test_bad_overrides(files, case):
    """Message by message."""
    overrides, message = BAD_OVERRIDES[case]
    with pytest.raises(InputError, match=message):
        check_keys(files / LEAF, overrides)


@pytest.mark.parametrize(
    "overrides",
    [
        "encoder: {mask: {prob: 0.1}, betas: [0.8, 0.9], dim: !ref <seed>}",
        "folders: {fr: /fr, anything: /else}",
        "model: {dropout: 0.1}",
        "seed: null\nname: [a, b]",
        "",
    ],
)
def test_good_overrides(files, overrides):
    """Nothing is refused that HyperPyYAML would take and use."""
    check_keys(files / LEAF, GIVEN + overrides)


def test_all_required_values_are_named_at_once(change):
    """Not one a run."""
    leaf = change(HEAD, "clip: !ref <dropout>", "clip: !PLACEHOLDER")
    with pytest.raises(InputError, match="data_folder, head.clip; .*--data_folder"):
        check_keys(leaf)


@pytest.mark.parametrize("text", ["", "   \n", "- a\n- b\n", "just words\n"])
def test_a_file_without_keys(files, text):
    """Empty, a list, or prose."""
    (files / LEAF).write_text(text)
    with pytest.raises(InputError, match=r"leaf\.yaml(: expected| is empty)"):
        check_keys(files / LEAF)


def test_a_file_that_is_not_there_or_not_text(files):
    """Named, with the system's reason."""
    with pytest.raises(InputError, match=r"ka\.yaml cannot be read: No such file"):
        check_keys(files / "ka.yaml")
    (files / LEAF).write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(InputError, match=r"leaf\.yaml is not UTF-8"):
        check_keys(files / LEAF)


def test_stock_hyperpyyaml_is_silent(change):
    """Why the check exists: remove it and these two typos train the wrong model."""
    leaf = change(LEAF, "    freeze: True", "    freze: True")
    with leaf.open() as file:
        hparams = hyperpyyaml.load_hyperpyyaml(file, GIVEN + "head: {dropuot: 1}")
    assert hparams["encoder"]["lobe"].freeze is False
    assert hparams["head"]["dropout"] == pytest.approx(1e-4)
