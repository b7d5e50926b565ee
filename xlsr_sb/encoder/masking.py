"""Span masks over time and channels, drawn as fairseq draws them.

Follows ``compute_mask_indices`` of fairseq (static lengths, overlapping spans), on the
host and with PyTorch's generator, so that one seed fixes them.
"""

import torch
from torch import Tensor

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.packing import Packing


def mask_rows(
    rows: Tensor, packing: Packing, embedding: Tensor, *, config: XLSRConfig
) -> Tensor:
    """Put the mask embedding on spans of frames, zeros on spans of channels.

    Parameters
    ----------
    rows : Tensor [N, D]
    packing : Packing
        Layout of the batch; each utterance has masks of its own.
    embedding : Tensor [D]
        What masked frames hold.
    config : XLSRConfig
        Its shares and lengths of spans.

    Returns
    -------
    Tensor [N, D]

    Example
    -------
    >>> config = XLSRConfig.preset("tiny", mask_channel_prob=0.0)
    >>> packing = Packing.of([16_000], config)
    >>> masked = mask_rows(
    ...     torch.ones(49, 384), packing, torch.zeros(384), config=config
    ... )
    >>> sorted(masked.unique().tolist())
    [0.0, 1.0]
    """
    if config.mask_time_prob:
        masks = _draw(packing.num_frames, "time", config)
        masked = torch.cat(masks)[:, None].to(rows.device, non_blocking=True)
        rows = torch.where(masked, embedding.to(rows.dtype), rows)
    if config.mask_channel_prob:
        sizes = [config.dim] * len(packing.num_frames)
        masked = torch.stack(_draw(sizes, "channel", config))
        masked = masked.to(rows.device, non_blocking=True)
        rows = rows.masked_fill(masked[packing.utterance], 0)
    return rows


def _draw(sizes: list[int], axis: str, config: XLSRConfig) -> list[Tensor]:
    """One mask an utterance, over ``time`` or ``channel``."""
    options = {
        "prob": getattr(config, f"mask_{axis}_prob"),
        "span": getattr(config, f"mask_{axis}_length"),
        "min_spans": config.mask_time_min_spans if axis == "time" else 0,
    }
    masks = [span_mask(size, **options) for size in sizes]
    return trim_to_smallest(masks) if config.require_same_masks else masks


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
