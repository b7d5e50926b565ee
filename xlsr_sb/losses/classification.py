"""Cross-entropy of one class an utterance: a pure function, in fp32."""

from dataclasses import dataclass

import torch
from torch import Tensor

from xlsr_sb.errors import InputError
from xlsr_sb.losses.margin import Margin


@dataclass(frozen=True)
class ClassificationLoss:
    """Loss of a batch, and what it is without help and hindrance; all are sums.

    Parameters
    ----------
    total : Tensor [], float32
        What is minimised: with the margin and with smoothed targets.
    nll : Tensor [], float32
        -log p(target) in nats, without either; no gradient goes through it.
    num_correct : Tensor [], int64
        Utterances whose class is the most likely one, without the margin.
    """

    total: Tensor
    nll: Tensor
    num_correct: Tensor


def classification_loss(
    logits: Tensor,
    targets: Tensor,
    *,
    smoothing: float = 0.0,
    margin: Margin | None = None,
    update: int = 0,
) -> ClassificationLoss:
    """Sum over utterances of the cross-entropy, perhaps with a margin.

    The target keeps the probability 1 - ``smoothing`` and all other classes share
    ``smoothing`` equally, as in ``label_smoothed_loss``.

    Parameters
    ----------
    logits : Tensor [B, C]
        Scaled cosines if there is a margin.
    targets : LongTensor [B]
    smoothing : float
        From 0 to below 1.
    margin : Margin, optional
    update : int
        On which the margin depends, counted from 0.

    Returns
    -------
    ClassificationLoss
        Not finite where the logits are not: it is the sign of a bad step.

    Raises
    ------
    InputError
        If the smoothing is out of its range.

    Example
    -------
    Two classes are equally likely, until one is hindered.

    >>> logits, targets = torch.zeros(3, 2), torch.tensor([0, 0, 1])
    >>> loss = classification_loss(logits, targets)
    >>> round(loss.total.item(), 4), round(loss.nll.item(), 4), loss.num_correct.item()
    (2.0794, 2.0794, 2)
    >>> loss = classification_loss(logits, targets, margin=Margin("am_softmax"))
    >>> round(loss.total.item(), 4), round(loss.nll.item(), 4), loss.num_correct.item()
    (18.0074, 2.0794, 2)
    """
    if not 0 <= smoothing < 1:
        raise InputError(
            f"label smoothing is {smoothing}; it must be from 0 to below 1"
        )
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    plain = logits.detach()
    hindered = logits
    if margin is not None:
        hindered = margin.applied(logits, targets, update=update)
    return ClassificationLoss(
        _cross_entropy(hindered, targets, smoothing=smoothing),
        nll=_cross_entropy(plain, targets, smoothing=0.0),
        num_correct=(plain.argmax(dim=1) == targets).sum(),
    )


def _cross_entropy(logits: Tensor, targets: Tensor, *, smoothing: float) -> Tensor:
    """Sum over rows of the cross-entropy with smoothed targets."""
    log_probs = logits.log_softmax(dim=1)
    share = smoothing / max(1, logits.shape[1] - 1)  # of each class that is wrong
    loss = -(1 - smoothing - share) * log_probs.gather(1, targets[:, None]).sum()
    if smoothing:  # else an impossible class would make it 0 * inf
        loss = loss - share * log_probs.sum()
    return loss
