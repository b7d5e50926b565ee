"""Best path through the frames of a CTC head, and how much of it is blank."""

import torch
from torch import Tensor

from xlsr_sb.lengths import mask_of


def greedy_decode(
    log_probs: Tensor, *, num_frames: Tensor, blank: int = 0
) -> list[list[int]]:
    """Tokens of the likeliest path: repeats merged, then blanks removed.

    The paths are collapsed on the device, then copied to the host at once.

    Parameters
    ----------
    log_probs : Tensor [B, F, V]
        Or anything with the same order: logits, probabilities.
    num_frames : LongTensor [B]
        Real frames of each utterance.
    blank : int
        Index of the blank in the vocabulary.

    Returns
    -------
    list of list of int
        One list of token ids an utterance, without blanks.

    Example
    -------
    >>> path = torch.tensor([[1, 1, 0, 1, 2, 2]])
    >>> log_probs = torch.nn.functional.one_hot(path, 3).float().log()
    >>> greedy_decode(log_probs, num_frames=torch.tensor([6]))
    [[1, 1, 2]]
    >>> greedy_decode(log_probs, num_frames=torch.tensor([3]))
    [[1]]
    """
    best = log_probs.argmax(dim=-1)  # [B, F]
    starts = mask_of(num_frames, best.shape[1])  # [B, F], True where a token starts
    starts[:, 1:] &= best[:, 1:] != best[:, :-1]
    collapsed = torch.where(starts, best, blank).int().cpu().numpy()
    return [row[row != blank].tolist() for row in collapsed]


def blank_fraction(log_probs: Tensor, *, num_frames: Tensor, blank: int = 0) -> Tensor:
    """Share of the real frames whose best token is the blank.

    Near 1 the model says nothing: the usual plateau early in CTC training.

    Parameters
    ----------
    log_probs : Tensor [B, F, V]
    num_frames : LongTensor [B]
        Real frames of each utterance.
    blank : int
        Index of the blank in the vocabulary.

    Returns
    -------
    Tensor [], float32 in [0, 1]
        On the device of ``log_probs``; NaN if the batch has no frame.

    Example
    -------
    >>> path = torch.tensor([[1, 0, 0, 2]])
    >>> log_probs = torch.nn.functional.one_hot(path, 3).float().log()
    >>> blank_fraction(log_probs, num_frames=torch.tensor([4])).item()
    0.5
    """
    is_frame = mask_of(num_frames, log_probs.shape[1])
    is_blank = (log_probs.argmax(dim=-1) == blank) & is_frame
    return is_blank.sum() / is_frame.sum()
