"""In which order an epoch takes the utterances, and how often each language's.

Orders depend on the seed and the epoch alone, so a run that is resumed needs to know
nothing but how far it has come.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from xlsr_sb.errors import InputError

BLOCK = 4096  # places filled with one random generator, at least
# Streams of random numbers that never meet.
SHUFFLE, GROUP_COUNTS, GROUP_PLACES, WITHIN_GROUP, CROPS = range(5)


def language_probabilities(
    seconds_by_language: Mapping[str, float], alpha: float
) -> dict[str, float]:
    """Probability of each language, proportional to (n_l / N)^alpha.

    Parameters
    ----------
    seconds_by_language : mapping of str to float
        n_l, the speech of each language; N is their sum.
    alpha : float
        From 0 (all languages alike) to 1 (as much of each as there is).

    Returns
    -------
    dict of str to float
        They add up to 1.

    Example
    -------
    >>> language_probabilities({"ab": 1.0, "fr": 9.0}, alpha=0.5)
    {'ab': 0.25, 'fr': 0.75}
    """
    total = sum(seconds_by_language.values())
    weights = {
        language: (seconds / total) ** alpha
        for language, seconds in seconds_by_language.items()
    }
    scale = sum(weights.values())
    return {language: weight / scale for language, weight in weights.items()}


def epoch_order(
    languages: Sequence[str] | None,
    *,
    seconds: Sequence[float],
    alpha: float,
    seed: int,
    epoch: int,
) -> np.ndarray:
    """Order in which an epoch takes its utterances, as many as there are.

    With ``alpha=1`` it is a random permutation. Below, each place is drawn for a
    language with the probability of ``language_probabilities``, and each language
    goes through its own permutations, from epoch to epoch: none of its utterances
    comes again before all of them have come.

    Parameters
    ----------
    languages : sequence of str, or None
        Language of each utterance; None only with ``alpha=1``.
    seconds : sequence of float
        Length of each utterance.
    alpha : float
        From 0 to 1.
    seed, epoch : int
        At least 0.

    Returns
    -------
    integer array [number of utterances]

    Example
    -------
    >>> order = epoch_order(None, seconds=[1.0] * 5, alpha=1.0, seed=1, epoch=0)
    >>> sorted(order.tolist())
    [0, 1, 2, 3, 4]
    """
    size = len(seconds)
    if alpha == 1:
        return _random(SHUFFLE, seed, epoch).permutation(size)
    members = _members(languages, alpha=alpha)
    seconds = np.asarray(seconds)
    speech = {name: float(seconds[own].sum()) for name, own in members.items()}
    chances = list(language_probabilities(speech, alpha).values())
    return draw_groups(
        list(members.values()), chances, size=size, seed=seed, epoch=epoch
    )


def draw_groups(
    members: Sequence[np.ndarray],
    chances: Sequence[float],
    *,
    size: int,
    seed: int,
    epoch: int,
) -> np.ndarray:
    """Indices that an epoch draws from groups, in their order.

    Each place is drawn for a group with the group's chance. Each group goes through
    its own permutations, from epoch to epoch: none of its members comes again before
    all of them have come.

    Parameters
    ----------
    members : sequence of G integer arrays
        Indices in each group, at least one.
    chances : sequence of G float
        They add up to 1.
    size : int
        Places of an epoch, the same in all epochs.
    seed, epoch : int
        At least 0.

    Returns
    -------
    integer array [size]

    Example
    -------
    >>> groups = [np.array([7]), np.array([1, 2, 3])]
    >>> sorted(draw_groups(groups, [0.25, 0.75], size=4, seed=0, epoch=0).tolist())
    [1, 2, 3, 7]
    """
    before = np.zeros(len(members), dtype=np.int64)
    for past in range(epoch):
        before += _random(GROUP_COUNTS, seed, past).multinomial(size, chances)
    counts = _random(GROUP_COUNTS, seed, epoch).multinomial(size, chances)
    drawn = [
        _cycled(own, start=start, count=count, key=(WITHIN_GROUP, seed, number))
        for number, (own, start, count) in enumerate(
            zip(members, before.tolist(), counts.tolist(), strict=True)
        )
    ]
    # Groups share the places at random; each fills its own in its own order.
    owners = np.repeat(np.arange(len(members)), counts)
    owners = _random(GROUP_PLACES, seed, epoch).permutation(owners)
    order = np.empty(size, dtype=np.int64)
    order[np.argsort(owners, kind="stable")] = np.concatenate(drawn)
    return order


def crop_places(size: int, *, seed: int, epoch: int) -> np.ndarray:
    """Where in its recording each place of an epoch takes its crop.

    Returns
    -------
    float array [size], from 0 to below 1
        0 for the earliest crop there is, nearly 1 for the latest.

    Example
    -------
    >>> crop_places(2, seed=1, epoch=0).round(2).tolist()
    [0.98, 0.43]
    """
    return _random(CROPS, seed, epoch).random(size)


def _members(languages: Sequence[str] | None, *, alpha: float) -> dict[str, np.ndarray]:
    """Group indices by language, languages in alphabetical order."""
    members: dict[str, list[int]] = {}
    for index, language in enumerate(languages or ()):
        members.setdefault(language, []).append(index)
    if not members or "" in members:
        who = f"utterance {members[''][0]} has" if members else "the utterances have"
        raise InputError(
            f"alpha is {alpha}, but {who} no language; below 1 all of them need one"
        )
    return {name: np.array(members[name]) for name in sorted(members)}


def _cycled(
    members: np.ndarray, *, start: int, count: int, key: tuple[int, ...]
) -> np.ndarray:
    """Places ``start`` to ``start + count`` of an endless row of permutations."""
    if count == 0:
        return members[:0]
    repeats = -(-BLOCK // len(members))
    block_size = repeats * len(members)
    first, last = start // block_size, (start + count - 1) // block_size
    row = np.concatenate(
        [
            _random(*key, block)
            .permuted(np.tile(members, (repeats, 1)), axis=1)
            .ravel()
            for block in range(first, last + 1)
        ]
    )
    return row[start - first * block_size :][:count]


def _random(*key: int) -> np.random.Generator:
    """Return the generator of a stream: the same key, the same numbers."""
    return np.random.default_rng(key)
