"""Weights of a language model that do best on a development set."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from xlsr_sb.decoders.hypothesis import Decoder
from xlsr_sb.decoders.search import Weights
from xlsr_sb.errors import InputError

RANGES = {  # searched in; few systems do best outside
    "lm_weight": (0.0, 5.0),
    "word_score": (-4.0, 4.0),
    "space_score": (-4.0, 4.0),
}
EXPLORED = 1 / 3  # of the trials are drawn anywhere
WIDTHS = (0.15, 0.02)  # of the steps from the best, of a range: at first, in the end
Errors = tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """Weights and the errors made with them.

    Parameters
    ----------
    weights : Weights
    errors : tuple of int
        The first counts; the others decide between equals.
    """

    weights: Weights
    errors: Errors


def search(
    errors_of: Callable[[Weights], Errors],
    *,
    start: Weights,
    names: Sequence[str],
    num_trials: int,
    seed: int,
) -> Iterator[Trial]:
    """Try weights: first those given, then any, then some near the best.

    Parameters
    ----------
    errors_of : callable
        Errors made with some weights.
    start : Weights
        Tried first; it gives the values that are not searched for.
    names : sequence of str
        Of the weights to search for.
    num_trials : int
    seed : int
        The same one tries the same weights.

    Yields
    ------
    Trial
        As they are made. The best one is ``min(trials, key=lambda one: one.errors)``.

    Raises
    ------
    InputError
        If there is nothing to try.

    Example
    -------
    >>> def errors_of(weights):
    ...     return (int(1e4 * abs(weights.lm_weight - 1.25)),)
    >>> options = {"names": ["lm_weight"], "num_trials": 40, "seed": 1}
    >>> trials = list(search(errors_of, start=Weights(), **options))
    >>> best = min(trials, key=lambda one: one.errors)
    >>> len(trials), abs(best.weights.lm_weight - 1.25) < 0.02
    (40, True)
    """
    if num_trials < 1:
        raise InputError(f"trials is {num_trials}; it must be at least 1")
    generator = np.random.default_rng(seed)
    low, high = np.array([RANGES[name] for name in names]).T
    best = Trial(start, errors_of(start))
    yield best
    num_explored = max(1, round(EXPLORED * num_trials))
    widths = np.geomspace(*WIDTHS, num=max(1, num_trials - num_explored))
    for number in range(1, num_trials):
        if number < num_explored:
            place = generator.uniform(low, high)
        else:
            middle = [getattr(best.weights, name) for name in names]
            width = (high - low) * widths[number - num_explored]
            place = generator.normal(middle, width).clip(low, high)
        values = {one.name: getattr(start, one.name) for one in fields(Weights)}
        # Three digits are more than can be told apart, and easier to read.
        values |= {
            name: round(float(x), 3) for name, x in zip(names, place, strict=True)
        }
        weights = Weights(**values)
        trial = Trial(weights, errors_of(weights))
        yield trial
        best = min(best, trial, key=lambda one: one.errors)


def best_texts(decoder: Decoder, log_probs: Sequence[Tensor]) -> list[str]:
    """Best text of each utterance.

    Parameters
    ----------
    decoder : Decoder
    log_probs : sequence of Tensor [F, V]
        Kept from one run of the network, which is what takes long.

    Example
    -------
    >>> from xlsr_sb.data.text import Vocabulary
    >>> from xlsr_sb.decoders.greedy import GreedyDecoder
    >>> best_texts(GreedyDecoder(Vocabulary.of(["a"])), [torch.eye(4)[[3, 0]].log()])
    ['a']
    """
    return [
        decoder.decode(one[None], num_frames=torch.tensor([len(one)]))[0][0].text
        for one in log_probs
    ]
