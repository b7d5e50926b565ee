"""Codecs: what is left of a clip that was sent or stored."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from speechbrain.augment.codec import CodecAugment

from xlsr_sb.data.resampling import resample
from xlsr_sb.lengths import SAMPLE_RATE

TELEPHONE, TELEPHONE_RATE = "telephone", 8_000
# Format and subtype of libsndfile.
FORMATS = {
    TELEPHONE: ("WAV", "ULAW"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "opus": ("OGG", "OPUS"),
}


@dataclass(frozen=True)
class Codec:
    """One of some codecs.

    Parameters
    ----------
    names : sequence of str
        Of ``FORMATS``; all are taken as often.
    """

    names: Sequence[str]

    def __call__(self, samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Samples [T], coded and decoded."""
        return coded(samples, self.names[random.integers(len(self.names))])


def coded(samples: np.ndarray, name: str) -> np.ndarray:
    """Samples after a codec, as many as before.

    Parameters
    ----------
    samples : float32 array [T]
        What goes beyond 1 is made softer first, as codecs clip.
    name : str
        ``telephone`` (mu-law at 8 kHz), ``mp3`` or ``opus``, both at the bit rate
        that libsndfile takes by itself.

    Returns
    -------
    float32 array [T]

    Example
    -------
    >>> coded(np.zeros(801, dtype=np.float32), "telephone").shape
    (801,)
    """
    peak = np.abs(samples).max()
    waveform = torch.from_numpy(samples / peak if peak > 1 else samples)
    layout, subtype = FORMATS[name]
    if name != TELEPHONE:
        codec = CodecAugment(SAMPLE_RATE)
        return codec.apply_codec(waveform, format=layout, encoder=subtype).numpy()
    # Taken to be at twice the rate, every second sample stays, and so on.
    halved = resample(waveform, SAMPLE_RATE * SAMPLE_RATE // TELEPHONE_RATE)
    codec = CodecAugment(TELEPHONE_RATE)
    decoded = codec.apply_codec(halved, format=layout, encoder=subtype)
    return resample(decoded, TELEPHONE_RATE)[: len(samples)].numpy()
