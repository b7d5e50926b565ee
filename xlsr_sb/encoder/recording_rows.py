"""What enters the transformer, of any piece of a recording that is read once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from xlsr_sb.data.streaming import stream_audio
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.encoder.xlsr import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE, num_frames

BLOCK = 10 * SAMPLE_RATE  # samples looked at together
EPSILON = 1e-5  # of the normalisation, as of LayerNorm


class RecordingRows:
    """The rows of a recording that enter the first layer, from left to right.

    Any piece of them is what it would be if all were computed together.

    Parameters
    ----------
    lobe : XLSR
    recording : Tensor [T], str or Path
        Waveform at 16 kHz, or an audio file.

    Raises
    ------
    InputError
        If it is shorter than one frame, or cannot be read.

    Example
    -------
    >>> from xlsr_sb import XLSRConfig
    >>> lobe = XLSR(XLSRConfig.preset("tiny")).eval()
    >>> rows = RecordingRows(lobe, torch.randn(80_000))
    >>> rows.num_frames, rows.read(100, 150).shape
    (249, torch.Size([50, 384]))
    """

    def __init__(self, lobe: XLSR, recording: Tensor | str | Path):
        self.lobe, self.config, self.recording = lobe, lobe.config, recording
        count, total, squares = 0, 0.0, 0.0
        for block in self._blocks():
            values = block.double()
            count += len(block)
            total += values.sum().item()
            squares += values.square().sum().item()
        kernels, strides = self.config.conv_kernels, self.config.conv_strides
        self.num_frames = num_frames(count, kernels=kernels, strides=strides)
        if not self.num_frames:
            named = "it" if isinstance(recording, Tensor) else recording
            raise InputError(
                f"{named} has {count} samples at {SAMPLE_RATE} Hz; at least "
                f"{self.config.receptive_field} are needed"
            )
        self.mean = total / count
        variance = max(0.0, squares / count - self.mean**2)
        self.scale = (variance + EPSILON) ** -0.5
        self._coming = self._blocks()
        self._held, self._start = torch.empty(0), 0

    def _blocks(self) -> Iterator[Tensor]:
        """Samples at 16 kHz, from the first to the last."""
        if isinstance(self.recording, Tensor):
            yield from self.recording.split(BLOCK)
        else:
            yield from stream_audio(self.recording)

    def _samples(self, first: int, last: int) -> Tensor:
        """Samples ``first`` to ``last``; those before ``first`` are let go."""
        pieces = [self._held[first - self._start :]]
        reached = self._start + len(self._held)
        while reached < last:
            block = next(self._coming)
            pieces.append(block[max(0, first - reached) :])
            reached += len(block)
        self._held, self._start = torch.cat(pieces), first
        return self._held[: last - first]

    def read(self, first: int, last: int) -> Tensor:
        """Rows ``first`` to ``last``, [last - first, D]; ``first`` may not decrease."""
        reach = self.lobe.positions.gap
        begin, end = max(0, first - reach), min(self.num_frames, last + reach)
        layout = self.layout(end - begin)
        start = begin * self.config.hop
        samples = self._samples(start, start + layout.num_samples[0])
        waveform = (samples.to(layout.device).float() - self.mean) * self.scale
        features = self.lobe.extract(waveform[None], layout)
        return self.lobe.embed(features, layout)[first - begin : last - begin]

    def layout(self, count: int) -> Packing:
        """Layout of ``count`` frames."""
        num_samples = (count - 1) * self.config.hop + self.config.receptive_field
        device = self.lobe.mask_embedding.device
        layout = Packing.of([num_samples], self.config, device)
        return replace(layout, is_normalised=True)
