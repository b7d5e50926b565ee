"""Language from the mean of the features: multinomial logistic regression."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from xlsr_sb.encoder import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance
from xlsr_sb.metrics import Score
from xlsr_sb.probe.features import mean_features
from xlsr_sb.probe.lines import ACCURACY, ProbeLine
from xlsr_sb.probe.parts import (
    ALL,
    check_languages,
    held_out,
    places_of_groups,
    standardised,
)

STRENGTHS = (1.0, 0.1, 1e-2, 1e-3, 1e-4)  # of the L2 penalty


def probe_language(
    encoder: XLSR,
    train: Sequence[Utterance],
    test: Sequence[Utterance],
    *,
    model: str,
    layers: Sequence[int],
    seed: int,
) -> Iterator[ProbeLine]:
    """How often the language of an utterance is read off right, layer by layer.

    Parameters
    ----------
    encoder : XLSR
        Frozen.
    train, test : sequence of Utterance
        Each with its language.
    model : str
        Name of the encoder in the lines.
    layers : sequence of int
        0 is the input of the first layer.
    seed : int
        Decides which training utterances choose the strength of the penalty.

    Returns
    -------
    iterator of ProbeLine
        The recall of each language of the test set, then the accuracy on all. Chance is
        the share of the commonest language of the test set.

    Raises
    ------
    InputError
        If an utterance has no language, or all of training have the same.
    """
    for split, utterances in (("train", train), ("test", test)):
        check_languages(utterances, split=split)
    classes = sorted({one.language for one in train})
    if len(classes) < 2:
        raise InputError(
            f"train: all utterances are in {classes[0]!r}; take a manifest with more "
            "languages"
        )
    targets = torch.tensor([classes.index(one.language) for one in train])
    chooses = held_out([one.language for one in train], seed=seed)
    means = mean_features(encoder, [*train, *test], layers=layers).double()
    for layer, rows in zip(layers, means, strict=True):
        fitted, ours = standardised(rows[: len(train)], rows[len(train) :])
        right = _choice(fitted, targets, chooses, num_classes=len(classes))
        found = _fit(fitted, targets, strength=right.strength, like=right.weights)
        guesses = [classes[i] for i in _logits(ours, found).argmax(dim=1).tolist()]
        for group, score in _scores(test, guesses).items():
            yield ProbeLine(
                model,
                layer,
                group,
                score,
                clips=score.total,
                held_out=right.accuracy,
                chance=_chance(test, group),
            )


@dataclass(frozen=True)
class _Choice:
    """The strength that predicts held-out utterances best."""

    strength: float
    weights: Tensor
    accuracy: float


def _choice(
    rows: Tensor, targets: Tensor, chooses: Tensor, *, num_classes: int
) -> _Choice:
    """Fit with each strength on most of training, and compare on the rest."""
    fits = ~chooses
    chooses = chooses if chooses.any() else fits  # too few: all of them decide
    weights = rows.new_zeros(num_classes, rows.shape[1] + 1)
    best, least = None, float("inf")
    for strength in STRENGTHS:
        weights = _fit(rows[fits], targets[fits], strength=strength, like=weights)
        logits = _logits(rows[chooses], weights)
        loss = functional.cross_entropy(logits, targets[chooses]).item()
        if loss < least:
            is_right = logits.argmax(dim=1) == targets[chooses]
            best = _Choice(strength, weights, is_right.double().mean().item())
            least = loss
    return best


def _fit(rows: Tensor, targets: Tensor, *, strength: float, like: Tensor) -> Tensor:
    """Weights and biases [C, D + 1] of the regression, started from others."""
    weights = like.clone().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [weights], max_iter=200, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimiser.zero_grad()
        penalty = strength / 2 * weights[:, :-1].square().sum()
        value = functional.cross_entropy(_logits(rows, weights), targets) + penalty
        value.backward()
        return value

    optimiser.step(loss)
    return weights.detach()


def _logits(rows: Tensor, weights: Tensor) -> Tensor:
    """Logits [B, C]; the last column of the weights is the bias."""
    return functional.linear(rows, weights[:, :-1], weights[:, -1])


def _scores(test: Sequence[Utterance], guesses: Sequence[str]) -> dict[str, Score]:
    """Wrong guesses of each language, and of all."""
    is_wrong = [one.language != guess for one, guess in zip(test, guesses, strict=True)]
    return {
        group: Score(ACCURACY, sum(is_wrong[i] for i in places), len(places))
        for group, places in places_of_groups(test).items()
    }


def _chance(test: Sequence[Utterance], group: str) -> float | None:
    """Accuracy of the best guess that hears nothing; it has no recall of a language."""
    if group != ALL:
        return None
    return max(Counter(one.language for one in test).values()) / len(test)
