"""Crops: as long as planned at any rate, anywhere in the recording, nothing else read.

Seen to fail: a crop counted in samples of 16 kHz at another rate; the latest place
never reached; a segment's own bounds passed over.
"""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from xlsr_sb.data.audio import load_audio
from xlsr_sb.data.cropping import CroppedDataset, CropPlan, crop
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

LAST = 1 - 2**-53  # the greatest place there is


@pytest.fixture
def recording(tmp_path):
    """Return a function that writes three seconds of a ramp at any rate."""

    def write(name="a.wav", *, rate=16_000, seconds=3.0):
        count = round(rate * seconds)
        ramp = np.linspace(-0.5, 0.5, count)
        options = {} if name.endswith("mp3") else {"subtype": "PCM_16"}
        soundfile.write(tmp_path / name, ramp, rate, **options)
        return Utterance("a", str(tmp_path / name), count / rate)

    return write


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("seconds", [2.0, 1.2345])
@pytest.mark.parametrize("place", [0.0, 0.37, LAST])
def test_a_crop_is_as_long_as_planned(recording, rate, seconds, place):
    """Never longer, and at most one sample of the file's own rate shorter."""
    one = recording(rate=rate)
    part = crop(one, place, max_seconds=seconds)
    assert 0 <= part.start < part.stop <= 3 * rate
    assert part.stop - part.start == seconds * rate // 1
    samples = load_audio(part.wav, start=part.start, stop=part.stop)
    assert seconds * 16_000 - max(1, 16_000 / rate) <= len(samples) <= seconds * 16_000
    assert part.duration == (part.stop - part.start) / rate


def test_places_go_from_the_beginning_to_the_end(recording):
    """All of them alike: 48,000 - 32,000 + 1 of them."""
    one = recording()
    assert crop(one, 0.0, max_seconds=2.0).start == 0
    assert crop(one, LAST, max_seconds=2.0).stop == 48_000
    places = np.random.default_rng(0).random(4_000)
    starts = [crop(one, place, max_seconds=2.0).start for place in places.tolist()]
    counts = np.histogram(starts, bins=16, range=(0, 16_001))[0]
    assert ((counts - 250) ** 2 / 250).sum() < 45  # 15 degrees of freedom


def test_what_is_short_enough_is_whole(recording):
    """Its file is not even opened."""
    one = recording(seconds=2.0)
    assert crop(one, 0.5, max_seconds=2.0) is one
    away = replace(one, wav="none.wav")
    assert crop(away, 0.5, max_seconds=2.0) is away
    # A manifest that promises more than there is.
    longer = replace(one, duration=9.0)
    assert crop(longer, 0.5, max_seconds=2.0) is longer


def test_a_segment_stays_within_its_bounds(recording):
    """Also where only one of them is given."""
    one = recording()
    for start, stop in ((8_000, 40_000), (None, 40_000), (8_000, None)):
        first, last = start or 0, stop or 48_000
        segment = replace(one, start=start, stop=stop, duration=(last - first) / 16_000)
        assert crop(segment, 0.0, max_seconds=1.0).start == first
        assert crop(segment, LAST, max_seconds=1.0).stop == last


def test_an_mp3_whose_length_is_estimated(tmp_path):
    """Its last part is never asked for, as it may not be there."""
    path = tmp_path / "a.mp3"
    noise = np.random.default_rng(0).normal(0, 0.1, 441_000)
    soundfile.write(path, noise, 44_100, bitrate_mode="CONSTANT", compression_level=0.5)
    data = path.read_bytes()
    path.write_bytes(data[data.find(data[:2], 10) :])
    info = soundfile.info(path)
    part = crop(Utterance("a", str(path), info.duration), LAST, max_seconds=4.0)
    assert len(load_audio(path, start=part.start, stop=part.stop)) == 64_000


def test_nothing_but_the_crop_is_read(recording, monkeypatch):
    """Of a recording of hours that matters."""
    one = recording("a.flac")
    wanted, read = [], soundfile.SoundFile.read

    def counting(self, frames=-1, *args, **kwargs):
        wanted.append((self.tell(), frames))
        return read(self, frames, *args, **kwargs)

    monkeypatch.setattr(soundfile.SoundFile, "read", counting)
    dataset = CroppedDataset([one], encode_target=lambda _: [], max_seconds=0.5)
    batch = dataset[[(0, 0.25)]]
    assert wanted == [(10_000, 8_000)]
    assert torch.equal(batch.waveforms[0], load_audio(one.wav)[10_000:18_000])


def test_an_index_alone_gives_the_beginning(recording):
    """As in evaluation."""
    one = recording()
    dataset = CroppedDataset([one], encode_target=lambda _: [], max_seconds=0.5)
    assert dataset.durations.tolist() == [0.5]
    assert torch.equal(dataset[[0]].waveforms[0], load_audio(one.wav)[:8_000])


def test_a_file_that_cannot_be_opened_is_named(recording):
    """With the utterance."""
    lost = replace(recording(), wav="none.wav")
    dataset = CroppedDataset([lost], encode_target=lambda _: [], max_seconds=0.5)
    with pytest.raises(InputError, match="utterance 'a': none.wav: there is no such"):
        dataset[[(0, 0.5)]]


def test_places_depend_on_seed_epoch_and_place_alone():
    """Not on processes; each epoch has others, and each place its own."""
    limits = {"seconds_per_update": 20.0, "seconds_per_device": 5.0}

    def pairs(epoch, **options):
        plan = CropPlan([1.0] * 60, **limits, **{"seed": 1, **options})
        return sorted(pair for u in plan.epoch(epoch) for b in u for pair in b)

    whole = pairs(3)
    assert len({place for _, place in whole}) == 60
    shared = [pairs(3, rank=rank, world_size=2) for rank in (0, 1)]
    assert sorted(sum(shared, [])) == whole
    assert not {p for _, p in whole} & {p for _, p in pairs(4)}
    assert not {p for _, p in whole} & {p for _, p in pairs(3, seed=2)}
