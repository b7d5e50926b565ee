"""Keep the clips that are speech with its own text, and count the others by reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from debian_speech.audio import Sound
from debian_speech.clip import Clip
from debian_speech.texts import sentence_key
from xlsr_sb.data.corpus import Note

SILENT = "silent"
TOO_SHORT = "too short"
COPY = "copies"
CONTRADICTION = "copies with other texts"
TEXT_TOO_LONG = "text too long for the sound"
TEXT_TOO_SHORT = "text too short for the sound"

MIN_RMS = 2e-3
MIN_SECONDS = 0.2
SLOWEST = 2.0  # times the usual time, and a second
FASTEST = 0.6  # of the usual time
PAUSES = np.arange(0.0, 2.0, 0.05)  # seconds around the words
PACES = np.arange(0.03, 0.13, 0.0025)  # seconds a letter
USUAL = (0.2, 0.07)  # pause and pace where a group is too small to tell
MIN_CLIPS = 20
MIN_LETTERS = 10  # of a text that can be too long

Pair = tuple[Clip, Sound]
Judge = Callable[[Sequence[Pair]], list[str | None]]


@dataclass
class Tally:
    """What was kept and dropped of one group."""

    kept: int = 0
    seconds: float = 0.0
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str) -> None:
        """Count one clip that is dropped."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def keep(self, seconds: float) -> None:
        """Count one clip that is kept."""
        self.kept += 1
        self.seconds += seconds


def notes(tallies: dict[str, Tally]) -> list[Note]:
    """Lines of the printed table."""
    return [
        Note(group, kept=tally.kept, seconds=tally.seconds, dropped=tally.dropped)
        for group, tally in tallies.items()
    ]


def sift(
    pairs: Sequence[Pair], tallies: dict[str, Tally], *, judges: Sequence[Judge]
) -> list[Pair]:
    """Clips that can be used, in their order; the others are counted in ``tallies``.

    Parameters
    ----------
    pairs : sequence of Pair
        Clips and what was decoded of them.
    tallies : dict of str to Tally
        By group of clips.
    judges : sequence of callable
        Each gets the clips that those before it let pass, and gives for each the
        reason to drop it, or None.
    """
    pairs = list(pairs)
    for judge in judges:
        reasons = judge(pairs)
        for (clip, _), reason in zip(pairs, reasons, strict=True):
            if reason is not None:
                tallies.setdefault(clip.group, Tally()).drop(reason)
        pairs = [pair for pair, why in zip(pairs, reasons, strict=True) if why is None]
    return pairs


def _text_faults(pairs: Sequence[Pair]) -> list[str | None]:
    """What the source knows against the text of each clip."""
    return [clip.fault for clip, _ in pairs]


def sound_faults(pairs: Sequence[Pair]) -> list[str | None]:
    """What speaks against each recording by itself."""
    return [
        TOO_SHORT
        if sound.seconds < MIN_SECONDS
        else SILENT
        if sound.rms < MIN_RMS
        else None
        for _, sound in pairs
    ]


def _copy_faults(pairs: Sequence[Pair]) -> list[str | None]:
    """Of recordings with the same samples the first stays, if their texts agree."""
    texts: dict[str, set[str]] = {}
    for clip, sound in pairs:
        texts.setdefault(sound.digest, set()).add(sentence_key(clip.text))
    seen: set[str] = set()
    faults: list[str | None] = []
    for _, sound in pairs:
        copied = COPY if sound.digest in seen else None
        faults.append(CONTRADICTION if len(texts[sound.digest]) > 1 else copied)
        seen.add(sound.digest)
    return faults


def _pace_faults(pairs: Sequence[Pair]) -> list[str | None]:
    """Texts that their recordings are far too short or far too long for."""
    counts = [len(sentence_key(clip.text)) for clip, _ in pairs]
    groups: dict[str, tuple[list[int], list[float]]] = {}
    for letters, (clip, sound) in zip(counts, pairs, strict=True):
        of_group = groups.setdefault(clip.group, ([], []))
        of_group[0].append(letters)
        of_group[1].append(sound.seconds)
    usual = {group: speaking_time(*columns) for group, columns in groups.items()}
    faults: list[str | None] = []
    for letters, (clip, sound) in zip(counts, pairs, strict=True):
        pause, pace = usual[clip.group]
        expected = pause + pace * letters
        slow = sound.seconds > SLOWEST * expected + 1
        fast = sound.seconds < FASTEST * expected and letters >= MIN_LETTERS
        faults.append(TEXT_TOO_SHORT if slow else TEXT_TOO_LONG if fast else None)
    return faults


TRANSCRIBED: tuple[Judge, ...] = (
    _text_faults,
    sound_faults,
    _copy_faults,
    _pace_faults,
)


def speaking_time(
    letters: Sequence[int], seconds: Sequence[float]
) -> tuple[float, float]:
    """Seconds of pause in a clip, and seconds a letter, as a group of clips has them.

    The pair on a grid for which the median of the relative errors is least: up to half
    of the texts may be wrong without moving it.

    Example
    -------
    >>> letters = list(range(10, 50))
    >>> seconds = [0.3 + 0.05 * count for count in letters]
    >>> seconds[:10] = [9.0] * 10
    >>> pause, pace = speaking_time(letters, seconds)
    >>> round(pause, 2), round(pace, 3)
    (0.3, 0.05)
    """
    if len(letters) < MIN_CLIPS:
        return USUAL
    pauses, paces = (grid.ravel() for grid in np.meshgrid(PAUSES, PACES))
    expected = pauses[:, None] + paces[:, None] * np.asarray(letters, dtype=float)
    errors = np.median(np.abs(np.log(expected / np.asarray(seconds))), axis=1)
    best = int(np.argmin(errors))
    return float(pauses[best]), float(paces[best])
