"""A recording as overlapping windows, and how loud it is all along."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from xlsr_sb.errors import InputError
from xlsr_sb.transcription.quiet import STEP

SILENT = 1e-12  # energy of a step without sound, in any format


class Windows:
    """Windows of a recording, made while it is read.

    Parameters
    ----------
    blocks : iterable of Tensor [n]
        Samples at 16 kHz from left to right; no more of them are held than needed.
    length, hop : int
        Samples of a window, and from the beginning of one to that of the next. A
        recording that is no longer is one window; the last one of others ends with it.
    source : str
        Of the recording, for messages.

    Example
    -------
    >>> blocks = torch.randn(40_000).split(9_000)
    >>> windows = Windows(blocks, length=16_000, hop=8_000, source="a.wav")
    >>> [len(window) for window in windows], windows.num_samples
    ([16000, 16000, 16000, 16000], 40000)
    >>> windows.starts
    [0, 8000, 16000, 24000]
    >>> windows.energies.shape
    (250,)
    """

    def __init__(self, blocks: Iterable[Tensor], *, length: int, hop: int, source: str):
        self.blocks, self.length, self.hop, self.source = blocks, length, hop, source
        self.starts: list[int] = []
        self.num_samples = 0
        self._energies: list[Tensor] = []
        self._rest = torch.empty(0)

    def __iter__(self) -> Iterator[Tensor]:
        """Windows from left to right, once.

        Raises
        ------
        InputError
            At the end, if there was no sound.
        """
        held, first, start = torch.empty(0), 0, 0  # ``first``: sample held[0] is
        for block in self.blocks:
            self._measure(block)
            self.num_samples += len(block)
            held = torch.cat([held, block])
            while self.num_samples >= start + self.length:
                self.starts.append(start)
                yield held[start - first :][: self.length]
                # What is left serves the last window, which may reach back.
                held, first = held[start - first :], start
                start += self.hop
        reached = self.starts[-1] + self.length if self.starts else 0
        if self.num_samples > reached:
            last = max(0, self.num_samples - self.length)
            self.starts.append(last)
            yield held[last - first :]
        if not (self.energies > SILENT).any():
            raise InputError(f"{self.source} is silent; there is nothing to identify")

    @property
    def stops(self) -> list[int]:
        """Sample behind each window."""
        return [min(start + self.length, self.num_samples) for start in self.starts]

    @property
    def energies(self) -> np.ndarray:
        """Sum of squares in each hundredth of a second, [S]."""
        if not self._energies:
            return np.zeros(0)
        return torch.cat(self._energies).numpy()

    def _measure(self, block: Tensor) -> None:
        """Energies of a block; a constant offset is no sound."""
        samples = torch.cat([self._rest, block])
        count = len(samples) // STEP
        steps = samples[: count * STEP].reshape(count, STEP).double()
        steps = steps - steps.mean(dim=1, keepdim=True)
        self._energies.append(steps.square().sum(dim=1))
        self._rest = samples[count * STEP :]
