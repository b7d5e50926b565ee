"""The command line of ``train.py``, as SpeechBrain's users write it and then some."""

from pathlib import Path

import hyperpyyaml
import pytest
import speechbrain as sb
from ruamel.yaml import YAML

from xlsr_sb.errors import InputError
from xlsr_sb.hparams import parse_command_line
from xlsr_sb.hparams.command_line import INSTEAD, RUN_OPTIONS, USED


def overrides(*argv):
    """Overrides of a command line, as plain values."""
    return YAML(typ="safe").load(parse_command_line(["a.yaml", *argv]).overrides)


def test_no_options():
    """No overrides is an empty text, as SpeechBrain gives it."""
    command = parse_command_line(["a.yaml"])
    assert command.overrides == ""
    assert command.run_opts.overridden_args == set()


def test_run_options_go_to_speechbrain():
    """With or without ``=``, before or after the file, flags without a value."""
    argv = [
        "--noprogressbar",
        "a.yaml",
        "--device=cuda:1",
        "--precision",
        "bf16",
        "--seed",
        "1",
    ]
    path, run_opts, text = parse_command_line(argv)
    assert path == "a.yaml"
    assert (run_opts.noprogressbar, run_opts.device, run_opts.precision) == (
        True,
        "cuda:1",
        "bf16",
    )
    assert run_opts.overridden_args == {"noprogressbar", "device", "precision"}
    assert text.strip() == "seed: 1"


@pytest.mark.parametrize("name", ["data", "optim", "find"])
def test_sections_are_not_abbreviations(name):
    """SpeechBrain's own parser takes ``--optim x`` for ``--optimizer_step_limit x``."""
    assert overrides(f"--{name}", "{a: 1}") == {name: {"a": 1}}
    _, _, stock = sb.parse_arguments(["a.yaml", f"--{name}", "{a: 1}"])
    assert name not in stock


def test_dotted_keys_are_nested_and_merged():
    """Given one by one, together, or both; the last of two counts."""
    assert overrides("--a.b.c", "1", "--a", "{d: 2}", "--a.b", "{e: 3}", "--a.d=4") == {
        "a": {"b": {"c": 1, "e": 3}, "d": 4}
    }
    assert overrides("--seed", "1", "--seed", "2") == {"seed": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-1", -1),
        ("1e-4", 1e-4),
        ("True", True),
        ("null", None),
        ("", None),
        ("no", "no"),
        ("[fr, no]", ["fr", "no"]),
        ("'3'", "3"),
        ("2024-01-01", "2024-01-01"),
        ("/data/a=b", "/data/a=b"),
        ("/my data/#1 (new): x", "/my data/#1 (new): x"),
        ("#3", "#3"),
        ("key: value", "key: value"),
        ("@x", "@x"),
        ("long " * 40, "long " * 40),
        ("été 日本", "été 日本"),
    ],
)
def test_values(text, value):
    """YAML where it looks like it; a path is never cut at a ``#`` or an ``=``."""
    assert overrides("--name", text) == {"name": value}
    assert overrides(f"--name={text}") == {"name": value}


def test_what_stands_in_for_a_run_option_exists():
    """Each option that is refused names one that the shared files have."""
    shared = Path(__file__).parents[2] / "hparams"
    assert set(INSTEAD) < set(RUN_OPTIONS) - USED
    for name in INSTEAD.values():
        section, _, key = name.partition(".")
        files = shared.glob(f"{section}/*.yaml")
        assert any(f"\n{key}: " in path.read_text() for path in files), name


def test_tags_and_tuples_are_kept():
    """Both reach HyperPyYAML."""
    argv = ["a.yaml", "--out", "!ref <seed>/x", "--shape", "(3, 4)"]
    text = parse_command_line(argv).overrides
    leaf = "seed: 1\nout: a\nshape: (1, 2)"
    hparams = hyperpyyaml.load_hyperpyyaml(leaf, text)
    assert hparams == {"seed": 1, "out": "1/x", "shape": (3, 4)}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], r"expected one hyperparameter file, got \[\]"),
        (["a.yaml", "b.yaml"], r"got \['a.yaml', 'b.yaml'\]"),
        (["a.yaml", "--name", "two", "words"], r"got .*'words'\]; .* must be quoted"),
        (["a.yaml", "--seed"], r"--seed needs a value"),
        (["a.yaml", "--seed", "--device", "cpu"], r"--seed needs a value"),
        (
            ["a.yaml", "--precision", "fp8"],
            r"command line: argument --precision: inval",
        ),
        (["a.yaml", "--jit"], r"--jit has no effect here$"),
        (["a.yaml", "--debug"], r"no effect here; use --optim\.num_updates"),
        (["a.yaml", "--a", "3", "--a.b", "4"], r"--b?a?\.?b: --a was given one value"),
        (["a.yaml", "--max_grad_norm", "1"], r"no effect .* --optim\.max_grad_norm"),
        (["a.yaml", "--a", "{b: 1"], r"command line: --a \{b: 1: "),
    ],
)
def test_refusals(argv, message, capsys):
    """One clear error, no exit of argparse, nothing printed."""
    with pytest.raises(InputError, match=message):
        parse_command_line(argv)
    assert capsys.readouterr() == ("", "")


def test_help_ends_well(capsys):
    """``--help`` prints the run options."""
    with pytest.raises(SystemExit) as ended:
        parse_command_line(["a.yaml", "--help"])
    assert ended.value.code == 0
    assert "--device" in capsys.readouterr().out
