"""What HyperPyYAML would accept in silence, or refuse without naming the line."""

import re

from xlsr_sb.errors import InputError
from xlsr_sb.hparams.calls import CALLS, check_call, locate
from xlsr_sb.hparams.hints import did_you_mean
from xlsr_sb.hparams.nodes import Node, walk

REFERENCES = ("!ref", "!copy")
PLACEHOLDER = "!PLACEHOLDER"
TAGS = ("!include", *REFERENCES, PLACEHOLDER, *CALLS, "!module", "!tuple")
REFERENCE = re.compile(r"<([^>]*)>")


def check(tree: Node, path: str) -> None:
    """Check tags, references, calls and required values of a composed tree.

    Parameters
    ----------
    tree : Node
        Made by ``compose``.
    path : str
        Of the leaf, for messages.

    Raises
    ------
    InputError
        For the first thing that is wrong; required values are named all together.
    """
    for name, node in walk(tree):
        if node.tag.startswith("!") and node.kind not in TAGS:
            hint = did_you_mean(node.kind, TAGS)
            raise InputError(
                f"{node.place}: {name}: there is no tag {node.tag}{hint} "
                f"There are: {', '.join(TAGS)}"
            )
        if node.kind in REFERENCES:
            _check_reference(node, name, tree)
        elif node.kind in CALLS:
            check_call(node, name)
        elif node.kind == "!module":
            locate(node)
    missing = [name for name, node in walk(tree) if node.tag == PLACEHOLDER]
    if missing:
        options = " ".join(f"--{name} VALUE" for name in missing)
        raise InputError(
            f"{path}: no value for {', '.join(missing)}; add to the command line: "
            f"{options}"
        )


def referred_names(tree: Node) -> set[str]:
    """Dotted names of everything that a ``!ref`` in the tree stands for.

    Example
    -------
    >>> from xlsr_sb.hparams.nodes import parse
    >>> tree = parse("{seed: 1, name: a, out: !ref results/<name>/<seed>}", "a.yaml")
    >>> sorted(referred_names(tree))
    ['name', 'seed']
    """
    return {
        name
        for _, node in walk(tree)
        if node.kind in REFERENCES
        for name in _names(node)
    }


def _names(node: Node) -> list[str]:
    """Dotted names, from the root of the tree, that a reference holds."""
    return [".".join(keys) for keys, _ in _targets(node)]


def _targets(node: Node) -> list[tuple[tuple[str, ...], str]]:
    """Keys from the root of the tree, and the attribute asked for, of a reference."""
    found = []
    for inside in REFERENCE.findall(str(node.value)):
        path, _, attribute = inside.partition(".")
        keys = tuple(part.rstrip("]") for part in path.split("["))
        found.append(((*node.scope, *keys), attribute))
    return found


def _check_reference(node: Node, name: str, tree: Node) -> None:
    """Refuse a reference to nothing, and an object as an argument of an include."""
    for keys, attribute in _targets(node):
        target = _lookup(tree, keys)
        wanted = ".".join(keys)
        if target is None:
            hint = did_you_mean(wanted, [other for other, _ in walk(tree)])
            raise InputError(
                f"{node.place}: {name} refers to {wanted}, which is not there{hint}"
            )
        is_plain = not (attribute or target.is_section or target.kind in CALLS)
        if node.is_argument and not is_plain:
            raise InputError(
                f"{node.place}: {name} gives {node.value} to an included file; only "
                "plain values can be given (an object would be built a second time)"
            )


def _lookup(tree: Node, keys: tuple[str, ...]) -> Node | None:
    """Node at ``keys``; references on the way are followed. None if there is none."""
    node = tree
    for i, key in enumerate(keys):
        if node.kind in REFERENCES:
            (behind, _), *others = _targets(node)
            followed = None if others else _lookup(tree, (*behind, *keys[i:]))
            return followed or node  # what the reference builds is known later
        if key not in node.children:
            return None
        node = node.children[key]
    return node
