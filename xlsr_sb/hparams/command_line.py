"""``train.py hparams/ka.yaml --device cpu --optim.num_updates 20``, taken apart.

SpeechBrain's parser knows the run options and turns the rest into YAML, but it
completes abbreviations (``--data`` becomes ``--data_parallel_backend``, ``--optim``
becomes ``--optimizer_step_limit``), breaks values that hold ``=``, ``:`` or ``#``, and
knows no dotted keys. So it is given the run options only.
"""

import contextlib
import io
from collections.abc import Sequence
from typing import NamedTuple

import speechbrain as sb
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from speechbrain.utils.run_opts import HELP_TEXTS, RunOptions

from xlsr_sb.errors import InputError

LISTS = ("jit_module_keys", "compile_module_keys")  # options of any number of values
RUN_OPTIONS = frozenset((*HELP_TEXTS, *LISTS))
FLAGS = frozenset(name for name in HELP_TEXTS if RunOptions().get(name) is False)
USED = {"device", "distributed_backend", "eval_precision", "noprogressbar", "precision"}
INSTEAD = {  # of run options that a loop by updates has no use for
    "bfloat16_mix_prec": "optim.precision",
    "ckpt_interval_minutes": "optim.checkpoint_every_minutes",
    "ckpt_interval_steps": "optim.checkpoint_every_minutes",
    "debug": "optim.num_updates",
    "grad_accumulation_factor": "data.seconds_per_device",
    "max_grad_norm": "optim.max_grad_norm",
    "nonfinite_patience": "optim.num_bad_updates",
    "optimizer_step_limit": "optim.num_updates",
    "remove_vector_weight_decay": "optim.weight_decay",
    "skip_nonfinite_grads": "optim.num_bad_updates",
}
NULLS = ("", "~", "null", "Null", "NULL")


class CommandLine(NamedTuple):
    """What was asked for on the command line of a recipe."""

    path: str
    """Hyperparameter file."""
    run_opts: RunOptions
    """SpeechBrain's options, of which ``USED`` can be given."""
    overrides: str
    """YAML of all other options, nested."""


def parse_command_line(argv: Sequence[str]) -> CommandLine:
    """Take the arguments of ``train.py`` apart.

    ``--key value`` and ``--key=value`` change a hyperparameter, ``--section.key``
    one of a section, ``--section "{key: value}"`` several. An option that is one of
    SpeechBrain's run options goes to SpeechBrain. Of an option given twice the last
    counts. Values are YAML where they look like it (numbers, ``True``, ``null``,
    ``[a, b]``, ``{a: b}``, quotes, tags) and text as it stands otherwise.

    Parameters
    ----------
    argv : sequence of str
        Without the program's name.

    Raises
    ------
    InputError
        When there is not exactly one file, a value is missing or too many, a run
        option would have no effect, or SpeechBrain refuses it.

    Example
    -------
    >>> argv = ["ka.yaml", "--device=cpu", "--optim.num_updates", "20", "--name=a: b"]
    >>> command = parse_command_line(argv)
    >>> command.path, command.run_opts.device
    ('ka.yaml', 'cpu')
    >>> print(command.overrides.strip())
    optim:
      num_updates: 20
    name: 'a: b'
    """
    if "-h" in argv or "--help" in argv:
        sb.parse_arguments(["--help"])  # prints the run options and ends
    paths, options = _split(argv)
    if len(paths) != 1:
        raise InputError(
            f"command line: expected one hyperparameter file, got {paths}; "
            "a value that holds spaces must be quoted"
        )
    run_args, overrides = [], {}
    for name, values in options:
        if name in RUN_OPTIONS - USED:
            hint = f"; use --{INSTEAD[name]}" if name in INSTEAD else ""
            raise InputError(f"command line: --{name} has no effect here{hint}")
        if name in USED:
            run_args += [f"--{name}", *values]
        elif len(values) != 1:
            raise InputError(f"command line: --{name} needs a value, as `--{name} 1`")
        else:
            _set(overrides, name, _value(name, values[0]))
    return CommandLine(paths[0], _run_options(paths[0], run_args), _dump(overrides))


def _split(argv: Sequence[str]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Arguments that stand alone, and options with their values."""
    alone, options = [], []
    for token in argv:
        if token.startswith("--"):
            name, equals, value = token.removeprefix("--").partition("=")
            options.append((name, [value] if equals else []))
        elif options and _takes_more(*options[-1]):
            options[-1][1].append(token)
        else:
            alone.append(token)
    return alone, options


def _takes_more(name: str, values: list[str]) -> bool:
    """True if what follows an option is a value of it."""
    return name in LISTS or (name not in FLAGS and not values)


def _run_options(path: str, run_args: list[str]) -> RunOptions:
    """SpeechBrain's own reading of its options, without its exit."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            _, run_opts, _ = sb.parse_arguments([path, *run_args])
        except SystemExit as error:
            reason = said.getvalue().rpartition("error: ")[2].strip()
            raise InputError(f"command line: {reason}") from error
    return run_opts


def _value(name: str, text: str):
    """Value of an option: YAML if it looks like it, text as it stands otherwise."""
    is_tuple = text.startswith("(") and text.endswith(")")
    is_yaml = text.startswith(("{", "[", '"', "'", "!"))
    if not is_yaml and "#" in text:
        return text  # YAML would take the rest for a comment
    try:
        value = YAML().load(f"!tuple {text}" if is_tuple else text)
    except YAMLError as error:
        if is_yaml:
            raise InputError(f"command line: --{name} {text}: {error}") from error
        return text
    if is_yaml or is_tuple or isinstance(value, (bool, int, float)):
        return value
    return None if text in NULLS else text


def _set(overrides: dict, name: str, value) -> None:
    """Set the value at a dotted name; sections given twice are merged."""
    key, _, rest = name.partition(".")
    if rest:
        section = overrides.setdefault(key, {})
        if not isinstance(section, dict):
            raise InputError(f"command line: --{name}: --{key} was given one value")
        _set(section, rest, value)
    elif isinstance(value, dict) and isinstance(overrides.get(key), dict):
        for inner, item in value.items():
            _set(overrides[key], str(inner), item)
    else:
        overrides[key] = value


def _dump(overrides: dict) -> str:
    """YAML of the overrides; empty if there are none."""
    if not overrides:
        return ""
    yaml = YAML()
    yaml.width = 2**31  # never fold a long value
    text = io.StringIO()
    yaml.dump(overrides, text)
    return text.getvalue()
