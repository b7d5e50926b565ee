"""All that can be heard, for pretraining: whatever its text, but not dev and test."""

from collections.abc import Mapping, Sequence

from debian_speech import cleaning, splitting
from debian_speech.cleaning import Pair, Tally
from debian_speech.texts import NOT_SPEECH

HELD_OUT = ("dev", "test")
COPY_OF_HELD_OUT = "copies of dev or test"


def widen(
    pairs: Sequence[Pair], splits: Mapping[str, Sequence[Pair]]
) -> tuple[dict[str, list[Pair]], dict[str, Tally]]:
    """Splits of recognition with all other audio in train, and what was dropped.

    Parameters
    ----------
    pairs : sequence of Pair
        Every clip of every source, usable or not.
    splits : mapping of str to sequence of Pair
        Splits of recognition. Their dev and test stay as they are; neither a copy of
        their samples nor another recording of one of their sentences is in train.
    """
    held_out = {name: list(splits[name]) for name in HELD_OUT}
    ids = {clip.id for split in held_out.values() for clip, _ in split}
    digests = {sound.digest for split in held_out.values() for _, sound in split}

    def copies(pairs: Sequence[Pair]) -> list[str | None]:
        """Recordings that dev, test or an earlier clip of train has."""
        seen: set[str] = set()
        faults = []
        for _, sound in pairs:
            known = cleaning.COPY if sound.digest in seen else None
            faults.append(COPY_OF_HELD_OUT if sound.digest in digests else known)
            seen.add(sound.digest)
        return faults

    def leaks(pairs: Sequence[Pair]) -> list[str | None]:
        """Recordings of a sentence of dev or test."""
        clips = {name: [clip for clip, _ in split] for name, split in held_out.items()}
        left_out = splitting.leaks({**clips, "train": [clip for clip, _ in pairs]})
        return [splitting.LEAK if clip.id in left_out else None for clip, _ in pairs]

    tallies = {clip.group: Tally() for clip, _ in pairs}
    others = [pair for pair in pairs if pair[0].id not in ids]
    judges = (_not_speech, cleaning.sound_faults, copies, leaks)
    wide = {"train": cleaning.sift(others, tallies, judges=judges), **held_out}
    for split in wide.values():
        for clip, sound in split:
            tallies[clip.group].keep(sound.seconds)
    return wide, tallies


def _not_speech(pairs: Sequence[Pair]) -> list[str | None]:
    """Of the faults of a clip, the one that its sound has."""
    return [NOT_SPEECH if clip.fault == NOT_SPEECH else None for clip, _ in pairs]
