"""What is done to a clip, drawn from one number: speed, room, noise, codec."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from xlsr_sb.data.augmentation.coding import Codec
from xlsr_sb.data.augmentation.noise import Noise
from xlsr_sb.data.augmentation.recordings import Recordings
from xlsr_sb.data.augmentation.reverberation import Reverberation
from xlsr_sb.data.augmentation.rules import check_settings
from xlsr_sb.data.augmentation.speed import Speed, lengthening
from xlsr_sb.data.resampling import one_thread

STREAM = 200  # of random numbers, apart from those that order and hide
Effect = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Augmentation:
    """Changes of a clip: some of four, in the order in which sound takes them.

    A voice speaks at a speed, in a room, with noise around it, into a codec. All that
    is drawn depends on the seed given with the clip and on nothing else; the global
    generators are left alone. Each change has random numbers of its own, so that it is
    the same with and without the others. It works in one thread, as a data worker
    does, so that a clip has the same bits there and in a process of many threads.

    Parameters
    ----------
    speed_chance, reverb_chance, noise_chance, codec_chance : float
        Of each change, from 0 (never) to 1.
    speed_factors : sequence of float
        One is taken, all as often. A clip becomes shorter by it, and higher.
    reverb_source : str, optional
        Folder or manifest of impulse responses; by default they are simulated.
    reverb_rt60_seconds : pair of float
        Of simulated rooms: the range of the time in which sound falls by 60 dB.
    noise_source : str, optional
        Folder or manifest of noises; by default white and pink ones are drawn.
    noise_snr_db : pair of float
        Range of the clip's power over the noise's.
    codecs : sequence of str
        One is taken, all as often: of ``telephone``, ``mp3`` and ``opus``.
    max_applied : int
        Of the four, at most so many are applied to a clip; all as likely to stay.

    Raises
    ------
    InputError
        If a value is out of its range, or a source holds nothing.

    Example
    -------
    >>> augment = Augmentation(speed_chance=1.0, speed_factors=[0.8], noise_chance=0.5)
    >>> augment(torch.ones(16_000), 7).shape, augment.max_growth
    (torch.Size([20000]), 1.25)
    """

    speed_chance: float = 0.0
    speed_factors: Sequence[float] = (0.9, 1.0, 1.1)
    reverb_chance: float = 0.0
    reverb_source: str | None = None
    reverb_rt60_seconds: Sequence[float] = (0.2, 0.8)
    noise_chance: float = 0.0
    noise_source: str | None = None
    noise_snr_db: Sequence[float] = (5.0, 20.0)
    codec_chance: float = 0.0
    codecs: Sequence[str] = ("telephone", "mp3", "opus")
    max_applied: int = 2
    _effects: Sequence[tuple[float, Effect]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check all values and look into the sources that are used."""
        check_settings(self)
        changed = [factor for factor in self.speed_factors if lengthening(factor) != 1]
        changed_share = len(changed) / len(self.speed_factors)
        responses = self._recordings("reverb") if self.reverb_chance else None
        noises = self._recordings("noise") if self.noise_chance else None
        effects = (
            (self.speed_chance * changed_share, Speed(changed)),
            (self.reverb_chance, Reverberation(self.reverb_rt60_seconds, responses)),
            (self.noise_chance, Noise(self.noise_snr_db, noises)),
            (self.codec_chance, Codec(self.codecs)),
        )
        object.__setattr__(self, "_effects", effects)

    @property
    def max_growth(self) -> float:
        """The largest factor by which a clip may become longer."""
        if not self.speed_chance:
            return 1.0
        return max(1.0, *map(lengthening, self.speed_factors))

    def __call__(self, waveform: Tensor, seed: int) -> Tensor:
        """Return the clip as it is to be learnt from this time.

        Parameters
        ----------
        waveform : Tensor [T], float32 at 16 kHz
        seed : int
            At least 0; the same gives the same changes.

        Returns
        -------
        Tensor [T'], float32
            T' is at most T x ``max_growth``, rounded up. The level may be another; the
            encoder hears none.
        """
        samples = waveform.numpy()
        with one_thread():
            for number in self._drawn(seed):
                _, effect = self._effects[number]
                samples = effect(samples, _random(number + 1, seed))
        return torch.from_numpy(np.ascontiguousarray(samples))

    def _drawn(self, seed: int) -> list[int]:
        """Numbers of the effects that a clip gets, in their order."""
        random = _random(0, seed)
        draws = random.random(len(self._effects))
        wanted = [
            number
            for number, (chance, _) in enumerate(self._effects)
            if draws[number] < chance
        ]
        return sorted(random.permutation(wanted)[: self.max_applied].tolist())

    def _recordings(self, name: str) -> Recordings | None:
        """Recordings of a source; None where none is given."""
        source = getattr(self, f"{name}_source")
        return None if source is None else Recordings.of(source, f"{name}_source")


def no_augmentation() -> None:
    """Return nothing: clips are learnt from as they are.

    Example
    -------
    >>> no_augmentation()
    """


def _random(number: int, seed: int) -> np.random.Generator:
    """Random numbers of the choice (0) or of an effect, for a clip."""
    return np.random.default_rng((STREAM, number, seed))
