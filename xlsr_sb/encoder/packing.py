"""Where each utterance of a batch lies when all are laid end to end.

    samples   |utterance 0......|00|utterance 1..........|0000|  tail of zeros
    slots     0       1       2      3       4       5           one hop (320) each
    frames    x       x       -      x       x       -           - straddles: unused

Every utterance starts at a multiple of the hop, so the frames of utterance ``i`` in
the convolutions' output are ``slots[i] ... slots[i] + num_frames[i] - 1``. Frames that
straddle two utterances are computed and never read.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import num_frames


@dataclass(frozen=True)
class Packing:
    """The layout of one batch, on the host, and the indices made from it.

    Parameters
    ----------
    num_samples : list of int
        Samples of each utterance.
    num_frames : list of int
        Frames of each utterance.
    hop : int
        Samples between two frames.
    device : torch.device
        Where the indices are wanted.
    is_normalised : bool
        The waveforms have been normalised already, as pieces of a longer recording are
        by the statistics of the whole.

    Example
    -------
    >>> packing = Packing.of([16_000, 720], XLSRConfig.preset("tiny"))
    >>> packing.num_frames, packing.slots, packing.starts
    ([49, 2], [0, 50], [0, 49, 51])
    """

    num_samples: list[int]
    num_frames: list[int]
    hop: int
    device: torch.device = torch.device("cpu")
    is_normalised: bool = False

    @classmethod
    def of(cls, num_samples, config: XLSRConfig, device="cpu") -> "Packing":
        """Layout of utterances of ``num_samples`` samples.

        Raises
        ------
        InputError
            If an utterance is shorter than one frame's receptive field.
        """
        frames = [
            num_frames(n, kernels=config.conv_kernels, strides=config.conv_strides)
            for n in num_samples
        ]
        if short := [i for i, n in enumerate(frames) if n < 1]:
            raise InputError(
                f"utterance {short[0]} of the batch has {num_samples[short[0]]} "
                f"samples; one frame needs at least {config.receptive_field}"
            )
        return cls(list(num_samples), frames, config.hop, torch.device(device))

    @cached_property
    def starts(self) -> list[int]:
        """First row of each utterance among the real frames, then their number."""
        return [0, *accumulate(self.num_frames)]

    @cached_property
    def slots(self) -> list[int]:
        """First slot of each utterance in the packed signal."""
        hops = [-(-n // self.hop) for n in self.num_samples]
        return [0, *accumulate(hops)][:-1]

    def pack(self, waveforms: Tensor, tail: int) -> Tensor:
        """Normalise each utterance over its own samples, and lay all end to end.

        Parameters
        ----------
        waveforms : Tensor [B, T]
            Anything may stand after an utterance's samples.
        tail : int
            Zeros wanted at the very end.

        Returns
        -------
        Tensor [slots * hop + tail], float32
        """
        pieces = []
        for waveform, n in zip(waveforms, self.num_samples, strict=True):
            samples = waveform[:n].float()
            if not self.is_normalised:
                samples = F.layer_norm(samples, (n,))
            pieces.append(samples)
            pieces.append(waveforms.new_zeros(-n % self.hop, dtype=torch.float32))
        pieces.append(waveforms.new_zeros(tail, dtype=torch.float32))
        return torch.cat(pieces)

    @cached_property
    def real_slots(self) -> Tensor:
        """LongTensor [N]: the slots that hold real frames, in order."""
        return self._ranges(self.slots)

    def gapped(self, gap: int) -> Tensor:
        """LongTensor [N]: rows of the frames with ``gap`` rows between utterances."""
        return self._ranges([s + i * gap for i, s in enumerate(self.starts[:-1])])

    @cached_property
    def padded(self) -> Tensor:
        """LongTensor [N]: rows of the real frames in a [B * F] padded batch."""
        longest = max(self.num_frames)
        return self._ranges([i * longest for i in range(len(self.num_frames))])

    @cached_property
    def utterance(self) -> Tensor:
        """LongTensor [N]: the utterance that each row belongs to."""
        counts = torch.tensor(self.num_frames)
        rows = self.starts[-1]
        owner = torch.arange(len(counts)).repeat_interleave(counts, output_size=rows)
        return owner.to(self.device, non_blocking=True)

    @cached_property
    def boundaries(self) -> Tensor:
        """IntTensor [B + 1]: ``starts``, as variable-length attention wants them."""
        starts = torch.tensor(self.starts, dtype=torch.int32)
        return starts.to(self.device, non_blocking=True)

    @cached_property
    def counts(self) -> Tensor:
        """LongTensor [B]: frames of each utterance."""
        return torch.tensor(self.num_frames).to(self.device, non_blocking=True)

    def unpack(self, rows: Tensor) -> Tensor:
        """Rows [N, D] as a padded batch [B, F, D], zeros in the padding."""
        shape = len(self.num_frames), max(self.num_frames), rows.shape[-1]
        batch = rows.new_zeros(shape[0] * shape[1], shape[2])
        return batch.index_copy(0, self.padded, rows).view(shape)

    def _ranges(self, firsts: list[int]) -> Tensor:
        """Indices ``firsts[i] ... firsts[i] + num_frames[i] - 1``, joined."""
        pairs = zip(firsts, self.num_frames, strict=True)
        index = torch.cat([torch.arange(first, first + n) for first, n in pairs])
        return index.to(self.device, non_blocking=True)
