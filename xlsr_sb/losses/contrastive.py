"""The contrastive loss of wav2vec 2.0 (Baevski et al. 2020) on rows of masked frames.

Each masked frame has to tell the quantised features that it hides from those of other
masked frames of its utterance. All similarities of a batch are one matrix product, from
which those of the negatives are read: gathering the negatives' vectors first would move
a hundred times as much memory.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_ROWS = 2048  # of one product, if utterances are not longer: it grows quadratically


@dataclass(frozen=True)
class ContrastiveLoss:
    """Loss of a batch, and how often the true target was found.

    Parameters
    ----------
    total : Tensor [], float32
        Sum over the masked frames of -log p(true target), in nats.
    num_correct : Tensor [], int64
        Frames for which the true target is the most similar. As in fairseq, a frame
        for which all are alike is not correct.
    """

    total: Tensor
    num_correct: Tensor


def sample_negatives(utterance: Tensor, num_negatives: int) -> Tensor:
    """Distractors of each masked frame: other masked frames of its utterance.

    Drawn uniformly, each by itself, so one may come twice, as in fairseq.

    Parameters
    ----------
    utterance : LongTensor [M]
        Utterance of each masked frame, in rising order.
    num_negatives : int

    Returns
    -------
    LongTensor [M, num_negatives]
        Their rows. A frame that is alone in its utterance gets itself.

    Example
    -------
    >>> sample_negatives(torch.tensor([0, 0, 1, 1]), 3)
    tensor([[1, 1, 1],
            [0, 0, 0],
            [3, 3, 3],
            [2, 2, 2]])
    """
    first = torch.searchsorted(utterance, utterance)
    others = torch.searchsorted(utterance, utterance, right=True) - first - 1
    draws = torch.rand(len(utterance), num_negatives, device=utterance.device)
    # Below ``others``: the largest float under 1 times a whole number is rounded down.
    places = (draws * others[:, None]).long()
    own = torch.arange(len(utterance), device=utterance.device) - first
    passes_own = (places >= own[:, None]) & (others > 0)[:, None]
    return first[:, None] + places + passes_own


def contrastive_loss(
    context: Tensor,
    targets: Tensor,
    *,
    codes: Tensor,
    negatives: Tensor,
    utterance: Tensor,
    temperature: float = 0.1,
) -> ContrastiveLoss:
    """InfoNCE with cosine similarities.

    Parameters
    ----------
    context, targets : Tensor [M, P]
        What the encoder says of each masked frame, and what the quantiser says.
    codes : LongTensor [M, G]
        Entries that the quantiser chose. Negatives with the codes of the true target
        are the same vector, and left out.
    negatives : LongTensor [M, K]
        Rows of the distractors, of the same utterance (``sample_negatives``).
    utterance : LongTensor [M]
        Utterance of each row, in rising order.
    temperature : float
        Similarities are divided by it.

    Returns
    -------
    ContrastiveLoss

    Example
    -------
    >>> targets = torch.eye(4)
    >>> rows = torch.zeros(4, dtype=torch.long)
    >>> negatives = sample_negatives(rows, 5)
    >>> codes = torch.arange(4)[:, None]
    >>> loss = contrastive_loss(
    ...     targets, targets, codes=codes, negatives=negatives, utterance=rows
    ... )
    >>> loss.num_correct.item(), loss.total.item() < 0.01
    (4, True)
    """
    context = F.normalize(context.float(), dim=-1)
    targets = F.normalize(targets.float(), dim=-1)
    positive = (context * targets).sum(dim=1, keepdim=True)
    is_positive = (codes[negatives] == codes[:, None]).all(dim=-1)
    negative = torch.cat(
        [
            (context[a:b] @ targets[a:b].t()).gather(1, negatives[a:b] - a)
            for a, b in pairwise(_bounds(utterance))
        ]
    ).masked_fill(is_positive, -math.inf)
    logits = torch.cat([positive, negative], dim=1) / temperature
    true = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    total = F.cross_entropy(logits, true, reduction="sum")
    correct = (logits.argmax(dim=1) == 0) & (logits.argmin(dim=1) != 0)
    return ContrastiveLoss(total, correct.sum())


def _bounds(utterance: Tensor) -> list[int]:
    """Rows at which products start and stop, never within an utterance."""
    size = len(utterance)
    if size <= MAX_ROWS:
        return [0, size]
    counts = torch.unique_consecutive(utterance, return_counts=True)[1]
    bounds, end = [0], 0
    for count in counts.tolist():
        if end + count - bounds[-1] > MAX_ROWS and end > bounds[-1]:
            bounds.append(end)
        end += count
    return [*bounds, size]
