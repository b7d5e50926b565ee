"""Audio files and batches for the tests of the data stage."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from xlsr_sb.data.dataset import Batch, SpeechDataset
from xlsr_sb.manifest import Utterance


def sine(num_samples: int, rate: int, *, hertz: float = 440.0) -> np.ndarray:
    """Half a full-scale sine, from phase 0."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(num_samples) / rate)


def digits(utterance: Utterance) -> list[int]:
    """Digits of the transcript, as ids."""
    return [int(digit) for digit in utterance.wrd]


def assert_same(one: Batch, other: Batch) -> None:
    """Equal, tensor by tensor."""
    assert one.utterances == other.utterances
    for name in ("waveforms", "num_samples", "targets", "num_targets"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name


@pytest.fixture
def write_sine(tmp_path) -> Callable[..., Path]:
    """Write a sine to a file, whose format is that of its name."""

    def write(name: str, *, num_samples: int, rate: int = 16_000, **options) -> Path:
        path = tmp_path / name
        soundfile.write(path, sine(num_samples, rate), rate, **options)
        return path

    return write


@pytest.fixture
def utterances(write_sine) -> list[Utterance]:
    """Twelve clips of 0.05 to 0.6 s, whose transcripts are their numbers."""
    return [
        Utterance(
            id=f"clip-{number}",
            wav=str(write_sine(f"{number}.wav", num_samples=800 * number)),
            duration=0.05 * number,
            wrd=str(number),
        )
        for number in range(1, 13)
    ]


@pytest.fixture
def dataset(utterances) -> SpeechDataset:
    """The twelve clips."""
    return SpeechDataset(utterances, encode_target=digits)
