"""Rooms: impulse responses, measured or simulated, and clips heard through them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve

from xlsr_sb.data.augmentation.recordings import Recordings, read_response
from xlsr_sb.lengths import SAMPLE_RATE

TAIL_START_SECONDS = 0.002  # after the direct sound
DIRECT_DB = (-3.0, 9.0)  # range of its energy over the tail's


@dataclass(frozen=True)
class Reverberation:
    """A room drawn for each clip.

    Parameters
    ----------
    rt60_seconds : pair of float
        Of simulated rooms.
    responses : Recordings, optional
        Impulse responses that are taken instead, all as often.
    """

    rt60_seconds: Sequence[float]
    responses: Recordings | None

    def __call__(self, samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Samples [T] as they sound in a room."""
        if self.responses is None:
            seconds = random.uniform(*self.rt60_seconds)
            return reverberated(samples, simulated_response(seconds, random))
        return reverberated(samples, read_response(self.responses.draw(random)))


def simulated_response(rt60: float, random: np.random.Generator) -> np.ndarray:
    """Impulse response of a room: the direct sound, and noise that dies away.

    Parameters
    ----------
    rt60 : float
        Seconds in which the tail falls by 60 dB; there it ends.
    random : Generator

    Returns
    -------
    float32 array [samples]

    Example
    -------
    >>> response = simulated_response(0.5, np.random.default_rng(0))
    >>> response.shape, float(response[0])
    ((8000,), 1.0)
    """
    num_samples = round(rt60 * SAMPLE_RATE)
    seconds = np.arange(num_samples) / SAMPLE_RATE
    response = random.standard_normal(num_samples) * 10 ** (-3 * seconds / rt60)
    response[: round(TAIL_START_SECONDS * SAMPLE_RATE)] = 0
    tail_energy = 10 ** (-random.uniform(*DIRECT_DB) / 10)
    response *= math.sqrt(tail_energy / np.square(response).sum())
    response[0] = 1
    return response.astype(np.float32)


def reverberated(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Samples heard through an impulse response, as long, as loud and where they were.

    Parameters
    ----------
    samples : float32 array [T]
    response : float32 array
        Its greatest value is the direct sound, which stays in its place.

    Returns
    -------
    float32 array [T]
        What sounds after the end is cut off; a silent clip stays silent.

    Example
    -------
    >>> samples = np.array([0.5, -0.5, 0, 0], dtype=np.float32)
    >>> reverberated(samples, np.array([0, 2, 1], dtype=np.float32)).round(2)
    array([ 0.58, -0.29, -0.29,  0.  ], dtype=float32)
    """
    direct = int(np.abs(response).argmax())
    whole = fftconvolve(samples, response[: direct + len(samples)])
    heard = whole[direct : direct + len(samples)]
    before = np.var(samples, dtype=np.float64)
    after = np.var(heard, dtype=np.float64)
    if not before or not after:
        return samples
    return (heard * np.sqrt(before / after)).astype(np.float32)
