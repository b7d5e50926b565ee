"""Hyperparameter files as written: every value with its tag and its line.

HyperPyYAML forgets where a value stood as soon as it has read it. This tree keeps
that, so that a message can name the file and the line.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from xlsr_sb.errors import InputError

COMMAND_LINE = "command line"


@dataclass
class Node:
    """One value of a hyperparameter file.

    Parameters
    ----------
    value : dict of str to Node, list of Node, or a plain value
    tag : str
        As written, ``!new:torch.nn.Linear``; empty for a plain value.
    place : str
        ``hparams/ka.yaml, line 3``, or the command line.
    scope : tuple of str
        Keys that lead from the outermost file to the file of this value: what its
        references are relative to.
    is_argument : bool
        True for what one file gives to another under an ``!include:``.
    """

    value: object
    tag: str = ""
    place: str = COMMAND_LINE
    scope: tuple[str, ...] = ()
    is_argument: bool = False

    @property
    def kind(self) -> str:
        """The tag up to its colon: ``!new``, ``!ref``, ..."""
        return self.tag.partition(":")[0]

    @property
    def target(self) -> str:
        """The tag after its colon: a dotted name, or the file to include."""
        return self.tag.partition(":")[2]

    @property
    def is_section(self) -> bool:
        """True if the value has keys of its own."""
        return isinstance(self.value, dict)

    @property
    def children(self) -> dict[str, "Node"]:
        """Nodes one level down, by key or by number."""
        if isinstance(self.value, list):
            return {str(i): child for i, child in enumerate(self.value)}
        return self.value if self.is_section else {}


def walk(node: Node, keys: tuple[str, ...] = ()) -> Iterator[tuple[str, Node]]:
    """Every value below ``node`` with its dotted name, outer ones first.

    Example
    -------
    >>> tree = parse("optim: {betas: [0.9, 0.98]}", COMMAND_LINE)
    >>> [name for name, _ in walk(tree)]
    ['optim', 'optim.betas', 'optim.betas.0', 'optim.betas.1']
    """
    for key, child in node.children.items():
        yield ".".join((*keys, key)), child
        yield from walk(child, (*keys, key))


def parse(text: str, source: str, *, scope: tuple[str, ...] = ()) -> Node:
    r"""Tree of a YAML text, nothing resolved.

    Parameters
    ----------
    text : str
        HyperPyYAML with keys at its root, or nothing at all.
    source : str
        Name of the file, for messages; ``COMMAND_LINE`` has no lines.
    scope : tuple of str
        Keys that lead to this file.

    Raises
    ------
    InputError
        With file and line, when it is not YAML or when its root has no keys.

    Example
    -------
    >>> parse("seed: 1\nseed: 2", "ka.yaml")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ka.yaml, line 2: not YAML: found duplicate key "seed" ...
    """
    try:
        raw = YAML().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(source, mark.line) if mark else source
        raise InputError(f"{place}: not YAML: {error.problem}") from error
    except YAMLError as error:
        raise InputError(f"{source}: not YAML: {error}") from error
    if raw is None and not text.strip():
        raw = {}
    if not isinstance(raw, dict):
        raise InputError(f"{source}: expected `key: value` lines, got {text[:60]!r}")
    return _convert(raw, source, 0, scope)


def read_text(path: str | Path, *, place: str = "") -> str:
    """Text of a hyperparameter file; ``place`` is the line that asks for it.

    Raises
    ------
    InputError
        When there is no such file, or when it is empty or not UTF-8.
    """
    asked = f"{place}: " if place else ""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{asked}hyperparameter file {path} cannot be read: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{asked}{path} is not UTF-8 text: {error.reason}") from error
    if not text.strip():
        raise InputError(f"{asked}{path} is empty")
    return text


def beside(path: str | Path, name: str) -> str:
    """Path of a file that is named relative to the folder of another.

    Example
    -------
    >>> beside("recipes/X/ASR/hparams/a.yaml", "../../../../hparams/head/ctc.yaml")
    'hparams/head/ctc.yaml'
    """
    return os.path.normpath(os.path.join(os.path.dirname(path), name))


def _convert(raw, source: str, line: int, scope: tuple[str, ...]) -> Node:
    """Node of what ruamel.yaml has read; ``line`` counts from zero."""
    tag = getattr(getattr(raw, "tag", None), "value", None) or ""
    value = raw.value if tag and hasattr(raw, "value") else raw
    if isinstance(raw, dict):
        value = {
            str(key): _convert(child, source, _line(raw, key, line), scope)
            for key, child in raw.items()
        }
    elif isinstance(raw, list):
        value = [
            _convert(child, source, _line(raw, i, line), scope)
            for i, child in enumerate(raw)
        ]
    return Node(value, tag, _place(source, line), scope)


def _line(raw, key, default: int) -> int:
    """Line of a key or an item, that of the whole where ruamel.yaml knows none."""
    known = getattr(getattr(raw, "lc", None), "data", None) or {}
    return known[key][0] if key in known else default


def _place(source: str, line: int) -> str:
    """What a message says about where a value stands."""
    return source if source == COMMAND_LINE else f"{source}, line {line + 1}"
