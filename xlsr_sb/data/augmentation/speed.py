"""Clips played faster or slower: shorter and higher, or longer and lower."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from xlsr_sb.data.resampling import resample
from xlsr_sb.lengths import RECEPTIVE_FIELD, SAMPLE_RATE


@dataclass(frozen=True)
class Speed:
    """One of some speeds.

    Parameters
    ----------
    factors : sequence of float
        Above 1 it is faster.

    Example
    -------
    >>> faster = Speed([1.25])
    >>> faster(np.zeros(16_000, dtype=np.float32), np.random.default_rng(0)).shape
    (12800,)
    """

    factors: Sequence[float]

    def __call__(self, samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Samples [T'] at another speed; as they are if no frame would be left."""
        factor = self.factors[random.integers(len(self.factors))]
        changed = resample(torch.from_numpy(samples), _rate(factor)).numpy()
        return samples if len(changed) < RECEPTIVE_FIELD else changed


def lengthening(factor: float) -> float:
    """By which factor a clip becomes longer at a speed.

    Example
    -------
    >>> lengthening(0.8), lengthening(1.0)
    (1.25, 1.0)
    """
    return SAMPLE_RATE / _rate(factor)


def _rate(factor: float) -> int:
    """Rate at which the samples are taken to be."""
    return round(SAMPLE_RATE * factor)
