"""A part of the training set that stands in for a development set."""

import hashlib
from collections.abc import Sequence

from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

SHARE = 10  # one part in so many


def hold_out(
    clips: Sequence[Utterance], *, name: str
) -> tuple[list[Utterance], list[Utterance]]:
    """Training clips without, and development clips: about a tenth of the former.

    Whole speakers where more than two are known, else clips; which ones depends on
    their names alone.

    Parameters
    ----------
    clips : sequence of Utterance
    name : str
        Of the group, for the error.

    Raises
    ------
    InputError
        If nothing would be left to learn from.

    Example
    -------
    >>> clips = [Utterance(name, f"{name}.mp3", 1.0) for name in "abcdefghijklmnopqrst"]
    >>> train, dev = hold_out(clips, name="fr train")
    >>> len(train), [one.id for one in dev]
    (18, ['p', 's'])
    """
    by_speaker = len({one.spk_id for one in clips} - {""}) > 2
    groups = [one.spk_id if by_speaker else one.id for one in clips]
    order = sorted(set(groups), key=lambda group: _drawn(group))
    if len(order) < 2:
        raise InputError(
            f"{name}: {len(order)} clips are too few to take development clips from "
            "them; another release of the language has more"
        )
    chosen = set(order[: max(1, len(order) // SHARE)])
    pairs = list(zip(clips, groups, strict=True))
    train = [one for one, group in pairs if group not in chosen]
    return train, [one for one, group in pairs if group in chosen]


def _drawn(name: str) -> bytes:
    """An order that has nothing to do with the names."""
    return hashlib.sha256(name.encode()).digest()
