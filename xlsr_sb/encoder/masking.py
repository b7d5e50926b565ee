"""Span masks over time and channels, drawn as fairseq draws them.

Follows ``compute_mask_indices`` of fairseq (static lengths, overlapping spans), for all
rows of a batch at once, on their device and with PyTorch's generator, so that one seed
fixes them. The masks of a batch lie end to end, as its frames do.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.packing import Packing


@dataclass(frozen=True)
class _Layout:
    """Rows of a batch end to end: where each starts, and whose each place is.

    Parameters
    ----------
    sizes, firsts : LongTensor [B]
        Places of each row, and its first place.
    owner : LongTensor [N]
        Row of each place.
    """

    sizes: Tensor
    firsts: Tensor
    owner: Tensor

    @classmethod
    def of(cls, sizes: list[int], device: torch.device | str) -> "_Layout":
        counts = torch.tensor(sizes, device=device)
        rows = torch.arange(len(sizes), device=device)
        owner = rows.repeat_interleave(counts, output_size=sum(sizes))
        return cls(counts, counts.cumsum(0) - counts, owner)

    @property
    def places(self) -> Tensor:
        """LongTensor [N]: 0, 1, 2 and so on within each row."""
        number = torch.arange(len(self.owner), device=self.owner.device)
        return number - self.firsts[self.owner]

    def chosen(self, counts: Tensor, candidates: Tensor) -> Tensor:
        """Choose ``counts`` [B] of the candidates [N] of each row, all alike."""
        keys = torch.rand(len(self.owner), dtype=torch.float64, device=counts.device)
        order = (self.owner + 0.5 * (keys + ~candidates)).argsort()
        chosen = torch.empty_like(candidates)
        chosen[order] = self.places < counts[self.owner]
        return chosen

    def sums(self, values: Tensor) -> Tensor:
        """LongTensor [B]: how many of the values [N] of each row are True."""
        zeros = torch.zeros_like(self.sizes)
        return zeros.index_add_(0, self.owner, values.long())


def span_masks(
    sizes: list[int],
    *,
    prob: float,
    span: int,
    min_spans: int = 0,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Masks of all rows of a batch: spans of equal length, which may overlap.

    Parameters
    ----------
    sizes : list of int
        Places (frames or channels) of each row.
    prob : float
        Share of the places that the spans would cover if none overlapped.
    span : int
        Places in a span.
    min_spans : int
        Fewest spans, however short the row.
    device : torch.device or str

    Returns
    -------
    BoolTensor [sum of sizes]
        True where masked, row after row. A row so short that every place would be
        masked is left unmasked (fairseq stops there with an error).

    Example
    -------
    >>> _ = torch.manual_seed(0)
    >>> first, second = span_masks([100, 50], prob=0.65, span=10).split([100, 50])
    >>> first.sum().item() > 20, second.sum().item() > 10
    (True, True)
    """
    rows = _Layout.of(sizes, device)
    extra = torch.rand(len(sizes), device=rows.sizes.device)
    spans = (prob * rows.sizes / span + extra).long().clamp(min=min_spans)
    # Whole spans fit, or as many starts as it takes are let in, as in fairseq.
    last = torch.where(rows.sizes - span > spans, rows.sizes - span, spans + 1)
    starts = rows.chosen(spans, rows.places < last[rows.owner])
    before = torch.cat([starts.new_zeros(1, dtype=torch.long), starts.cumsum(0)])
    number = torch.arange(len(starts), device=starts.device)
    window = torch.maximum(number + 1 - span, rows.firsts[rows.owner])
    masks = before[1:] > before[window]
    return masks & (rows.sums(masks) < rows.sizes)[rows.owner]


def trimmed_to_smallest(masks: Tensor, sizes: list[int]) -> Tensor:
    """Unmask places at random until every row has as many as the one with the fewest.

    Parameters
    ----------
    masks : BoolTensor [sum of sizes]
    sizes : list of int
        Places of each row.

    Example
    -------
    >>> masks = torch.tensor([True, True, False, True])
    >>> trimmed_to_smallest(masks, [3, 1]).sum().item()
    2
    """
    rows = _Layout.of(sizes, masks.device)
    smallest = rows.sums(masks).min()
    return masks & rows.chosen(smallest.expand(len(sizes)), masks)


def time_masks(packing: Packing, config: XLSRConfig) -> Tensor:
    """Masks over the frames of a batch, as the configuration wants them.

    Parameters
    ----------
    packing : Packing
        Layout of the batch; each utterance has a mask of its own.
    config : XLSRConfig
        Its share and length of spans; without a share nothing is masked.

    Returns
    -------
    BoolTensor [N]

    Example
    -------
    >>> config = XLSRConfig.preset("tiny", mask_time_prob=0.0)
    >>> time_masks(Packing.of([1_040], config), config)
    tensor([False, False, False])
    """
    return _draw(packing.num_frames, "time", config, packing.device)


def mask_channels(rows: Tensor, packing: Packing, *, config: XLSRConfig) -> Tensor:
    """Put zeros on spans of channels, others in each utterance.

    Parameters
    ----------
    rows : Tensor [N, D]
    packing : Packing
    config : XLSRConfig
        Its share and length of spans.

    Returns
    -------
    Tensor [N, D]

    Example
    -------
    >>> config = XLSRConfig.preset("tiny", mask_channel_prob=0.5)
    >>> packing = Packing.of([720, 400], config)
    >>> rows = mask_channels(torch.ones(3, 384), packing, config=config)
    >>> bool((rows[0] == rows[1]).all()), bool((rows[0] == rows[2]).all())
    (True, False)
    """
    sizes = [rows.shape[1]] * len(packing.num_frames)
    masks = _draw(sizes, "channel", config, rows.device).view(len(sizes), -1)
    return rows.masked_fill(masks[packing.utterance], 0)


def _draw(sizes: list[int], axis: str, config: XLSRConfig, device) -> Tensor:
    """Masks over ``time`` or ``channel``; none where their share is 0."""
    prob = getattr(config, f"mask_{axis}_prob")
    if not prob:
        return torch.zeros(sum(sizes), dtype=torch.bool, device=device)
    masks = span_masks(
        sizes,
        prob=prob,
        span=getattr(config, f"mask_{axis}_length"),
        min_spans=config.mask_time_min_spans if axis == "time" else 0,
        device=device,
    )
    return trimmed_to_smallest(masks, sizes) if config.require_same_masks else masks
