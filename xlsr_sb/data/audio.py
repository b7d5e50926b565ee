"""Audio files to waveforms: mono, 16 kHz, float32, or one clear error.

Damaged files are the rule in big corpora. libsndfile reads many of them without a
word (a WAV cut in half is simply shorter), so what the header promises is compared
with what is there.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from xlsr_sb.data.resampling import resample
from xlsr_sb.data.slices import FileSlice, is_slice
from xlsr_sb.errors import InputError

# A header written to a pipe does not know the length and holds one near these limits.
UNKNOWN_BYTES = 0x7FFF_F000
UNKNOWN_SAMPLES = 2**62
# libsndfile's log of a file that ends early: "data : 32000 (should be 15978)".
PROMISE = re.compile(
    r"^\s*(?:data|SSND|Data Size|riff|Riff size)\s*: (\d+) \(should be (\d+)\)",
    re.MULTILINE,
)
# Of an MP3 without a Xing header the length is an estimate from its bit rate.
MP3_SLACK = 0.01


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the header of an audio file says.

    Parameters
    ----------
    num_samples : int
        Length of one channel, at the file's own rate.
    sample_rate : int
        In Hz.
    num_channels : int
    """

    num_samples: int
    sample_rate: int
    num_channels: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.num_samples / self.sample_rate


def probe_audio(path: str | Path) -> AudioInfo:
    """Length, rate and channels of an audio file, from its header.

    Raises
    ------
    InputError
        When the file is missing, empty, no audio, or ends early as far as its header
        tells (a FLAC or MP3 that ends early is found when it is loaded).

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, np.zeros((4_000, 2)), 8_000)
    >>> info = probe_audio(path)
    >>> info.num_samples, info.sample_rate, info.num_channels, info.duration
    (4000, 8000, 2, 0.5)
    """
    with opened(path) as file:
        return AudioInfo(file.frames, file.samplerate, file.channels)


def load_audio(
    path: str | Path, *, start: int | None = None, stop: int | None = None
) -> Tensor:
    """Read a file, or a segment of it, as one channel at 16 kHz.

    Parameters
    ----------
    path : str or Path
        Any format of libsndfile (WAV, FLAC, OGG, Opus, MP3, ...), any sample rate,
        any number of channels; channels are averaged. ``<file>.tar:<offset>:<size>``
        is a file inside a tar.
    start, stop : int, optional
        Segment in samples at the file's own rate, ``stop`` exclusive. Nothing else
        is read, but from MP3 and Vorbis, where everything before it is.

    Returns
    -------
    Tensor [T], float32 in [-1, 1]
        ``T`` is the number of samples x 16,000 / rate, rounded up.

    Raises
    ------
    InputError
        When the file is missing, empty, no audio or ends early, when the segment is
        empty or outside, or when a sample is not a finite number.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, np.zeros((4_000, 2)), 8_000)
    >>> load_audio(path).shape, load_audio(path, start=1_000, stop=1_400).shape
    (torch.Size([8000]), torch.Size([800]))
    """
    with opened(path) as file:
        first, last = _segment(file, start, stop)
        channels = _read(file, first, last)
        promised = file.frames if stop is None else last
        check_complete(file, promised - first, len(channels), exact=stop is not None)
        rate = file.samplerate
    samples = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1)
    finite = np.isfinite(samples)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise InputError(
            f"{path}: sample {first + bad} is {samples[bad]}; every sample must be a "
            f"finite number, so this recording must be left out or made anew"
        )
    return resample(torch.from_numpy(samples), rate)


@contextmanager
def opened(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """Open a file that holds at least one sample, and all that its header promises."""
    with ExitStack() as stack:
        source = stack.enter_context(FileSlice(path)) if is_slice(path) else path
        try:
            file = stack.enter_context(soundfile.SoundFile(source))
        except (soundfile.SoundFileError, TypeError) as error:  # TypeError: "x.raw"
            raise InputError(_why_unreadable(path, error)) from error
        _check_header(file)
        try:
            yield file
        except soundfile.SoundFileError as error:
            raise InputError(_why_unreadable(path, error)) from error


def _check_header(file: soundfile.SoundFile) -> None:
    """Raise when the header alone shows that the file is of no use."""
    for promised, present in PROMISE.findall(file.extra_info):
        # One byte more may be padding.
        if int(present) + 1 < int(promised) < UNKNOWN_BYTES:
            raise InputError(
                f"{file.name} is truncated: its header promises {promised} bytes and "
                f"{present} are there; fetch it again or leave it out"
            )
    if file.frames == 0:
        raise InputError(f"{file.name} holds no samples; leave it out")
    if file.frames > UNKNOWN_SAMPLES:
        raise InputError(
            f"{file.name} does not say how long it is (it was written to a pipe); "
            f"write it to a file instead"
        )


def _segment(
    file: soundfile.SoundFile, start: int | None, stop: int | None
) -> tuple[int, int]:
    """First and last sample to read, ``last`` exclusive."""
    first = 0 if start is None else start
    last = file.frames if stop is None else stop
    if not 0 <= first < last <= file.frames:
        raise InputError(
            f"{file.name}: the segment from {first} to {last} is empty or outside; "
            f"the file has {file.frames} samples at {file.samplerate} Hz"
        )
    return first, last


def _read(file: soundfile.SoundFile, first: int, last: int) -> np.ndarray:
    """Read samples ``first`` to ``last``, or fewer where the file ends early."""
    # libsndfile lands beside the place it is asked for in MP3 and Vorbis.
    if file.format == "MP3" or file.subtype == "VORBIS":
        return file.read(last, dtype="float32", always_2d=True)[first:]
    file.seek(first)
    return file.read(last - first, dtype="float32", always_2d=True)


def check_complete(
    file: soundfile.SoundFile, promised: int, present: int, *, exact: bool
) -> None:
    """Raise when fewer samples came out than were promised."""
    estimated = file.format == "MP3" and not exact
    needed = promised * (1 - MP3_SLACK) if estimated else promised
    if present == 0 or present < needed:
        raise InputError(
            f"{file.name} is truncated: {promised} samples are promised and {present} "
            f"are there; fetch it again or leave it out"
        )


def _why_unreadable(path: str | Path, error: Exception) -> str:
    """Say why libsndfile could not read a file."""
    place = Path(path)
    if not is_slice(path) and not place.exists():
        return f"{path}: there is no such file"
    if not is_slice(path) and not place.is_file():
        return f"{path} is not a file"
    if not is_slice(path) and place.stat().st_size == 0:
        return f"{path} is an empty file; fetch it again or leave it out"
    return (
        f"{path} cannot be read as audio, it is damaged, truncated or of another kind "
        f"(WAV, FLAC, OGG, Opus and MP3 can be read): {error}"
    )
