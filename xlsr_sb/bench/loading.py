"""Reading audio: our loader beside SpeechBrain's ``read_audio`` in a plain loader."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from speechbrain.dataio.dataio import read_audio
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset
from torchaudio.transforms import Resample

from xlsr_sb.data.batching import EvalLoader, SpeechDataset
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.manifest import Utterance

CLIPS, CLIP_SECONDS, CLIPS_QUICK = 12, 8.0, 4
REPEATS, REPEATS_QUICK = 20, 2  # times that each file is read, so that workers pay off
BATCH_SECONDS = 64.0
TOLERANCE = 1e-3  # peers round the filters of a resampler otherwise


@dataclass(frozen=True)
class Material:
    """Utterances of one kind.

    Parameters
    ----------
    name : str
    rate : int
        Of the files, in Hz.
    utterances : list of Utterance
    """

    name: str
    rate: int
    utterances: list[Utterance]

    @property
    def seconds(self) -> float:
        """Speech in all of them."""
        return sum(one.duration for one in self.utterances)


def measure(*, folder: str, workers: Sequence[int], pairs: int, quick: bool) -> dict:
    """Seconds of speech read in a second, by kind of file and number of workers.

    Parameters
    ----------
    folder : str
        Takes the files.
    workers : sequence of int
        Processes that load; 0 loads in this one.
    pairs : int
        Times that ours and the peer are measured one after the other.
    quick : bool
        Whether there is little material.

    Returns
    -------
    dict
        ``rates``: list of ``name``, ``workers`` and, by loader, a list of rates.

    Raises
    ------
    InputError
        If the loaders read different samples.

    Example
    -------
    >>> folder = str(getfixture("tmp_path"))
    >>> found = measure(folder=folder, workers=[0], pairs=1, quick=True)["rates"]
    >>> [one["name"] for one in found]
    ['FLAC 16 kHz', 'MP3 48 kHz', 'segments of a long FLAC']
    """
    rates = []
    for material in _materials(Path(folder), CLIPS_QUICK if quick else CLIPS):
        _check_equal(material)
        repeats = REPEATS_QUICK if quick else REPEATS
        repeated = Material(material.name, material.rate, material.utterances * repeats)
        for count in workers:
            found = _rates(repeated, count, pairs)
            rates.append({"name": material.name, "workers": count, **found})
    return {"rates": rates}


def _rates(material: Material, workers: int, pairs: int) -> dict[str, list[float]]:
    """Measure ours and the peer's in turn."""
    loaders: dict[str, Callable[[], Iterable]] = {
        "ours": lambda: _ours(material.utterances, workers),
        "speechbrain": lambda: _peer(material, workers),
    }
    rates: dict[str, list[float]] = {name: [] for name in loaders}
    for turn in range(pairs):
        for name in list(loaders)[:: -1 if turn % 2 else 1]:
            rates[name].append(material.seconds / _seconds(loaders[name]))
    return rates


def _seconds(loader: Callable[[], Iterable]) -> float:
    """Time of one way through a loader, its start included."""
    begin = time.perf_counter()
    for _ in loader():
        continue
    return time.perf_counter() - begin


def _no_target(_utterance: Utterance) -> list[int]:
    """Audio alone is measured."""
    return []


def _ours(utterances: list[Utterance], workers: int) -> Iterable:
    dataset = SpeechDataset(utterances, encode_target=_no_target)
    return EvalLoader(dataset, seconds_per_device=BATCH_SECONDS, num_workers=workers)


class _PeerDataset(Dataset):
    """What recipes do: ``read_audio``, then torchaudio's resampler, kept ready."""

    def __init__(self, material: Material):
        self.utterances = material.utterances
        self.resample = Resample(material.rate, SAMPLE_RATE)

    def __getitem__(self, indices: Sequence[int]) -> Tensor:
        return pad_sequence(
            [self._waveform(self.utterances[index]) for index in indices],
            batch_first=True,
        )

    def _waveform(self, one: Utterance) -> Tensor:
        if one.stop is None:
            return self.resample(read_audio(one.wav))
        segment = {"file": one.wav, "start": one.start, "stop": one.stop}
        return self.resample(read_audio(segment))


def _peer(material: Material, workers: int) -> Iterable:
    dataset = _PeerDataset(material)
    size = round(BATCH_SECONDS / CLIP_SECONDS)
    order = torch.arange(len(material.utterances)).split(size)
    batches = [batch.tolist() for batch in order]
    return DataLoader(dataset, sampler=batches, batch_size=None, num_workers=workers)


def _check_equal(material: Material) -> None:
    """Raise unless both read the same samples."""
    ours = SpeechDataset(material.utterances, encode_target=_no_target)
    peer = _PeerDataset(material)
    for index in range(len(material.utterances)):
        mine, theirs = ours[[index]].waveforms[0], peer[[index]][0]
        close = len(mine) == len(theirs) and (mine - theirs).abs().max() < TOLERANCE
        if not close:
            raise InputError(
                f"bench: of {material.name}, SpeechBrain reads other samples than ours"
            )


def _materials(folder: Path, clips: int) -> list[Material]:
    """Write the files."""
    flac = [_write(folder / f"{i}.flac", CLIP_SECONDS, 16_000) for i in range(clips)]
    mp3 = [_write(folder / f"{i}.mp3", CLIP_SECONDS, 48_000) for i in range(clips)]
    long = _write(folder / "long.flac", clips * CLIP_SECONDS, 16_000)
    length = round(CLIP_SECONDS * SAMPLE_RATE)
    segments = [
        Utterance(f"{i}", long.wav, CLIP_SECONDS, i * length, (i + 1) * length)
        for i in range(clips)
    ]
    return [
        Material("FLAC 16 kHz", 16_000, flac),
        Material("MP3 48 kHz", 48_000, mp3),
        Material("segments of a long FLAC", 16_000, segments),
    ]


def _write(path: Path, seconds: float, rate: int) -> Utterance:
    """Write a gliding tone that swells and fades, with noise; it packs like speech."""
    time_axis = np.arange(round(seconds * rate)) / rate
    generator = np.random.default_rng(len(path.name))
    pitch = 120 + 40 * np.sin(2 * np.pi * 0.7 * time_axis)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    loudness = 0.1 * (1 + np.sin(2 * np.pi * 3 * time_axis))
    samples = loudness * voice + 0.005 * generator.standard_normal(len(time_axis))
    soundfile.write(path, np.clip(samples, -1, 1), rate)
    return Utterance(path.name, str(path), seconds)
