"""One tree out of a leaf, the files it includes, and what the command line changes.

HyperPyYAML takes a misspelt key under an ``!include:`` or in a nested override
without a word, and ignores a tag that an override brings. Here both are errors.
"""

from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.hparams.calls import CALLS, accepted_keys
from xlsr_sb.hparams.hints import did_you_mean
from xlsr_sb.hparams.nodes import (
    COMMAND_LINE,
    Node,
    beside,
    parse,
    read_text,
    walk,
)


def compose(path: str | Path, overrides: str = "") -> Node:
    r"""Tree of a hyperparameter file with includes in place and overrides applied.

    Parameters
    ----------
    path : str or Path
        The leaf.
    overrides : str
        YAML; nested as the file is.

    Raises
    ------
    InputError
        For a key that the file, or an included file, does not define.

    Example
    -------
    >>> leaf = getfixture("tmp_path") / "leaf.yaml"
    >>> _ = leaf.write_text("optim:\n  num_updates: 100\n")
    >>> tree = compose(leaf, "optim: {num_updates: 5}")
    >>> tree.value["optim"].value["num_updates"].value
    5
    >>> compose(leaf, "num_updates: 5")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: command line: num_updates is not an option; ...
    """
    tree = _compose_file(str(path), ())
    _merge(tree, parse(overrides or "", COMMAND_LINE), tree, prefix="")
    return tree


def _compose_file(path: str, scope: tuple[str, ...], place: str = "") -> Node:
    """Tree of one file and of what it includes; ``place`` is the line that asks."""
    root = parse(read_text(path, place=place), path, scope=scope)
    return _include(root, path, scope)


def _include(node: Node, path: str, keys: tuple[str, ...]) -> Node:
    """Put the files that ``node`` of the file ``path`` includes where they belong."""
    if isinstance(node.value, list):
        node.value = [
            _include(child, path, (*keys, str(i))) for i, child in enumerate(node.value)
        ]
    if node.is_section:
        node.value = {
            key: _include(child, path, (*keys, key))
            for key, child in node.value.items()
        }
    return _included(node, path, keys) if node.kind == "!include" else node


def _included(node: Node, path: str, keys: tuple[str, ...]) -> Node:
    """Tree of the included file, with the arguments that ``node`` gives it."""
    name = ".".join(keys)
    if not node.is_section:
        raise InputError(
            f"{node.place}: {name}: write `!include:{node.target} {{}}`; without the "
            "braces nothing in it can be changed from the command line"
        )
    for _, child in walk(node):
        child.is_argument = True
    tree = _compose_file(beside(path, node.target), keys, node.place)
    _merge(tree, Node(node.value), tree, prefix=f"{name}.")
    return tree


def _merge(base: Node, overrides: Node, tree: Node, *, prefix: str) -> None:
    """Change ``base``, the part of ``tree`` under ``prefix``, as ``overrides`` say."""
    is_open = not base.value  # `folders: {}` is a section whose keys are the user's
    for key, new in overrides.value.items():
        name = prefix + key
        if not (is_open or _takes(base, key)):
            raise _unknown_key(new, name, base, tree)
        old = base.value.get(key)
        if old is None:
            base.value[key] = new
        elif old.is_section and new.is_section and new.tag in ("", old.tag):
            _merge(old, new, tree, prefix=f"{name}.")
        elif old.is_section or new.is_section:
            raise _wrong_shape(new, name, old)
        else:
            base.value[key] = new


def _takes(base: Node, key: str) -> bool:
    """True if a key is there, or if ``base`` is a call that accepts it."""
    known = accepted_keys(base) if base.kind in CALLS else list(base.value)
    return known is None or key in known


def _unknown_key(new: Node, name: str, base: Node, tree: Node) -> InputError:
    """What to say of a key that nothing would read."""
    section = name.rpartition(".")[0]
    known = accepted_keys(base) if base.kind in CALLS else list(base.value)
    shown = [key for key in known or [] if not key.startswith("__")]
    top = ".".join(tree.scope)
    names = [f"{top}.{other}" if top else other for other, _ in walk(tree)]
    names += [f"{section}.{key}" if section else key for key in shown]
    has = f"{section} has" if section else "There are"
    hint = did_you_mean(name, names)
    return InputError(
        f"{new.place}: {name} is not an option{hint} {has}: {', '.join(shown)}"
    )


def _wrong_shape(new: Node, name: str, old: Node) -> InputError:
    """What to say of a section where a value stands, or the other way round."""
    if old.is_section:
        wanted = f"it is a section; set one of its keys: {', '.join(old.value)}"
    else:
        wanted = f"it is one value in {old.place}, not a section with keys"
    if new.tag:
        wanted += ". Its tag can change only in the file that it is in"
    given = new.tag or ("a section" if new.is_section else repr(new.value))
    return InputError(f"{new.place}: {name} cannot be {given}: {wanted}")
