"""Span masks over time and channels, drawn as fairseq draws them.

Follows ``compute_mask_indices`` of fairseq (static lengths, overlapping spans), on the
host and with PyTorch's generator, so that one seed fixes them.
"""

import torch
from torch import Tensor


def span_mask(length: int, *, prob: float, span: int, min_spans: int = 0) -> Tensor:
    """Mask of one utterance: some spans of equal length, which may overlap.

    Parameters
    ----------
    length : int
        Places (frames or channels).
    prob : float
        Share of the places that the spans would cover if none overlapped.
    span : int
        Places in a span.
    min_spans : int
        Fewest spans, however short the utterance.

    Returns
    -------
    BoolTensor [length]
        True where masked. An utterance so short that every place would be masked is
        left unmasked (fairseq stops there with an error).

    Example
    -------
    >>> _ = torch.manual_seed(0)
    >>> span_mask(100, prob=0.65, span=10, min_spans=2).sum().item() > 20
    True
    """
    mask = torch.zeros(length, dtype=torch.bool)
    num_spans = int(prob * length / span + torch.rand(()).item())
    num_spans = max(min_spans, num_spans)
    shortest = span if length - span > num_spans else length - num_spans - 1
    starts = torch.randperm(length - shortest)[:num_spans]
    places = (starts[:, None] + torch.arange(span)).flatten()
    mask[places[places < length]] = True
    return mask if not mask.all() else torch.zeros_like(mask)


def trim_to_smallest(masks: list[Tensor]) -> list[Tensor]:
    """Unmask places at random until every mask has as many as the smallest.

    Parameters
    ----------
    masks : list of BoolTensor

    Example
    -------
    >>> masks = [torch.tensor([True, True, False]), torch.tensor([True])]
    >>> [mask.sum().item() for mask in trim_to_smallest(masks)]
    [1, 1]
    """
    smallest = min(int(mask.sum()) for mask in masks)
    trimmed = []
    for mask in masks:
        places = mask.nonzero()[:, 0]
        kept = places[torch.randperm(len(places))[:smallest]]
        trimmed.append(torch.zeros_like(mask).index_fill(0, kept, True))
    return trimmed
