"""The command of a run, without what belongs to one machine or one seed."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

# Flags that say where things lie or what is shown; with a value, and without one.
PLACES = ("--output_folder", "--data_folder", "--debs", "--csv", "--results")
SWITCHES = ("--noprogressbar",)


def recorded_command(program: str, words: Sequence[str]) -> str:
    """A command line as it goes into a results file: without the machine's folders.

    Parameters
    ----------
    program : str
        What is called, such as ``python train.py``.
    words : sequence of str
        Its arguments.

    Returns
    -------
    str
        For a shell; whoever runs it again gives folders of their own. Flags with an
        absolute path are left out as well.

    Example
    -------
    >>> words = ["hparams/a.yaml", "--data_folder", "/mnt/x", "--seed", "2"]
    >>> recorded_command("python train.py", words)
    'python train.py hparams/a.yaml --seed 2'
    """
    return shlex.join([*shlex.split(program), *_without(words, PLACES)])


def variant_of(command: str) -> str:
    """A command without its seed, device and folders.

    Example
    -------
    >>> variant_of("python train.py a.yaml --seed 3 --x 1 --output_folder='b c'")
    'python train.py a.yaml --x 1'
    """
    left_out = (*PLACES, "--seed", "--device")
    return shlex.join(_without(shlex.split(command), left_out))


def _without(words: Iterable[str], flags: Sequence[str]) -> list[str]:
    """Words without switches, and without flags that are named or give a full path."""
    words, kept = list(words), []
    while words:
        word = words.pop(0)
        flag, equals, value = word.partition("=")
        if flag in SWITCHES:
            continue
        if not flag.startswith("--"):
            kept.append(word)
            continue
        has_value = words and not (equals or words[0].startswith("--"))
        behind = [words.pop(0)] if has_value else []
        if flag not in flags and not Path(value or "".join(behind)).is_absolute():
            kept += [word, *behind]
    return kept
