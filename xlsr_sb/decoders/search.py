"""How a search is done: how wide, and what it adds to probabilities."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from xlsr_sb.decoders.flashlight import NEVER, Result, library
from xlsr_sb.errors import InputError


@dataclass(frozen=True)
class Beam:
    """How wide a search is, and what it gives back.

    Parameters
    ----------
    size : int
        Hypotheses that are followed.
    tokens : int, optional
        Tokens that are tried in a frame, the likeliest; all by default.
    threshold : float
        Hypotheses that score so much less than the best are dropped.
    num_best : int
        At most so many are given back.
    add_paths : bool
        Whether the paths to one text are added, as CTC means it, or the likeliest
        stands for all (Viterbi).
    min_probability : float
        A lexicon's search tries no token in a frame where it is less probable, unless
        it is the likeliest there; 0 tries all.

    Example
    -------
    >>> Beam(size=0)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: decoder: beam_size is 0; it must be above 0
    """

    size: int = 100
    tokens: int | None = None
    threshold: float = 20.0
    num_best: int = 1
    add_paths: bool = True
    min_probability: float = 2e-3

    def __post_init__(self):
        """Refuse what searches nothing."""
        for name in ("size", "tokens", "threshold", "num_best"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                shown = name if name == "num_best" else f"beam_{name}"
                raise InputError(f"decoder: {shown} is {value}; it must be above 0")
        if not 0 <= self.min_probability < 1:
            raise InputError(
                f"decoder: beam_min_probability is {self.min_probability}; it must be "
                "from 0 to below 1"
            )

    def options(self, num_tokens: int) -> dict:
        """What both of flashlight's decoders are told."""
        return {
            "beam_size": self.size,
            "beam_size_token": min(self.tokens or num_tokens, num_tokens),
            "beam_threshold": self.threshold,
            "log_add": self.add_paths,
            "criterion_type": library().CriterionType.CTC,
        }

    def likely(self, frames: np.ndarray) -> np.ndarray:
        """Frames in which improbable tokens are never said.

        Parameters
        ----------
        frames : float32 array [F, V]

        Returns
        -------
        float32 array [F, V]

        Example
        -------
        >>> frames = np.log([[0.9, 0.0999, 0.0001]])
        >>> Beam().likely(frames)[0, 1:].round(1).tolist()
        [-2.3, -10000.0]
        """
        if not self.min_probability:
            return frames
        is_likely = frames >= math.log(self.min_probability)
        is_likely |= frames == frames.max(axis=1, keepdims=True)
        return np.where(is_likely, frames, np.float32(NEVER))

    def merged(self, results: Iterable[tuple[tuple, Result]]) -> list[Result]:
        """Best result for each key, with the score of all that share it; the best."""
        best: dict[tuple, Result] = {}
        for key, result in results:
            other = best.setdefault(key, result)
            if other is not result and self.add_paths:
                total = np.logaddexp(other.score, result.score)
                best[key] = Result(float(total), other.path, other.labels)
        ordered = sorted(best.values(), key=lambda one: one.score, reverse=True)
        return ordered[: self.num_best]


@dataclass(frozen=True)
class Weights:
    """What is added to the logarithm of a text's probability.

    Parameters
    ----------
    lm_weight : float
        Times the language model's logarithm, which is to base 10.
    word_score : float
        For each word of a lexicon.
    space_score : float
        For each frame that says a space.
    """

    lm_weight: float = 2.0
    word_score: float = -1.0
    space_score: float = 0.0

    def options(self) -> dict:
        """What both of flashlight's decoders are told."""
        return {"lm_weight": self.lm_weight, "sil_score": self.space_score}
