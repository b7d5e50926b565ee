"""Random numbers as a function of (seed, update, part): a resumed run repeats them."""

import random

import numpy as np
import torch

from xlsr_sb.errors import InputError

SHARED = 2**31 - 1  # stands for "every rank" where a rank's number would stand


def seed_update(seed: int, update: int, *, part: int, stream: int = 0) -> None:
    """Seed PyTorch, NumPy and Python for a part of an update.

    Nothing needs saving: whatever the state was, update ``u`` starts from the same one
    in a run that was killed as in one that was not. Parts have seeds of their own
    (SpeechBrain gives all ranks one seed, and so the same dropout and masks), and a
    part has the same one whatever process computes it.

    Parameters
    ----------
    seed : int
        Of the run.
    update : int
        Number of the update that is about to be made.
    part : int
        Number of the micro-batch in the update, over all processes.
    stream : int
        Another one gives other numbers for the same part.

    Example
    -------
    >>> seed_update(1, 7, part=0)
    >>> first = torch.rand(())
    >>> seed_update(1, 7, part=0)
    >>> bool(first == torch.rand(()))
    True
    """
    mixed = mix(seed, update, part, *([stream] if stream else []))
    torch.manual_seed(mixed)
    random.seed(mixed)
    np.random.seed(mixed % 2**32)  # noqa: NPY002 - libraries still draw from it


def shared_seed(seed: int, update: int) -> int:
    """Seed that is the same on all ranks, for what ranks must agree on (layerdrop)."""
    return mix(seed, update, SHARED)


def mix(*numbers: int) -> int:
    """One well-mixed 63-bit number from several small ones.

    Raises
    ------
    InputError
        If one of them is no whole number of at least 0, such as a seed of -1.
    """
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise InputError(f"seed must be a whole number of at least 0, got {numbers[0]}")
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
