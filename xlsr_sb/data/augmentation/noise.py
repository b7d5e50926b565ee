"""Noise under a clip, recorded, white or pink, at a ratio of powers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft

from xlsr_sb.data.augmentation.recordings import Recordings, read_noise
from xlsr_sb.lengths import SAMPLE_RATE

LOWEST_HERTZ = 20.0  # of pink noise; nothing below is heard


@dataclass(frozen=True)
class Noise:
    """A noise drawn for each clip.

    Parameters
    ----------
    snr_db : pair of float
        Range of the clip's power over the noise's.
    recordings : Recordings, optional
        Noises that are taken, all as often; by default white and pink ones are.
    """

    snr_db: Sequence[float]
    recordings: Recordings | None

    def __call__(self, samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Samples [T] with noise."""
        snr_db = random.uniform(*self.snr_db)
        if self.recordings is not None:
            one = self.recordings.draw(random)
            noise = read_noise(one, random.random(), num_samples=len(samples))
        elif random.random() < 0.5:
            noise = random.standard_normal(len(samples))
        else:
            noise = pink_noise(len(samples), random)
        return mixed(samples, noise, snr_db=snr_db)


def pink_noise(num_samples: int, random: np.random.Generator) -> np.ndarray:
    """Noise whose every octave from 20 Hz on has the same power.

    Parameters
    ----------
    num_samples : int
    random : Generator

    Returns
    -------
    float array [num_samples]

    Example
    -------
    >>> pink_noise(16_000, np.random.default_rng(0)).shape
    (16000,)
    """
    spectrum = fft.rfft(random.standard_normal(num_samples))
    hertz = fft.rfftfreq(num_samples, 1 / SAMPLE_RATE)
    spectrum[hertz < LOWEST_HERTZ] = 0
    return fft.irfft(spectrum / np.sqrt(np.maximum(hertz, LOWEST_HERTZ)), num_samples)


def mixed(samples: np.ndarray, noise: np.ndarray, *, snr_db: float) -> np.ndarray:
    """Samples with noise, whose power is as far below theirs as wanted.

    A constant offset, which is not heard, does not count, but pauses do.

    Parameters
    ----------
    samples : float32 array [T]
    noise : float array [T]
        Of any power; where it is silent, or the samples are, these stay as they are.
    snr_db : float

    Returns
    -------
    float32 array [T]

    Example
    -------
    >>> samples = np.array([1, -1, 1, -1], dtype=np.float32)
    >>> mixed(samples, np.array([3.0, 3, -3, -3]), snr_db=20.0).round(2)
    array([ 1.1, -0.9,  0.9, -1.1], dtype=float32)
    """
    power, noise_power = (np.var(one, dtype=np.float64) for one in (samples, noise))
    if not power or not noise_power:
        return samples
    gain = np.sqrt(power / noise_power * 10 ** (-snr_db / 10))
    return samples + (noise * gain).astype(np.float32)
