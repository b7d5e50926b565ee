"""Scores of trials beside what is true of them."""

from dataclasses import dataclass

import numpy as np

from xlsr_sb.errors import InputError

KINDS = {True: "same-speaker", False: "different-speaker"}


@dataclass(frozen=True, eq=False)
class TrialScores:
    """Score of each trial; the higher, the more alike the voices.

    Parameters
    ----------
    scores : ndarray [N], float
    is_target : ndarray [N], bool
        True where both recordings are of the same speaker.

    Raises
    ------
    InputError
        If a score is no finite number, or trials of one kind are missing.

    Example
    -------
    >>> trials = TrialScores([0.9, 0.1, 0.4], [True, False, False])
    >>> trials.targets, trials.nontargets
    (array([0.9]), array([0.1, 0.4]))
    """

    scores: np.ndarray
    is_target: np.ndarray

    def __post_init__(self):
        scores = np.asarray(self.scores, dtype=np.float64)
        is_target = np.asarray(self.is_target, dtype=bool)
        if scores.ndim != 1 or scores.shape != is_target.shape:
            raise ValueError(
                f"scores and labels must be of one axis and as many, got "
                f"{scores.shape} and {is_target.shape}"
            )
        object.__setattr__(self, "scores", scores)
        object.__setattr__(self, "is_target", is_target)
        if problems := [*self._problems()]:
            raise InputError(f"these trials cannot be scored: {'; '.join(problems)}")

    def _problems(self):
        """What is wrong, one sentence each."""
        bad = np.flatnonzero(~np.isfinite(self.scores))
        if len(bad):
            yield (
                f"{len(bad)} of {len(self)} scores are no finite numbers, the first is "
                f"that of trial {bad[0] + 1} ({self.scores[bad[0]]}); look at the "
                "embeddings of its recordings"
            )
        for kind, name in KINDS.items():
            if not np.any(self.is_target == kind):
                yield (
                    f"there is no {name} trial among {len(self)}; both kinds are needed"
                )

    @classmethod
    def of_classes(cls, targets: np.ndarray, nontargets: np.ndarray) -> "TrialScores":
        """Trials from the scores of the two kinds.

        Parameters
        ----------
        targets, nontargets : ndarray, float
            Scores where one person speaks, and where two do.

        Example
        -------
        >>> TrialScores.of_classes([0.9], [0.1, 0.4]).is_target.tolist()
        [True, False, False]
        """
        numbers = [np.asarray(one, dtype=np.float64) for one in (targets, nontargets)]
        labels = np.repeat([True, False], [len(one) for one in numbers])
        return cls(np.concatenate(numbers), labels)

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def targets(self) -> np.ndarray:
        """Scores of same-speaker trials."""
        return self.scores[self.is_target]

    @property
    def nontargets(self) -> np.ndarray:
        """Scores of different-speaker trials."""
        return self.scores[~self.is_target]
