"""Trials: two clips of one source and language, of one speaker or of two."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from debian_speech.classes import drawn
from xlsr_sb.files import open_atomic
from xlsr_sb.manifest import Utterance

LIST = "unseen.txt"
MOST = 150  # pairs of clips of a speaker, and as many with other speakers

Trial = tuple[int, str, str]


def trials(utterances: Sequence[Utterance]) -> list[Trial]:
    """Trials ``(1 or 0, enrolment, test)``, half of each kind for each speaker.

    All compare clips of one source and language. Which ones is decided by a hash of
    the names.

    Parameters
    ----------
    utterances : sequence of Utterance
        Several speakers of each source (``corpus``) and language.

    Example
    -------
    >>> clips = [
    ...     Utterance(f"{speaker}{i}", "a.wav", 1.0, spk_id=speaker, corpus="shouts")
    ...     for speaker in "ab"
    ...     for i in range(2)
    ... ]
    >>> len(trials(clips)), sorted(trials(clips))[-1]
    (4, (1, 'b0', 'b1'))
    """
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    for one in utterances:
        own = groups.setdefault((one.corpus, one.language), {})
        own.setdefault(one.spk_id, []).append(one.id)
    made: dict[tuple[str, str], int] = {}
    for speakers in groups.values():
        for speaker, own in speakers.items():
            targets = _first(combinations(own, 2), MOST)
            others = [x for name in speakers if name != speaker for x in speakers[name]]
            free = ((a, b) for a in own for b in others if (b, a) not in made)
            non_targets = _first(free, len(targets))
            made |= dict.fromkeys(targets, 1) | dict.fromkeys(non_targets, 0)
    return [(label, *pair) for pair, label in made.items()]


def _first(pairs: Iterable[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """Some of the pairs, in an order that has nothing to do with their names."""
    return sorted(pairs, key=lambda pair: drawn("\n".join(pair)))[:count]


def write_trials(utterances: Sequence[Utterance], folder: Path) -> Path:
    """Write the trials of a test set as ``unseen.txt`` into a folder; its path.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_trials([], Path(folder)).name
    'unseen.txt'
    """
    with open_atomic(folder / LIST) as file:
        file.writelines(f"{label} {a} {b}\n" for label, a, b in trials(utterances))
    return folder / LIST
