"""Loading: right samples from every kind of file, one clear error from bad ones."""

import numpy as np
import pytest
import soundfile
import torch

from tests.data.conftest import sine
from xlsr_sb.data.audio import load_audio, probe_audio
from xlsr_sb.errors import InputError

RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 44_099)
FORMATS = ("a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff")


def cut(path, *, kept: float):
    """Keep only the first part of a file."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])


# --- Good files


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("num_samples", [1, 4_000, 44_101])
def test_any_rate_gives_the_sine_at_16_khz(write_sine, rate, num_samples):
    """Length exact, samples those of the analytic sine away from the ends.

    Fails when the ratio is inverted, a sample is lost, or the signal shifted by one.
    """
    path = write_sine("a.wav", num_samples=num_samples, rate=rate, subtype="FLOAT")
    loaded = load_audio(path)
    expected = torch.from_numpy(sine(len(loaded), 16_000)).float()
    assert loaded.dtype == torch.float32
    assert len(loaded) == -(-num_samples * 16_000 // rate)
    inside = slice(20, -20)
    torch.testing.assert_close(loaded[inside], expected[inside], atol=2e-3, rtol=0)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_tones_above_8_khz_do_not_fold_back(tmp_path, rate):
    """12 kHz would be heard at 4 kHz; fails when samples are merely dropped."""
    path = tmp_path / "high.wav"
    soundfile.write(path, sine(rate, rate, hertz=12_000), rate)
    assert load_audio(path)[100:-100].abs().max() < 0.01


def test_samples_at_16_khz_are_untouched(tmp_path):
    """Bit for bit."""
    path = tmp_path / "noise.wav"
    noise = np.random.default_rng(0).uniform(-1, 1, 999).astype(np.float32)
    soundfile.write(path, noise, 16_000, subtype="FLOAT")
    assert torch.equal(load_audio(path), torch.from_numpy(noise))


def test_channels_are_averaged(tmp_path):
    """Not the first one taken, not one after the other."""
    path = tmp_path / "stereo.wav"
    left, right = sine(1_000, 16_000), sine(1_000, 16_000, hertz=1_000)
    soundfile.write(path, np.stack([left, right], axis=1), 16_000, subtype="FLOAT")
    expected = torch.from_numpy((left + right) / 2).float()
    torch.testing.assert_close(load_audio(path), expected, atol=1e-6, rtol=0)
    assert probe_audio(path).num_channels == 2


@pytest.mark.parametrize("rate", [8_000, 44_100])
@pytest.mark.parametrize("name", FORMATS)
def test_the_header_says_what_is_loaded(write_sine, name, rate):
    """Length, rate and duration of each format."""
    path = write_sine(name, num_samples=3 * rate, rate=rate)
    info = probe_audio(path)
    assert (info.num_samples, info.sample_rate, info.duration) == (3 * rate, rate, 3.0)
    assert load_audio(path).shape == (48_000,)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("start", [0, 1_000, 50_000, 100_000, 159_000])
def test_a_segment_is_that_part_of_the_file(tmp_path, name, start):
    """Also of MP3 and Vorbis, where libsndfile seeks to the wrong place."""
    path = tmp_path / name
    chirp = 0.5 * np.sin(np.cumsum(np.linspace(0, 0.5, 160_000)))
    soundfile.write(path, chirp, 16_000)
    whole = load_audio(path)
    part = load_audio(path, start=start, stop=start + 1_000)
    assert torch.equal(part, whole[start : start + 1_000])
    assert torch.equal(load_audio(path, start=start), whole[start:])


def test_a_segment_counts_samples_at_the_files_own_rate(write_sine):
    """A tenth of a second at 48 kHz is one at 16 kHz."""
    path = write_sine("a.flac", num_samples=48_000, rate=48_000)
    assert len(load_audio(path, start=24_000, stop=28_800)) == 1_600


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_nothing_but_the_segment_is_read(write_sine, monkeypatch, name):
    """An hour-long file must not be read for each of its utterances."""
    path = write_sine(name, num_samples=100_000)
    wanted = []
    read = soundfile.SoundFile.read

    def counting(self, frames=-1, *args, **kwargs):
        wanted.append((self.tell(), frames))
        return read(self, frames, *args, **kwargs)

    monkeypatch.setattr(soundfile.SoundFile, "read", counting)
    load_audio(path, start=60_000, stop=61_000)
    assert wanted == [(60_000, 1_000)]


def test_a_file_written_to_a_pipe_is_whole(write_sine):
    """Its header cannot know the length and holds the greatest there is."""
    path = write_sine("piped.wav", num_samples=1_600)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert len(load_audio(path)) == 1_600


def test_an_mp3_whose_length_is_estimated_is_whole(tmp_path):
    """Without its first frame, which holds the length, MP3 only has a bit rate."""
    path = tmp_path / "a.mp3"
    noise = np.random.default_rng(0).normal(0, 0.1, 441_000)
    soundfile.write(path, noise, 44_100, bitrate_mode="CONSTANT", compression_level=0.5)
    data = path.read_bytes()
    path.write_bytes(data[data.find(data[:2], 10) :])
    estimate, (present,) = probe_audio(path).num_samples, soundfile.read(path)[0].shape
    assert estimate > present > 441_000
    assert len(load_audio(path)) == -(-present * 16_000 // 44_100)


# --- Bad files


def fails(path, message, **segment):
    """Both functions, or loading alone where a segment is asked for."""
    for use in (load_audio,) if segment else (load_audio, probe_audio):
        with pytest.raises(InputError, match=rf"{path.name}\b.*{message}"):
            use(path, **segment)


def test_missing_file(tmp_path):
    """The path is in the message."""
    fails(tmp_path / "none.wav", "there is no such file")


def test_folder(tmp_path):
    """In place of a file."""
    (tmp_path / "clips.wav").mkdir()
    fails(tmp_path / "clips.wav", "is not a file")


@pytest.mark.parametrize("name", ["empty.wav", "empty.flac", "empty.raw"])
def test_empty_file(tmp_path, name):
    """Not a byte."""
    (tmp_path / name).touch()
    fails(tmp_path / name, "is an empty file; fetch it again")


@pytest.mark.parametrize("name", ["text.wav", "text.mp3", "text.raw"])
def test_text_in_place_of_audio(tmp_path, name):
    """As servers send it with their errors."""
    (tmp_path / name).write_text("<html>404 not found</html>\n" * 100)
    fails(tmp_path / name, "cannot be read as audio")


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au", "a.w64", "a.rf64"])
def test_truncated_file_whose_header_tells(write_sine, name):
    """Fails with libsndfile alone, which takes the rest for the whole."""
    path = write_sine(name, num_samples=16_000)
    cut(path, kept=0.5)
    assert 0 < soundfile.info(path).frames < 16_000
    fails(path, r"is truncated: its header promises \d+ bytes and \d+ are there")
    fails(path, "is truncated", start=0, stop=100)


def test_wav_cut_within_its_last_sample(write_sine):
    """The smallest cut that loses a sample."""
    path = write_sine("a.wav", num_samples=100, subtype="FLOAT")
    path.write_bytes(path.read_bytes()[:-3])
    fails(path, "is truncated")


def test_wav_without_its_header(write_sine):
    """Cut after thirty bytes."""
    path = write_sine("a.wav", num_samples=100)
    path.write_bytes(path.read_bytes()[:30])
    fails(path, "cannot be read as audio, it is damaged, truncated")


@pytest.mark.parametrize("name", ["a.flac", "a.mp3"])
def test_truncated_file_whose_header_does_not_tell(write_sine, name):
    """Found when it is loaded, whole or beyond the cut; what is left can be had."""
    path = write_sine(name, num_samples=160_000)
    cut(path, kept=0.5)
    assert probe_audio(path).num_samples == 160_000
    with pytest.raises(InputError, match=rf"{name} .*truncated"):
        load_audio(path)
    with pytest.raises(InputError, match=rf"{name} .*truncated"):
        load_audio(path, start=150_000, stop=151_000)
    assert len(load_audio(path, start=100, stop=1_100)) == 1_000


def test_flac_without_a_length(write_sine):
    """As it is written to a pipe."""
    path = write_sine("piped.flac", num_samples=1_600)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)  # the 36 bits of STREAMINFO's number of samples
    path.write_bytes(data)
    fails(path, "does not say how long it is")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_that_are_no_numbers(tmp_path, bad, channels):
    """The sample is named, counted from the file's start."""
    path = tmp_path / "bad.wav"
    samples = np.zeros((1_000, channels), np.float32)
    samples[700, 0] = bad
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    for segment in ({}, {"start": 600, "stop": 800}):
        with pytest.raises(
            InputError, match=rf"bad\.wav: sample 700 is {bad}; .*finite"
        ):
            load_audio(path, **segment)
    assert len(load_audio(path, stop=700)) == 700


def test_file_without_samples(tmp_path):
    """A header and nothing after it."""
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    fails(tmp_path / "none.wav", "holds no samples; leave it out")


@pytest.mark.parametrize(
    ("start", "stop"), [(50, 50), (60, 50), (-1, 50), (0, 101), (100, None), (None, 0)]
)
def test_segment_that_is_empty_or_outside(write_sine, start, stop):
    """Both bounds and the file's length are in the message."""
    path = write_sine("a.wav", num_samples=100)
    bounds = f"from {start or 0} to {100 if stop is None else stop}"
    message = f"the segment {bounds} is empty or outside; the file has 100 samples"
    fails(path, message, start=start, stop=stop)
