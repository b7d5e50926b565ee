"""What a task says of a test set: scores by group, and text for people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xlsr_sb.files import open_atomic
from xlsr_sb.metrics import ClassMean, Interval, Score, TranslationScore
from xlsr_sb.metrics.verification import VerificationScore


@dataclass(frozen=True)
class GroupScore:
    """A score of a part of a test set.

    Parameters
    ----------
    group : str
        A language, a range of durations, a list of trials..., or ``all``.
    score : Score, TranslationScore, ClassMean or VerificationScore
    clips : int
        Utterances in the group.
    interval : Interval or None
        Where 95 % of the draws lie; None where nothing was drawn.
    """

    group: str
    score: Score | TranslationScore | ClassMean | VerificationScore
    clips: int
    interval: Interval | None = None


@dataclass(frozen=True)
class Evaluation:
    """What is known of a test set after decoding it.

    Parameters
    ----------
    scores : list of GroupScore
    report : str
        Text for people: what was recognised, utterance by utterance.
    baseline : Score or None
        What the best output that does not listen would have reached; None where nobody
        asked.
    files : mapping of str to callable
        What else is kept, by its name behind that of the set: called with the path.
    label : str
        Goes into the names of files, where a model is scored in several ways.
    """

    scores: list[GroupScore]
    report: str
    baseline: Score | None
    files: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)
    label: str = ""

    def write(self, folder: Path, *, split: str) -> None:
        """Write the report and every other file of a test set.

        Parameters
        ----------
        folder : Path
        split : str
            Name of the test set.

        Example
        -------
        >>> folder = getfixture("tmp_path")
        >>> score = Score("WER", 0, 4)
        >>> Evaluation([], "all right", score, label="beam").write(folder, split="test")
        >>> [path.name for path in folder.iterdir()]
        ['report_test.beam.txt']
        """
        name = f"{split}.{self.label}" if self.label else split
        with open_atomic(folder / f"report_{name}.txt") as file:
            file.write(self.report)
        for ending, write in self.files.items():
            write(folder / f"{name}.{ending}")
