"""Who speaks: speakers that are learnt, and others for trials of verification.

Speakers are labels: one name in a package, not a person that was verified. Labels that
are known to be of several persons are left out. The labels for the trials were chosen
so that there are several of one source and language, and each trial compares two
clips of one source and language: then neither tells the answer.
"""

import re
from collections import Counter
from collections.abc import Iterable

from debian_speech import classes
from debian_speech.classes import Splits, Tallies
from debian_speech.cleaning import Pair
from xlsr_sb.errors import InputError

VERIFICATION = "verification"
MIN_CLIPS = 20  # of a speaker that is learnt
MIN_TRIED = 15  # of one for the trials
SEVERAL_PERSONS = "of several persons"
FEW_CLIPS = "of a speaker with few clips"

# Whoever is talked to in a scene; lines without a name; two at once; fonts of several
# roles; a pack that shares recordings with another.
_SEVERAL = re.compile(
    r"queen-(\d\d|unnamed)|fillets-\w+-(unnamed|both|lightgrey|white)"
    r"|hedgewars-Default"
)
# Not learnt: five English and both Polish packs of shouts, both English voices of the
# letters, six minor roles of the dialogues; of synthetic speech two voices a language.
_TRIED = re.compile(
    r"hedgewars-(British|HillBilly|Mobster|Pirate|Singer|\w+_pl)|klettres-en(-GB)?"
    r"|fillets-cs-(cyan|yellow|statue|parrot|linuxer1|linuxer2)|espeak-\w+-(f4|m3)"
)


def is_tried(speaker: str) -> bool:
    """Whether a speaker is kept for the trials.

    Example
    -------
    >>> is_tried("hedgewars-Pirate"), is_tried("asterisk-june")
    (True, False)
    """
    return bool(_TRIED.fullmatch(speaker))


def arranged(splits: Splits, tallies: Tallies) -> tuple[Splits, Tallies]:
    """Splits ``train``, ``dev``, ``test`` with all speakers each, and ``verification``.

    Parameters
    ----------
    splits : dict of str to list of Pair
        All that can be heard, as for pretraining.
    tallies : dict of str to Tally
        What was dropped already.

    Raises
    ------
    InputError
        If there are not two speakers to learn, and two of one source and language for
        the trials.
    """
    tallies = classes.emptied(tallies)
    entries: list[tuple[str, Pair]] = []
    for split, pair in classes.long_enough(splits, tallies):
        if _SEVERAL.fullmatch(pair[0].speaker):
            classes.drop(pair[0], SEVERAL_PERSONS, tallies)
        else:
            entries.append((split, pair))
    learnt = _learnt(entries, list(splits))
    tried = _tried(pair for _, pair in entries)
    if len(learnt) < 2 or not tried:
        raise InputError(
            f"sources and languages: {len(learnt)} speakers have {MIN_CLIPS} clips or "
            f"more in all of {', '.join(splits)}, {len(tried)} of one source and "
            f"language are there for the trials; two of each are needed; choose more"
        )
    made: Splits = {split: [] for split in (*splits, VERIFICATION)}
    for split, (clip, sound) in entries:
        if clip.speaker in learnt:
            made[split].append((clip, sound))
        elif clip.speaker in tried:
            made[VERIFICATION].append((clip, sound))
        else:
            classes.drop(clip, FEW_CLIPS, tallies)
    return made, classes.counted(made, tallies)


def _learnt(entries: Iterable[tuple[str, Pair]], splits: list[str]) -> set[str]:
    """Speakers with enough clips, some of them in each split."""
    counts: dict[str, Counter] = {}
    for split, (clip, _) in entries:
        if not is_tried(clip.speaker):
            counts.setdefault(clip.speaker, Counter())[split] += 1
    return {
        speaker
        for speaker, own in counts.items()
        if own.total() >= MIN_CLIPS and all(own[split] for split in splits)
    }


def _tried(pairs: Iterable[Pair]) -> set[str]:
    """Speakers for the trials that have another one of their source and language."""
    groups: dict[str, Counter] = {}
    for clip, _ in pairs:
        if is_tried(clip.speaker):
            groups.setdefault(clip.group, Counter())[clip.speaker] += 1
    tried: set[str] = set()
    for own in groups.values():
        enough = {speaker for speaker, count in own.items() if count >= MIN_TRIED}
        tried |= enough if len(enough) > 1 else set()
    return tried
