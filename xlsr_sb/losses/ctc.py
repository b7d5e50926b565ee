"""CTC: a pure function of log-probabilities and targets, in fp32."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from xlsr_sb.lengths import mask_of


@dataclass(frozen=True)
class CTCLoss:
    """Loss of a batch, and how many of its utterances could not be learnt from.

    Parameters
    ----------
    total : Tensor [], float32
        Sum of -log p(targets) in nats over the possible utterances.
    num_impossible : Tensor [], int64
        Utterances with fewer frames than any alignment of their labels needs.
        They add exactly zero to ``total`` and to every gradient.
    """

    total: Tensor
    num_impossible: Tensor


def has_alignment(
    targets: Tensor, *, num_frames: Tensor, num_targets: Tensor
) -> Tensor:
    """Whether each utterance has the frames that any alignment of its labels needs.

    Parameters
    ----------
    targets : LongTensor [B, U]
        Labels without blanks; places from ``num_targets`` on are not read.
    num_frames, num_targets : LongTensor [B]
        Real frames and labels of each utterance.

    Returns
    -------
    BoolTensor [B]

    Example
    -------
    >>> counts = {"num_frames": torch.tensor([2]), "num_targets": torch.tensor([2])}
    >>> has_alignment(torch.tensor([[1, 2]]), **counts).item()
    True
    >>> has_alignment(torch.tensor([[1, 1]]), **counts).item()
    False
    """
    is_label = mask_of(num_targets, targets.shape[1])
    is_repeat = (targets[:, 1:] == targets[:, :-1]) & is_label[:, 1:]
    return num_frames >= num_targets + is_repeat.sum(dim=1)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    *,
    num_frames: Tensor,
    num_targets: Tensor,
    blank: int = 0,
) -> CTCLoss:
    """Sum of the CTC losses of the utterances that have an alignment.

    An alignment needs one frame a label, and one more for the blank that keeps two
    equal neighbours apart. An utterance too short for that is counted; its infinite
    loss is neither added nor hidden. A loss that is infinite or NaN for any other
    reason reaches ``total``: it is the sign of a bad step.

    Parameters
    ----------
    log_probs : Tensor [B, F, V]
        Outputs of a log-softmax; frames from ``num_frames`` on are not read.
    targets : LongTensor [B, U]
        Labels without blanks; places from ``num_targets`` on are not read.
    num_frames, num_targets : LongTensor [B]
        Real frames and labels of each utterance.
    blank : int
        Index of the blank in the vocabulary.

    Returns
    -------
    CTCLoss

    Example
    -------
    Two frames spell "a" in three ways of four when both tokens are equally likely;
    "aa" needs three frames.

    >>> log_probs = torch.full((2, 2, 2), 0.5).log()
    >>> targets = torch.tensor([[1, 0], [1, 1]])
    >>> counts = {"num_frames": torch.tensor([2, 2]),
    ...           "num_targets": torch.tensor([1, 2])}
    >>> loss = ctc_loss(log_probs, targets, **counts)
    >>> round(loss.total.exp().item(), 4)  # 4 / 3
    1.3333
    >>> loss.num_impossible.item()
    1
    """
    is_possible = has_alignment(targets, num_frames=num_frames, num_targets=num_targets)
    if log_probs.shape[1] == 0:  # functional.ctc_loss takes no empty tensor
        log_probs = functional.pad(log_probs, (0, 0, 0, 1))
    losses = functional.ctc_loss(
        log_probs.float().transpose(0, 1),
        targets,
        num_frames,
        # Without labels an impossible utterance has a finite loss, whose gradient
        # `where` multiplies by zero; an infinite one would make it 0 * inf = NaN.
        num_targets * is_possible,
        blank=blank,
        reduction="none",
    )
    total = torch.where(is_possible, losses, torch.zeros_like(losses)).sum()
    return CTCLoss(total, num_impossible=(~is_possible).sum())
