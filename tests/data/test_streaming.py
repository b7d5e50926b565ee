"""Audio piece by piece is the audio as a whole.

Seen to fail: pieces resampled without the samples before them, or behind them; a file
that ends early taken for complete.
"""

import numpy as np
import pytest
import soundfile
import torch

from xlsr_sb.data.audio import load_audio
from xlsr_sb.data.streaming import stream_audio
from xlsr_sb.errors import InputError

KINDS = {"a.wav": "FLOAT", "a.flac": "PCM_16", "a.ogg": "VORBIS", "a.mp3": None}


def speech(num_samples, channels=1):
    """Noise that repeats nowhere."""
    random = np.random.default_rng(4)
    return 0.1 * random.standard_normal((num_samples, channels)).astype("float32")


@pytest.mark.parametrize(
    "rate", [8_000, 11_025, 16_000, 22_050, 44_100, 44_099, 48_000, 7_919]
)
@pytest.mark.parametrize("block_seconds", [0.05, 0.31, 10.0])
def test_pieces_are_the_whole(tmp_path, rate, block_seconds):
    """At any rate, in blocks of any size: to 1e-6, and to the last sample."""
    path = tmp_path / "a.wav"
    soundfile.write(path, speech(round(1.6 * rate) + 7, 2), rate, subtype="FLOAT")
    pieces = list(stream_audio(path, block_seconds=block_seconds))
    whole = load_audio(path)
    found = torch.cat(pieces)
    assert found.shape == whole.shape
    torch.testing.assert_close(found, whole, rtol=0, atol=1e-6)
    # A rate without common factor is converted in whole seconds.
    expected = 1.6 / max(block_seconds, 1.0 if rate in (44_099, 7_919) else 0.0)
    assert expected - 2 < len(pieces) < expected + 3


@pytest.mark.parametrize("name", KINDS)
def test_any_format(tmp_path, name):
    """Also those in which one cannot seek to a sample."""
    path = tmp_path / name
    soundfile.write(path, speech(70_000), 16_000, subtype=KINDS[name])
    found = torch.cat(list(stream_audio(path, block_seconds=0.37)))
    torch.testing.assert_close(found, load_audio(path), rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_one_sample(tmp_path, rate):
    """Shorter than any margin."""
    soundfile.write(tmp_path / "a.wav", speech(1), rate)
    found = torch.cat(list(stream_audio(tmp_path / "a.wav")))
    assert torch.equal(found, load_audio(tmp_path / "a.wav"))


def test_a_sample_that_is_no_number_is_named(tmp_path):
    """By its place in the file."""
    samples = speech(40_000)[:, 0]
    samples[33_333] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    blocks = stream_audio(tmp_path / "a.wav", block_seconds=0.5)
    with pytest.raises(InputError, match="a.wav: sample 33333 is nan"):
        list(blocks)


@pytest.mark.parametrize("name", ["a.flac", "a.mp3"])
def test_a_file_that_ends_early_is_found(tmp_path, name):
    """At its end, where the header does not tell."""
    path = tmp_path / name
    soundfile.write(path, speech(160_000), 16_000)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=rf"{name} .*truncated"):
        list(stream_audio(path))


def test_missing_file(tmp_path):
    """As in ``load_audio``."""
    with pytest.raises(InputError, match="there is no such file"):
        list(stream_audio(tmp_path / "a.wav"))
