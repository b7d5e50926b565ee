"""The nearest right spelling of a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(wrong: str, names: Iterable[str]) -> str:
    """End of a sentence that suggests the nearest of ``names``, if one is near.

    A like key of the same section comes first, then the same key of another section,
    then a like key anywhere.

    Example
    -------
    >>> did_you_mean("encoder.freze", ["encoder.freeze", "encoder.dim"])
    '; did you mean encoder.freeze?'
    >>> did_you_mean("num_updates", ["seed", "optim.num_updates"])
    '; did you mean optim.num_updates?'
    >>> did_you_mean("colour", ["seed"])
    '.'
    """
    names = list(names)
    section, _, key = wrong.rpartition(".")
    siblings = [name for name in names if name.rpartition(".")[0] == section]
    same_key = [name for name in names if name.rpartition(".")[2] == key]
    near = _nearest(key, siblings) or same_key or _nearest(key, names)
    return f"; did you mean {near[0]}?" if near else "."


def _nearest(key: str, names: list[str]) -> list[str]:
    """The name whose last key is most like ``key``, if any is like it at all."""
    by_key = {name.rpartition(".")[2]: name for name in names}
    return [by_key[match] for match in get_close_matches(key, by_key, n=1, cutoff=0.65)]
