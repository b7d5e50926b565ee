"""What a task says of a test set: scores by group, and text for people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xlsr_sb.metrics import Score


@dataclass(frozen=True)
class GroupScore:
    """A score of a part of a test set.

    Parameters
    ----------
    group : str
        A language, or ``all``.
    score : Score
    clips : int
        Utterances in the group.
    """

    group: str
    score: Score
    clips: int


@dataclass(frozen=True)
class Evaluation:
    """What is known of a test set after decoding it.

    Parameters
    ----------
    scores : list of GroupScore
    report : str
        Text for people: what was recognised, utterance by utterance.
    baseline : Score
        What the best output that does not listen would have reached.
    files : mapping of str to callable
        What else is kept, by its name behind that of the set: called with the path.
    """

    scores: list[GroupScore]
    report: str
    baseline: Score
    files: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)
