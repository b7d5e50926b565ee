"""Decode recordings to 16 kHz mono FLAC, and measure what came out."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from debian_speech.clip import Clip
from xlsr_sb.data.audio import load_audio
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE

FULL_SCALE = 32_768  # of 16-bit samples
G722_BIT_RATE = 64_000


@dataclass(frozen=True)
class Sound:
    """A decoded recording.

    Parameters
    ----------
    path : Path
        FLAC file, 16 kHz, mono, 16 bit.
    num_samples : int
        At 16 kHz.
    rms : float
        Root mean square of the samples, full scale 1.
    digest : str
        The same for two recordings exactly if all their samples are the same.
    """

    path: Path
    num_samples: int
    rms: float
    digest: str

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.num_samples / SAMPLE_RATE


def decode_all(clips: Sequence[Clip], folder: Path) -> list[Sound]:
    """Decode every clip under ``folder``, with a progress bar; keep what is there."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sounds = pool.map(lambda clip: _sound(clip, folder), clips)
        return list(tqdm(sounds, total=len(clips), unit="clip", desc="decode"))


def _sound(clip: Clip, folder: Path) -> Sound:
    """One clip decoded, or read if it was decoded before."""
    path = folder / clip.source / clip.language / f"{clip.id}.flac"
    if path.is_file() and path.stat().st_mtime >= clip.recording.stat().st_mtime:
        with suppress(soundfile.SoundFileError):  # damaged: decode again
            return measure(soundfile.read(path, dtype="int16")[0], path)
    samples = _decoded(clip.recording)
    if len(samples):  # a FLAC file without samples cannot be read again
        _write(path, samples)
    return measure(samples, path)


def _write(path: Path, samples: np.ndarray) -> None:
    """Store samples as FLAC under a name that appears when the file is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    try:
        soundfile.write(
            temporary, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16"
        )
    except soundfile.SoundFileError as error:
        raise OSError(f"{path} cannot be written ({error})") from error
    temporary.replace(path)


def measure(samples: np.ndarray, path: Path) -> Sound:
    """What the cleaning has to know of a decoded recording.

    Parameters
    ----------
    samples : ndarray [T], int16
    path : Path
        Where they are stored.

    Example
    -------
    >>> sound = measure(np.full(8_000, 16_384, dtype=np.int16), Path("a.flac"))
    >>> sound.seconds, sound.rms
    (0.5, 0.5)
    """
    power = float(np.mean(np.square(samples / FULL_SCALE))) if len(samples) else 0.0
    digest = hashlib.sha256(samples.tobytes()).hexdigest()
    return Sound(path, len(samples), power**0.5, digest)


def _decoded(recording: Path) -> np.ndarray:
    """Samples of a recording: int16 [T], 16 kHz, mono."""
    if recording.suffix == ".g722":
        return decode_g722(recording.read_bytes())
    if not soundfile.info(recording).frames:
        return np.zeros(0, dtype=np.int16)
    samples = load_audio(recording).numpy()
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(
        np.int16
    )


def decode_g722(content: bytes) -> np.ndarray:
    """Samples of raw G.722 at 64 kbit/s: int16 [T], two a byte, 16 kHz, mono.

    Example
    -------
    >>> decode_g722(bytes(100)).shape
    (200,)
    """
    try:
        from G722 import G722
    except ImportError as error:
        raise InputError(
            "decoding the telephone prompts needs the package G722; "
            'install it with `pip install "xlsr-sb[debian]"` or `pip install G722`'
        ) from error
    return np.array(G722(SAMPLE_RATE, G722_BIT_RATE).decode(content), dtype=np.int16)
