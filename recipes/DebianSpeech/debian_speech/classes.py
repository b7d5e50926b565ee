"""What clips of languages and of speakers have in common: length, splits, counts."""

import hashlib
from collections.abc import Iterable, Mapping

from debian_speech import adventure, letters, shouts, syllables
from debian_speech.cleaning import Pair, Tally
from debian_speech.clip import Clip
from debian_speech.splitting import SHARES

KINDS = LANGUAGE, SPEAKER = ("language", "speaker")
UNWRITTEN = (letters.NAME, syllables.NAME, shouts.NAME, adventure.NAME)
MIN_SECONDS = 0.5  # of a clip whose language or speaker could be heard
TOO_SHORT = f"shorter than {MIN_SECONDS} s"
MIN_UNITS = 3  # of a source and language that is in train, dev and test

Splits = dict[str, list[Pair]]
Tallies = dict[str, Tally]


def drawn(name: str) -> bytes:
    """An order that has nothing to do with the names, the same everywhere."""
    return hashlib.sha256(name.encode()).digest()


def emptied(tallies: Mapping[str, Tally]) -> Tallies:
    """Tallies that still know what was dropped, but count nothing as kept yet.

    Example
    -------
    >>> emptied({"stamps fr": Tally(kept=2, seconds=3.0, dropped={"silent": 1})})
    {'stamps fr': Tally(kept=0, seconds=0.0, dropped={'silent': 1})}
    """
    return {group: Tally(dropped=dict(one.dropped)) for group, one in tallies.items()}


def drop(clip: Clip, reason: str, tallies: Tallies) -> None:
    """Count a clip that is left out."""
    tallies.setdefault(clip.group, Tally()).drop(reason)


def counted(splits: Splits, tallies: Tallies) -> Tallies:
    """Tallies with what is in the splits; groups that nothing is told of are left out.

    Example
    -------
    >>> counted({"train": []}, {"a": Tally(), "b": Tally(dropped={"silent": 1})})
    {'b': Tally(kept=0, seconds=0.0, dropped={'silent': 1})}
    """
    for pairs in splits.values():
        for clip, sound in pairs:
            tallies.setdefault(clip.group, Tally()).keep(sound.seconds)
    return {group: one for group, one in tallies.items() if one.kept or one.dropped}


def long_enough(splits: Splits, tallies: Tallies) -> list[tuple[str, Pair]]:
    """Split and clip of all that last half a second; the others are counted.

    Clips of sources without texts, which are all in ``train``, are shared out.
    """
    kept: list[tuple[str, Pair]] = []
    for split, pairs in splits.items():
        for clip, sound in pairs:
            if sound.seconds < MIN_SECONDS:
                drop(clip, TOO_SHORT, tallies)
            else:
                kept.append((split, (clip, sound)))
    shared = shared_out(clip for _, (clip, _) in kept if clip.source in UNWRITTEN)
    return [(shared.get(pair[0].id, split), pair) for split, pair in kept]


def shared_out(clips: Iterable[Clip]) -> dict[str, str]:
    """Split by id of clips without texts: what is called the same stays together.

    A letter or a moment of the game is in the same split for all voices of a source
    and language. About as many are in each split as of the sentences, but at least one.

    Example
    -------
    >>> split = shared_out(
    ...     Clip(f"{who}-{unit}", None, "letters", "en", who, str(unit))
    ...     for who in "ab"
    ...     for unit in range(10)
    ... )
    >>> sorted(split.values()).count("train"), split["a-3"] == split["b-3"]
    (16, True)
    """
    groups: dict[str, dict[str, list[str]]] = {}
    for clip in clips:
        groups.setdefault(clip.group, {}).setdefault(clip.unit, []).append(clip.id)
    split: dict[str, str] = {}
    for group, units in groups.items():
        left = sorted(units, key=lambda unit: drawn(f"{group}\n{unit}"))
        for held_out, share in SHARES.items() if len(left) >= MIN_UNITS else ():
            count = max(1, round(share * len(units)))
            of_split, left = left[:count], left[count:]
            split |= {name: held_out for unit in of_split for name in units[unit]}
        split |= {name: "train" for unit in left for name in units[unit]}
    return split
