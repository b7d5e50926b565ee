"""The Gumbel vector quantiser with product codebooks."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-7  # in logarithms of probabilities, as in fairseq


@dataclass(frozen=True)
class Quantized:
    """Quantised frames, and how many of the codebooks' entries they use.

    Parameters
    ----------
    vectors : Tensor [M, code_dim]
    codes : LongTensor [M, G]
        Entry chosen in each codebook.
    perplexity : Tensor []
        Sum over the codebooks of exp(entropy) of the mean of the frames' softmax,
        without noise or temperature: what the diversity term raises. At most G * V.
    code_perplexity : Tensor []
        The same of the entries with the highest logits.
    """

    vectors: Tensor
    codes: Tensor
    perplexity: Tensor
    code_perplexity: Tensor


class GumbelQuantizer(nn.Module):
    """Each frame becomes one entry of each codebook, side by side (arXiv 2006.11477).

    In training the entry is drawn (Gumbel softmax, straight through); in evaluation it
    is the most likely one. Computed in fp32 whatever surrounds it.

    Parameters
    ----------
    input_dim : int
        Width of the features.
    code_dim : int
        Width of a quantised frame; each codebook gives an equal part.
    num_groups, num_entries : int
        Codebooks (G), and entries in each (V).

    Example
    -------
    >>> quantizer = GumbelQuantizer(8, 6, num_groups=2, num_entries=5)
    >>> quantized = quantizer(torch.randn(7, 8), temperature=2.0)
    >>> quantized.vectors.shape, quantized.codes.shape
    (torch.Size([7, 6]), torch.Size([7, 2]))
    """

    def __init__(
        self, input_dim: int, code_dim: int, *, num_groups: int, num_entries: int
    ):
        super().__init__()
        self.num_groups, self.num_entries = num_groups, num_entries
        entries = num_groups * num_entries
        self.codevectors = nn.Parameter(torch.empty(1, entries, code_dim // num_groups))
        self.projection = nn.Linear(input_dim, entries)
        nn.init.uniform_(self.codevectors)
        nn.init.normal_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def forward(self, features: Tensor, *, temperature: float) -> Quantized:
        """Quantise frames.

        Parameters
        ----------
        features : Tensor [M, input_dim]
        temperature : float
            Of the Gumbel softmax; only used in training.
        """
        with torch.autocast(features.device.type, enabled=False):
            logits = self.projection(features.float())
            logits = logits.view(-1, self.num_groups, self.num_entries)
            likely = logits.argmax(dim=-1)
            if self.training:
                soft = gumbel_softmax(logits, temperature)
                codes = soft.argmax(dim=-1)
                # In this order ones stay exact, so equal codes are equal vectors.
                chosen = F.one_hot(codes, self.num_entries) - soft.detach() + soft
            else:
                codes = likely
                chosen = F.one_hot(codes, self.num_entries).to(logits.dtype)
            books = self.codevectors.view(self.num_groups, self.num_entries, -1)
            vectors = torch.bmm(chosen.transpose(0, 1), books)
            return Quantized(
                vectors.transpose(0, 1).flatten(1),
                codes,
                perplexity(logits.softmax(dim=-1).sum(dim=0) / max(1, len(logits))),
                perplexity(usage(likely, self.num_entries)),
            )


def gumbel_softmax(logits: Tensor, temperature: float) -> Tensor:
    """Softmax over the last axis of logits with Gumbel noise, divided by temperature.

    Example
    -------
    >>> gumbel_softmax(torch.zeros(2, 3), temperature=1.0).shape
    torch.Size([2, 3])
    """
    noise = -torch.empty_like(logits).exponential_().log()
    return ((logits + noise) / temperature).softmax(dim=-1)


def usage(codes: Tensor, num_entries: int) -> Tensor:
    """Share of the frames that chose each entry.

    Parameters
    ----------
    codes : LongTensor [M, G]
    num_entries : int

    Returns
    -------
    Tensor [G, num_entries]

    Example
    -------
    >>> usage(torch.tensor([[0], [2], [2], [2]]), 3)
    tensor([[0.2500, 0.0000, 0.7500]])
    """
    return F.one_hot(codes, num_entries).sum(dim=0) / max(1, len(codes))


def perplexity(shares: Tensor) -> Tensor:
    """Sum over the codebooks of exp(entropy).

    Parameters
    ----------
    shares : Tensor [G, V]
        Each row adds up to 1.

    Example
    -------
    >>> round(perplexity(torch.tensor([[0.5, 0.5], [1.0, 0.0]])).item(), 3)
    3.0
    """
    entropy = -(shares * (shares + EPSILON).log()).sum(dim=-1)
    return entropy.exp().sum()
