"""Trials: whether one person speaks in two clips, told by their embeddings."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance
from xlsr_sb.metrics.verification import (
    LinearCalibration,
    TrialList,
    TrialScores,
    read_trials,
)
from xlsr_sb.tasks.answers import write_map
from xlsr_sb.tasks.classes import DEV, TRAIN, Classes
from xlsr_sb.tasks.hearing import Heard
from xlsr_sb.tasks.trial_report import group_scores, text_of, write_det, write_trials
from xlsr_sb.tasks.trial_scores import (
    NORMALISED,
    RAW,
    all_pairs,
    calibration_of,
    cohort_of,
    scores_of,
    table_of,
)
from xlsr_sb.training.evaluation import Evaluation, GroupScore

logger = logging.getLogger(__name__)
CALIBRATION = "calibration.json"
COHORT_CLIPS = 20  # of a training speaker, whose mean is one of the cohort
CALIBRATION_CLIPS = 5  # of a speaker of the dev set, each with each
CALIBRATION_SPEAKERS = 200
Hear = Callable[[Sequence[Utterance]], Heard]


@dataclass(eq=False)
class Verification:
    """Lists of trials of one test set, and the training speech that helps to score.

    Parameters
    ----------
    trials : dict of str to TrialList
        By the name of the list.
    cohort : list of Utterance
        Of training speakers, with whom scores are normalised.
    calibration : list of Utterance
        Clips of the dev set of other training speakers, for calibration.
    cohort_top : int
    """

    trials: dict[str, TrialList]
    cohort: list[Utterance]
    calibration: list[Utterance]
    cohort_top: int
    line: LinearCalibration | None = field(default=None, init=False)

    @classmethod
    def of(cls, labels: Classes) -> "Verification":
        """Read the lists, and choose the clips that help.

        Half of the training speakers, drawn by their names, are the cohort; of the
        others clips of the dev set are compared with each other for the calibration.

        Raises
        ------
        InputError
            If there is no list, no such split, or a trial names another clip.
        """
        split, folder = labels.trials["split"], Path(labels.trials["folder"])
        if split not in labels.splits:
            raise InputError(
                f"trials: split is {split!r}, but the corpus has "
                f"{', '.join(labels.splits)}"
            )
        paths = sorted(folder.glob("*.txt"))
        if not paths:
            raise InputError(
                f"trials: folder {folder} has no list of trials (*.txt); name the one "
                "that has them"
            )
        known = {one.id for one in labels.splits[split]}
        trials = {path.stem: read_trials(path) for path in paths}
        for path, found in zip(paths, trials.values(), strict=True):
            if missing := sorted(set(found.ids) - known):
                raise InputError(
                    f"{path}: {len(missing)} clips of its trials are not in {split}, "
                    f"the first is {missing[0]!r}; ids there are such as "
                    f"{min(known)!r}"
                )
        cohort = _some_of_each(labels.splits[TRAIN], COHORT_CLIPS, is_cohort)
        others = _some_of_each(
            labels.splits[DEV], CALIBRATION_CLIPS, lambda name: not is_cohort(name)
        )
        speakers = sorted(others, key=_drawn)[:CALIBRATION_SPEAKERS]
        return cls(
            trials,
            cohort=[clip for own in cohort.values() for clip in own],
            calibration=[clip for name in speakers for clip in others[name]],
            cohort_top=labels.trials["cohort_top"],
        )

    def is_of(self, heard: Heard) -> bool:
        """Whether a set holds the clips of all trials."""
        ids = {one.id for one in [*heard.clips, *heard.unreadable]}
        return all(ids.issuperset(one.ids) for one in self.trials.values())

    def score(self, heard: Heard, hear: Hear) -> Evaluation:
        """Equal error rates and costs of each list, plain and normalised.

        Parameters
        ----------
        heard : Heard
            The set of the trials.
        hear : callable
            From clips of the training speakers to what is heard in them.
        """
        chosen, cohort = hear(self.calibration), cohort_of(hear(self.cohort))
        people = {one.id: one.spk_id for one in heard.clips + heard.unreadable}
        scored: dict[str, dict[str, TrialScores]] = defaultdict(dict)
        scores: list[GroupScore] = []
        for way in (RAW, NORMALISED):
            scorer = partial(scores_of, way=way, cohort=cohort, top=self.cohort_top)
            try:
                found = {
                    name: scorer(trials, table_of(heard))
                    for name, trials in self.trials.items()
                }
            except InputError as error:
                if way == RAW:
                    raise
                logger.warning("no %s: %s", way, error)
                continue
            line = calibration_of(all_pairs(chosen), table_of(chosen), scorer)
            if way == RAW:
                self.line = line
            for name, own in found.items():
                scored[name][way] = own
                group = name if way == RAW else f"{name} {way}"
                scores += group_scores(group, own, line, self.trials[name], people)
        return Evaluation(
            scores,
            report=text_of(scores),
            baseline=None,
            files={
                "det.png": partial(write_det, scored=scored),
                "speakers.png": partial(write_map, heard=heard, by="speaker"),
                **{
                    f"{name}.csv": partial(
                        write_trials, trials=self.trials[name], scored=own
                    )
                    for name, own in scored.items()
                },
            },
        )

    def save(self, folder: Path) -> None:
        """Write the calibration of plain cosines, if there is one."""
        if self.line is not None:
            self.line.save(folder / CALIBRATION)


def is_cohort(speaker: str) -> bool:
    """Whether a training speaker normalises scores, and does not calibrate them.

    Example
    -------
    >>> [is_cohort(name) for name in ("ann", "bob", "eva", "ida")]
    [False, False, True, False]
    """
    return _drawn(speaker)[0] % 2 == 0


def _drawn(name: str) -> bytes:
    """An order that has nothing to do with the names."""
    return hashlib.sha256(name.encode()).digest()


def _some_of_each(
    clips: Sequence[Utterance], number: int, is_wanted: Callable[[str], bool]
) -> dict[str, list[Utterance]]:
    """Some clips of each speaker that is wanted, drawn by their ids."""
    found: dict[str, list[Utterance]] = defaultdict(list)
    for clip in clips:
        if clip.spk_id and is_wanted(clip.spk_id):
            found[clip.spk_id].append(clip)
    return {
        name: sorted(found[name], key=lambda one: _drawn(one.id))[:number]
        for name in sorted(found)
    }
