"""Noises and rooms that are recorded: of folders and manifests, any part of them.

Seen to fail: the microphones of a response averaged; a segment read from the file's
beginning; parts of noises that are always the first; files in the order of the disk.
"""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from xlsr_sb.data.augmentation import Augmentation
from xlsr_sb.data.augmentation.recordings import Recordings, read_noise
from xlsr_sb.errors import InputError


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """A second of noise that comes and goes."""
    beats = np.sin(np.arange(16_000) / 900).clip(min=0.1)
    return (np.random.default_rng(1).normal(0, 0.1, 16_000) * beats).astype(np.float32)


@pytest.fixture
def recordings(tmp_path):
    """Return a function that writes sounds into a folder."""

    def write(**sounds):
        for name, (samples, rate) in sounds.items():
            path = tmp_path / "sounds" / f"{name.replace('__', '/')}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, samples, rate, subtype="FLOAT")
        return str(tmp_path / "sounds")

    return write


def test_noises_of_a_folder(recordings, speech):
    """At any depth and any rate, as often; a short one again and again."""
    tone = np.sin(2 * np.pi * 300 * np.arange(40_000) / 8_000)
    saw = np.arange(250) / 250
    folder = recordings(a__tone=(tone, 8_000), saw=(saw, 16_000))
    augment = Augmentation(noise_chance=1.0, noise_source=folder, noise_snr_db=[0, 0])
    wave, tones = torch.from_numpy(speech), 0
    for seed in range(40):
        noise = (augment(wave, seed) - wave).numpy()
        assert noise.var() == pytest.approx(speech.var(), rel=1e-3)
        drops = np.flatnonzero(np.diff(noise) < -0.1)
        if len(drops) > 60:
            assert set(np.diff(drops)) == {250}
        else:
            assert np.abs(np.fft.rfft(noise)).argmax() == 300
            tones += 1
    assert 10 < tones < 30


def test_parts_of_a_noise_lie_anywhere(recordings):
    """From its first sample to its last, and only as long as the clip."""
    folder = recordings(steps=(np.repeat([0.1, 0.2, 0.3, 0.4], 20_000), 16_000))
    noises, random = Recordings.of(folder, "noise_source"), np.random.default_rng(0)
    found = set()
    for _ in range(60):
        noise = read_noise(noises.draw(random), random.random(), num_samples=1_000)
        assert noise.shape == (1_000,)
        found |= set((10 * noise).round().tolist())
    assert found == {1, 2, 3, 4}


def test_sounds_of_a_manifest(recordings, tmp_path, speech):
    """Segments of files, as for speech; relative paths start at the manifest."""
    response = np.zeros((400, 2), dtype=np.float32)
    response[[50, 150], 0] = 1, 0.5  # the first microphone
    response[60, 1] = 0.9
    response[10, 0] = 3  # before the segment
    recordings(room=(response, 16_000))
    manifest = tmp_path / "rooms.csv"
    manifest.write_text("ID,duration,wav,start,stop\nr,0.0125,sounds/room.wav,40,240\n")
    augment = Augmentation(reverb_chance=1.0, reverb_source=str(manifest))
    out = augment(torch.from_numpy(speech), 0).numpy()
    expected = speech.astype(np.float64)
    expected[100:] += 0.5 * speech[:-100]
    assert np.corrcoef(out, expected)[0, 1] > 1 - 1e-9
    assert np.corrcoef(out, speech)[0, 1] < 0.95


def test_the_order_of_a_folder_is_that_of_its_names(recordings):
    """Not that of the disk; hidden files, as some systems leave, do not count."""
    sound = (np.ones(10), 16_000)
    folder = recordings(b=sound, a__z=sound, a__b=sound, _x=sound)
    hidden = Path(folder) / "._b.wav"
    hidden.write_bytes(b"x")
    found = [item.stem for item in Recordings.of(folder, "noise_source").items]
    assert found == ["_x", "b", "z", "b"]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(100), "is no impulse response: it is silent"),
        (np.array([1.0, np.inf]), "values that are not finite"),
    ],
)
def test_responses_of_no_use(recordings, samples, message):
    """Named, when they are met."""
    folder = recordings(bad=(samples, 16_000))
    augment = Augmentation(reverb_chance=1.0, reverb_source=folder)
    with pytest.raises(InputError, match=f"bad.wav {message}|bad.wav .*{message}"):
        augment(torch.ones(100), 0)


def test_sources_without_recordings(tmp_path):
    """A folder of other files, and a manifest of no row."""
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"noise_source is .* holds no recording; its"):
        Augmentation(noise_chance=0.5, noise_source=str(tmp_path))
    manifest = tmp_path / "none.csv"
    manifest.write_text("ID,duration,wav\n")
    with pytest.raises(InputError, match=r"none.csv is empty"):
        Augmentation(reverb_chance=0.5, reverb_source=str(manifest))


def test_a_silent_noise_changes_nothing(recordings, speech):
    """It cannot be made as loud as wanted."""
    folder = recordings(silence=(np.zeros(1_000), 16_000))
    augment = Augmentation(noise_chance=1.0, noise_source=folder)
    wave = torch.from_numpy(speech)
    assert torch.equal(augment(wave, 0), wave)
