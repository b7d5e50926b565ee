"""What all commands share: how they are added, and how errors are shown."""

import argparse
from collections.abc import Callable

from xlsr_sb.errors import InputError


def add_command(
    commands, name: str, call: Callable[[argparse.Namespace], None]
) -> argparse.ArgumentParser:
    """Parser of a new command, described by the first line of what it calls.

    Parameters
    ----------
    commands : argparse's action of subparsers
    name : str
    call : callable
        Takes the arguments.

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> _ = add_command(parser.add_subparsers(), "show", print)
    >>> parser.parse_args(["show"]).call is print
    True
    """
    text = call.__doc__.splitlines()[0]
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(call=call)
    return parser


def add_language_to(parser: argparse.ArgumentParser) -> None:
    """Add the language of a model that has separate outputs for several.

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_language_to(parser)
    >>> parser.parse_args(["--language", "fr"]).language
    'fr'
    """
    parser.add_argument(
        "--language",
        metavar="CODE",
        help="of a run that was trained with head.per_language: it has outputs for "
        "each language, and one must be named",
    )


def one_line(error: InputError) -> str:
    r"""An error on one line.

    Example
    -------
    >>> one_line(InputError("weights:\n\tsize mismatch"))
    'error: weights: size mismatch'
    """
    return "error: " + " ".join(line.strip() for line in str(error).splitlines())
