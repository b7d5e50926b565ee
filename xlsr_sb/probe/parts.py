"""What all probes do with utterances: hold some out, group the others."""

from collections.abc import Sequence

import torch
from torch import Tensor

from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

HELD_OUT = 10  # of so many training utterances of a language, one
ALL = "all"


def held_out(languages: Sequence[str], *, seed: int) -> Tensor:
    """Which training utterances decide on strength and layer: a tenth of each language.

    Parameters
    ----------
    languages : sequence of B str
    seed : int

    Returns
    -------
    BoolTensor [B]

    Example
    -------
    >>> held_out(["fr"] * 20 + ["it"] * 9, seed=0).sum().item()
    2
    """
    order = torch.randperm(
        len(languages), generator=torch.Generator().manual_seed(seed)
    )
    seen: dict[str, int] = {}
    is_held_out = torch.zeros(len(languages), dtype=torch.bool)
    for place in order.tolist():
        seen[languages[place]] = seen.get(languages[place], 0) + 1
        is_held_out[place] = seen[languages[place]] % HELD_OUT == 0
    return is_held_out


def places_of_groups(utterances: Sequence[Utterance]) -> dict[str, list[int]]:
    """Places of the utterances of each language, and of all.

    Example
    -------
    >>> spoken = [Utterance(x, "", 1.0, language=x[0]) for x in ("a1", "b1", "a2")]
    >>> places_of_groups(spoken)
    {'a': [0, 2], 'b': [1], 'all': [0, 1, 2]}
    """
    groups: dict[str, list[int]] = {}
    for place, one in enumerate(utterances):
        groups.setdefault(one.language, []).append(place)
    return {**dict(sorted(groups.items())), ALL: list(range(len(utterances)))}


def check_languages(utterances: Sequence[Utterance], *, split: str) -> None:
    """Raise if an utterance has no language.

    Example
    -------
    >>> check_languages([Utterance("a", "a.wav", 1.0)], split="train")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: train: 'a' has no language; fill its column `language`
    """
    for one in utterances:
        if not one.language:
            raise InputError(
                f"{split}: {one.id!r} has no language; fill its column `language`"
            )


def standardised(train: Tensor, *others: Tensor) -> list[Tensor]:
    """Features with mean 0 and variance 1 in training.

    Parameters
    ----------
    train : Tensor [B, D]
    *others : Tensor [..., D]
        Are moved and scaled as ``train`` needs it.

    Example
    -------
    >>> standardised(torch.tensor([[1.0], [3.0]]), torch.tensor([[5.0]]))[1].item()
    3.0
    """
    mean = train.mean(dim=0)
    # A constant feature tells nothing and is left as it is.
    scale = train.std(dim=0, correction=0)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    return [(one - mean) / scale for one in (train, *others)]
