"""How a search is done: how wide, and what it adds to probabilities."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from xlsr_sb.decoders.flashlight import Result, library
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

    def __post_init__(self):
        """Refuse what searches nothing."""
        for name in ("size", "tokens", "threshold", "num_best"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                shown = name if name == "num_best" else f"beam_{name}"
                raise InputError(f"decoder: {shown} is {value}; it must be above 0")

    def options(self, num_tokens: int) -> dict:
        """What both of flashlight's decoders are told."""
        return {
            "beam_size": self.size,
            "beam_size_token": min(self.tokens or num_tokens, num_tokens),
            "beam_threshold": self.threshold,
            "log_add": self.add_paths,
            "criterion_type": library().CriterionType.CTC,
        }

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
