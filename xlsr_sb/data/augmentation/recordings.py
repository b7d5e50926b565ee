"""Recordings that clips are changed with: noises and impulse responses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from xlsr_sb.data.audio import load_audio, opened, probe_audio
from xlsr_sb.data.cropping import crop
from xlsr_sb.data.resampling import resample
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.manifest import Utterance, read_utterances

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".sph")
MARGIN = (
    16  # samples read beyond a clip's length, as lengths at other rates are rounded
)


@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings of a folder or a manifest.

    Parameters
    ----------
    items : sequence of Path or Utterance
    """

    items: Sequence[Path | Utterance]

    @classmethod
    def of(cls, source: str | Path, name: str) -> "Recordings":
        """Recordings of a source, always in the same order.

        Parameters
        ----------
        source : str or Path
            A folder, whose files count at any depth, or a manifest.
        name : str
            Of the setting, for the message of an error.

        Raises
        ------
        InputError
            If it is not there or holds no recording.

        Example
        -------
        >>> Recordings.of("nowhere", "noise_source")
        Traceback (most recent call last):
        ...
        xlsr_sb.errors.InputError: augmentation: noise_source is 'nowhere', which is \
not there; give a folder of recordings, a manifest, or null
        """
        path = Path(source)
        if not path.exists():
            raise InputError(
                f"augmentation: {name} is {str(source)!r}, which is not there; give a "
                "folder of recordings, a manifest, or null"
            )
        if not path.is_dir():
            return cls(read_utterances(path))
        files = _files(path)
        if not files:
            raise InputError(
                f"augmentation: {name} is {str(source)!r}, which holds no recording; "
                f"its files must end in one of {' '.join(SUFFIXES)}"
            )
        return cls(files)

    def draw(self, random: np.random.Generator) -> Utterance:
        """Any of them, all as often."""
        item = self.items[int(random.integers(len(self.items)))]
        if isinstance(item, Utterance):
            return item
        return Utterance(str(item), str(item), probe_audio(item).duration)


def read_noise(one: Utterance, place: float, *, num_samples: int) -> np.ndarray:
    """Read a part of a noise; a short one is repeated.

    Parameters
    ----------
    one : Utterance
    place : float
        Of its beginning, from 0 to below 1.
    num_samples : int

    Returns
    -------
    float32 array [num_samples]
        At 16 kHz.

    Raises
    ------
    InputError
        If it cannot be read.

    Example
    -------
    >>> import soundfile
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, np.array([0.0, 0.25, 0.5]), 16_000)
    >>> read_noise(Utterance("a", path, 3 / 16_000), 0.4, num_samples=5)
    array([0.25, 0.5 , 0.  , 0.25, 0.5 ], dtype=float32)
    """
    part = crop(one, place, max_seconds=(num_samples + MARGIN) / SAMPLE_RATE)
    noise = load_audio(part.wav, start=part.start, stop=part.stop).numpy()
    if len(noise) < num_samples:
        noise = np.roll(noise, -int(place * len(noise)))
    return np.resize(noise, num_samples)


def read_response(one: Utterance) -> np.ndarray:
    """Impulse response: of several microphones the first.

    Their mean, as of speech, would have a direct sound for each.

    Parameters
    ----------
    one : Utterance

    Returns
    -------
    float32 array
        At 16 kHz.

    Raises
    ------
    InputError
        If it cannot be read or is silent.

    Example
    -------
    >>> import soundfile
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, np.array([[0.0, 0.5], [0.25, 0.0]]), 16_000)
    >>> read_response(Utterance("a", path, 2 / 16_000))
    array([0.  , 0.25], dtype=float32)
    """
    with opened(one.wav) as file:
        file.seek(one.start or 0)
        count = -1 if one.stop is None else one.stop - (one.start or 0)
        samples = file.read(count, dtype="float32", always_2d=True)[:, 0]
        rate = file.samplerate
    if not (np.isfinite(samples).all() and samples.any()):
        raise InputError(
            f"{one.wav} is no impulse response: it is silent, or holds values that are "
            "not finite; leave it out"
        )
    return resample(torch.from_numpy(samples.copy()), rate).numpy()


def _files(folder: Path) -> list[Path]:
    """Audio files of a folder at any depth, whatever order the disk has them in."""
    files = (
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())
