"""What the functions and classes that a hyperparameter file names will accept."""

import inspect
import pydoc

from xlsr_sb.errors import InputError
from xlsr_sb.hparams.hints import did_you_mean
from xlsr_sb.hparams.nodes import Node

CALLS = ("!new", "!name", "!apply", "!applyref")
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def locate(node: Node) -> object:
    """The object that a ``!new:``, ``!name:``, ``!apply:`` or ``!module:`` names.

    Raises
    ------
    InputError
        When it cannot be imported, or is of another kind than the tag asks for.

    Example
    -------
    >>> locate(Node({}, "!new:collections.Counter"))
    <class 'collections.Counter'>
    >>> locate(Node({}, "!apply:math.sqr", "a.yaml, line 1"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a.yaml, line 1: math.sqr cannot be imported; \
did you mean math.sqrt?
    """
    try:
        found = pydoc.locate(node.target)
    except pydoc.ErrorDuringImport as error:
        raise InputError(f"{node.place}: {node.target}: {error}") from error
    if found is None:
        parent, _, name = node.target.rpartition(".")
        names = [f"{parent}.{n}" for n in dir(pydoc.locate(parent))] if parent else []
        hint = did_you_mean(f"{parent}.{name}", names)
        raise InputError(f"{node.place}: {node.target} cannot be imported{hint}")
    wanted, is_wanted = {
        "!new": ("a class", inspect.isclass),
        "!apply": ("a function", inspect.isroutine),
        "!applyref": ("a function", inspect.isroutine),
        "!module": ("a module", inspect.ismodule),
    }.get(node.kind, ("anything", lambda _: True))
    if not is_wanted(found):
        raise InputError(f"{node.place}: {node.tag} must name {wanted}, got {found!r}")
    return found


def accepted_keys(node: Node) -> list[str] | None:
    """Names of the arguments that a call takes by keyword; None if it takes any.

    Example
    -------
    >>> accepted_keys(Node({}, "!apply:textwrap.shorten"))
    >>> accepted_keys(Node({}, "!apply:textwrap.dedent"))
    ['text']
    """
    signature = _signature(node)
    if signature is None:
        return None
    parameters = signature.parameters.values()
    if any(p.kind == inspect.Parameter.VAR_KEYWORD for p in parameters):
        return None
    unnamed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
    return [p.name for p in parameters if p.kind not in unnamed]


def check_call(node: Node, name: str) -> None:
    """Refuse arguments that the callable of ``node`` does not take.

    Parameters
    ----------
    node : Node
        Tagged with one of ``CALLS``.
    name : str
        Its dotted name, for the message.

    Raises
    ------
    InputError
        For a key that is no argument, and for a required argument left out.

    Example
    -------
    >>> from xlsr_sb.hparams.nodes import parse
    >>> call = parse("d: !apply:textwrap.dedent {txt: ' a'}", "a.yaml").value["d"]
    >>> check_call(call, "d")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a.yaml, line 1: d.txt is not an option of \
textwrap.dedent; did you mean d.text? It has: text
    """
    args, kwargs = _arguments(node)
    known = accepted_keys(node)
    for key, child in kwargs.items():
        if known is not None and key not in known:
            hint = did_you_mean(f"{name}.{key}", [f"{name}.{k}" for k in known])
            raise InputError(
                f"{child.place}: {name}.{key} is not an option of {node.target}{hint} "
                f"It has: {', '.join(known)}"
            )
    signature = _signature(node)
    if signature is None:
        return
    bind = signature.bind_partial if node.kind == "!name" else signature.bind
    try:
        bind(*args, **kwargs)
    except TypeError as error:
        raise InputError(f"{node.place}: {name}: {node.target}: {error}") from error


def _signature(node: Node) -> inspect.Signature | None:
    """Signature of what a node calls; None where Python knows none (some builtins)."""
    try:
        return inspect.signature(locate(node))
    except (ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        return None


def _arguments(node: Node) -> tuple[list[Node], dict[str, Node]]:
    """Positional and keyword arguments of a call."""
    value = node.value
    if not node.is_section:
        return (value, {}) if isinstance(value, list) else ([], {})
    if node.kind == "!applyref" and set(value) == {"_args", "_kwargs"}:
        return value["_args"].value, value["_kwargs"].value
    return [], value
