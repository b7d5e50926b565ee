"""From a hyperparameter file to values and objects, or to one flat file."""

from collections.abc import Iterable
from pathlib import Path

from hyperpyyaml import load_hyperpyyaml, resolve_references

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic
from xlsr_sb.hparams.calls import CALLS
from xlsr_sb.hparams.checks import check, referred_names
from xlsr_sb.hparams.compose import compose
from xlsr_sb.hparams.nodes import Node
from xlsr_sb.hparams.reads import Hparams


def load_hparams(path: str | Path, overrides: str = "") -> Hparams:
    r"""Values and objects of a hyperparameter file, checked before anything is built.

    Parameters
    ----------
    path : str or Path
        HyperPyYAML file; its ``!include:`` are relative to its folder.
    overrides : str
        YAML with the values to change, nested as the file is.

    Returns
    -------
    Hparams
        A dictionary; keys that begin with ``__`` are left out.

    Raises
    ------
    InputError
        For whatever ``check_keys`` finds, and for references that lead nowhere.

    Example
    -------
    >>> leaf = getfixture("tmp_path") / "leaf.yaml"
    >>> _ = leaf.write_text("seed: 7\nname: !ref run-<seed>\n")
    >>> load_hparams(leaf, "seed: 8")
    {'seed': 8, 'name': 'run-8'}
    """
    check_keys(path, overrides)
    return Hparams(load_hyperpyyaml(_resolve(path, overrides)))


def check_keys(path: str | Path, overrides: str = "") -> None:
    r"""Refuse a file or overrides with anything that would be ignored or fail later.

    Checked at any depth: keys that nothing defines, in the file, under its includes
    and in the overrides; arguments that a callable does not take; names that cannot
    be imported; tags; references; required values left open.

    Parameters
    ----------
    path : str or Path
    overrides : str
        YAML.

    Raises
    ------
    InputError
        Names the file and the line, what is wrong, and what there is.

    Example
    -------
    >>> leaf = getfixture("tmp_path") / "leaf.yaml"
    >>> _ = leaf.write_text("data_folder: !PLACEHOLDER\n")
    >>> check_keys(leaf, "data_folder: /data")
    """
    check(compose(path, overrides), str(path))


def write_flat(path: str | Path, overrides: str, target: str | Path) -> None:
    r"""Write what ``load_hparams`` would build as one file without includes.

    The file trains again as it is, from any folder. References are resolved in it,
    so that changing ``seed`` there no longer changes a folder named after it.

    Parameters
    ----------
    path : str or Path
    overrides : str
        YAML.
    target : str or Path
        File to write.

    Raises
    ------
    InputError
        As ``check_keys`` does, and when ``target`` cannot be written.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "head.yaml").write_text("dropout: 0.1\n")
    >>> _ = (folder / "leaf.yaml").write_text("head: !include:head.yaml {}\n")
    >>> write_flat(folder / "leaf.yaml", "head: {dropout: 0}", folder / "flat.yaml")
    >>> print((folder / "flat.yaml").read_text().strip())
    head:
      dropout: 0
    """
    check_keys(path, overrides)
    text = _resolve(path, overrides)
    with open_atomic(target) as file:
        file.write(text)


def unused_keys(
    path: str | Path, overrides: str = "", *, reads: Iterable[str]
) -> list[str]:
    """Dotted names of values that neither the program nor the file itself has read.

    What stands under a call is the callable's and counts as read.

    Parameters
    ----------
    path : str or Path
    overrides : str
        YAML.
    reads : iterable of str
        ``Hparams.reads`` after a run.

    Example
    -------
    >>> leaf = getfixture("tmp_path") / "leaf.yaml"
    >>> _ = leaf.write_text("{seed: 1, name: !ref run-<seed>, optim: {lr: 1, k: 2}}")
    >>> hparams = load_hparams(leaf)
    >>> hparams["name"], hparams["optim"]["lr"]
    ('run-1', 1)
    >>> unused_keys(leaf, reads=hparams.reads)
    ['optim.k']
    """
    tree = compose(path, overrides)
    referred = referred_names(tree)
    reads = set(reads)
    return [
        name
        for name in _value_names(tree)
        if name not in reads and not _is_within(name, referred)
    ]


def _value_names(node: Node, prefix: str = "") -> list[str]:
    """Dotted names of all values that are no sections; calls count as values."""
    names = []
    for key, child in node.children.items():
        if child.is_section and child.value and child.kind not in CALLS:
            names += _value_names(child, f"{prefix}{key}.")
        elif not key.startswith("__"):
            names.append(prefix + key)
    return names


def _is_within(name: str, sections: set[str]) -> bool:
    """True if ``name`` or a section around it is one of ``sections``."""
    parts = name.split(".")
    return any(".".join(parts[: i + 1]) in sections for i in range(len(parts)))


def _resolve(path: str | Path, overrides: str) -> str:
    """YAML text with includes, references and overrides worked out, objects unbuilt."""
    with Path(path).open(encoding="utf-8") as file:
        try:
            return resolve_references(file, overrides or None).getvalue()
        except ValueError as error:
            # The check has found every name: only the order can be wrong.
            raise InputError(
                f"{path}: {error} (a reference into an `!include:` must come after it)"
            ) from error
