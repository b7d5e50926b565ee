"""The command of a run, without what belongs to one machine or one seed."""

import shlex
from collections.abc import Iterable, Sequence

# Flags that say where things lie or what is shown; with a value, and without one.
PLACES = (
    *("--output_folder", "--data_folder", "--librilight", "--splits", "--debs"),
    *("--output", "--csv", "--results"),
)
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
        For a shell; whoever runs it again gives folders of their own.

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
    """Words without some flags and their values, and without switches."""
    words, kept = iter(words), []
    for word in words:
        flag, equals, _ = word.partition("=")
        if flag in flags:
            if not equals:
                next(words, None)
        elif flag not in SWITCHES:
            kept.append(word)
    return kept
