"""Best path through the frames of a CTC head, and how much of it is blank."""

import numpy as np
import torch
from torch import Tensor

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.hypothesis import Alignment, Hypothesis, space_of
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


class GreedyDecoder:
    """Best path through the frames, with one hypothesis an utterance.

    Parameters
    ----------
    vocabulary : Vocabulary

    Example
    -------
    >>> log_probs = torch.eye(5)[torch.tensor([[3, 3, 0, 4]])].log()
    >>> decoder = GreedyDecoder(Vocabulary.of(["ab"]))
    >>> [[best]] = decoder.decode(log_probs, num_frames=torch.tensor([4]))
    >>> best.text, best.score, best.words[0].end
    ('ab', 0.0, 4)
    """

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary
        self.space = space_of(vocabulary)

    def decode(
        self, log_probs: Tensor, *, num_frames: Tensor
    ) -> list[list[Hypothesis]]:
        """Best path of each utterance; its score is the path's log-probability.

        Parameters
        ----------
        log_probs : Tensor [B, F, V]
        num_frames : LongTensor [B]

        Returns
        -------
        list of list of Hypothesis
        """
        best, path = log_probs.float().max(dim=-1)  # [B, F]
        # One copy to the host: ids are far below 2^24, so floats hold them.
        paths = torch.stack((path.float(), best)).cpu().numpy()
        counts = num_frames.tolist()
        return [
            [self._hypothesis(path[:n].astype(np.int32), best[:n])]
            for path, best, n in zip(*paths, counts, strict=True)
        ]

    def _hypothesis(self, path: np.ndarray, best: np.ndarray) -> Hypothesis:
        """Hypothesis of one utterance's frames."""
        blank = self.vocabulary.blank
        alignment = Alignment(path, best, blank=blank, space=self.space)
        return Hypothesis.of(alignment, self.vocabulary, score=float(best.sum()))
