"""Split by sentence, across languages: no sentence of dev or test is in train."""

import hashlib
from collections.abc import Iterable, Mapping

from debian_speech.clip import Clip
from debian_speech.texts import sentence_key

SHARES = {"test": 0.12, "dev": 0.08}  # of a source's texts; the rest is train
MAX_SHARE = 0.5  # of dev or test that several joined units may take
LEAK = "sentence of dev or test"


def split_units(
    units: Mapping[str, Iterable[str]], *, joins_sentences: bool, salt: str
) -> dict[str, str]:
    """Split of each unit: ``train``, ``dev`` or ``test``.

    Units are put in an order that only a hash of their names decides; test is filled
    first, then dev, until each has its share of the texts.

    Parameters
    ----------
    units : mapping of str to iterable of str
        Unit to its texts in all languages.
    joins_sentences : bool
        Whether units that share a text go to the same split.
    salt : str
        Name of the source.

    Example
    -------
    >>> units = {f"unit {i}": [f"text {i}", f"Text {i}!"] for i in range(100)}
    >>> split = list(split_units(units, joins_sentences=True, salt="a").values())
    >>> split.count("train"), split.count("dev"), split.count("test")
    (80, 8, 12)
    """
    texts = {
        unit: [key for x in own if (key := sentence_key(x))]
        for unit, own in units.items()
    }
    groups = _groups(texts) if joins_sentences else [[unit] for unit in texts]
    weights = {unit: max(1, len(own)) for unit, own in texts.items()}
    total = sum(weights.values())
    left = {name: share * total for name, share in SHARES.items()}
    split = {}
    for group in sorted(groups, key=lambda group: _hash(salt, min(group))):
        weight = sum(weights[unit] for unit in group)
        name = next((x for x in left if _fits(group, weight, x, left, total)), "train")
        if name in left:
            left[name] -= weight
        split |= dict.fromkeys(group, name)
    return split


def _fits(
    group: list[str], weight: int, name: str, left: Mapping[str, float], total: int
) -> bool:
    """Whether there is room for a group in dev or test, and it leaves some."""
    modest = len(group) == 1 or weight <= MAX_SHARE * SHARES[name] * total
    return modest and left[name] >= weight / 2


def _hash(salt: str, name: str) -> str:
    """An order that has nothing to do with the names."""
    return hashlib.sha256(f"{salt}\n{name}".encode()).hexdigest()


def _groups(texts: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Units that are connected by common texts (union-find)."""
    parent = {unit: unit for unit in texts}

    def root(unit: str) -> str:
        while parent[unit] != unit:
            parent[unit] = parent[parent[unit]]
            unit = parent[unit]
        return unit

    first_with: dict[str, str] = {}
    for unit, own in texts.items():
        for text in own:
            parent[root(unit)] = root(first_with.setdefault(text, unit))
    groups: dict[str, list[str]] = {}
    for unit in texts:
        groups.setdefault(root(unit), []).append(unit)
    return list(groups.values())


def leaks(splits: Mapping[str, Iterable[Clip]]) -> set[str]:
    """Ids of clips to leave out, so that no sentence is in two splits.

    A clip leaves train if its own or its English text is the own or the English text
    of a clip of dev or test; it leaves dev if it is one of test.

    Example
    -------
    >>> def clip(id, text):
    ...     return Clip(id, None, "source", "en", "speaker", "unit", text=text)
    >>> train = [clip("a", "Yes!"), clip("b", "No.")]
    >>> leaks({"train": train, "dev": [], "test": [clip("c", "yes")]})
    {'a'}
    """
    held_out: set[str] = set()
    left_out: set[str] = set()
    for name in ("test", "dev", "train"):
        own: set[str] = set()
        for clip in splits[name]:
            keys = {key for text in clip.sentences if (key := sentence_key(text))}
            if keys & held_out:
                left_out.add(clip.id)
            else:
                own |= keys
        held_out |= own
    return left_out
