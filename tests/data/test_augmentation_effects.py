"""Each change of a clip: measured, and beside SpeechBrain's where that is right.

Seen to fail: a clip that is moved by a response; a tail that falls twice as fast; half
the decibels; offsets counted as power; 1 / f of amplitudes; codecs that clip; a sample
more than before.
"""

import numpy as np
import pytest
import torch
from scipy import signal
from speechbrain.augment.codec import CodecAugment
from speechbrain.augment.time_domain import AddNoise, SpeedPerturb, pink_noise_like
from speechbrain.processing.signal_processing import reverberate

from xlsr_sb.data.augmentation import Augmentation
from xlsr_sb.data.augmentation.coding import FORMATS, coded
from xlsr_sb.data.augmentation.noise import mixed, pink_noise
from xlsr_sb.data.augmentation.reverberation import reverberated, simulated_response

RANDOM = np.random.default_rng(7)


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """A second of noise below 4 kHz that comes and goes."""
    low = signal.lfilter(*signal.butter(6, 0.4), RANDOM.normal(0, 0.2, 16_000))
    beats = np.sin(np.arange(16_000) / 900).clip(min=0.1)
    return (low * beats).astype(np.float32)


def line(x: np.ndarray, y: np.ndarray) -> float:
    """Slope of y over x."""
    return np.polyfit(x, y, 1)[0]


def same_shape(one: np.ndarray, other: np.ndarray, *, tolerance: float) -> bool:
    """Equal but for the level."""
    one, other = (x.astype(np.float64) / np.linalg.norm(x) for x in (one, other))
    return np.abs(one - other).max() < tolerance


# --- Speed


@pytest.mark.parametrize("factor", [0.9, 1.1, 0.95, 1.25])
@pytest.mark.parametrize("num_samples", [16_000, 12_345])
def test_speed_as_speechbrains(speech, factor, num_samples):
    """In hundredths; its length is 1 / factor of what it was, rounded up."""
    wave = torch.from_numpy(speech[:num_samples])
    ours = Augmentation(speed_chance=1.0, speed_factors=[factor])(wave, 0)
    theirs = SpeedPerturb(16_000, [round(100 * factor)])(wave[None])[0]
    assert len(ours) == -(-num_samples * 100 // round(100 * factor))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_a_faster_clip_is_higher():
    """440 Hz become 550."""
    tone = torch.sin(2 * torch.pi * 440 * torch.arange(16_000) / 16_000)
    out = Augmentation(speed_chance=1.0, speed_factors=[1.25])(tone, 0)
    spectrum = np.abs(np.fft.rfft(out.numpy()[:12_800]))
    assert spectrum.argmax() * 16_000 / 12_800 == 550


# --- Noise


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 12.5])
def test_noise_as_loud_as_wanted(speech, snr_db):
    """Measured by what is left without the clip; SpeechBrain's is as loud."""
    noise = RANDOM.normal(0.3, 7.0, 16_000).astype(np.float32)
    noise -= noise.mean()
    ours = mixed(speech, noise, snr_db=snr_db)
    power, rest = speech.var(), (ours - speech).var()
    assert 10 * np.log10(power / rest) == pytest.approx(snr_db, abs=1e-3)
    adder = AddNoise(
        snr_low=snr_db, snr_high=snr_db, noise_funct=lambda _: torch.tensor(noise)[None]
    )
    theirs = adder(torch.from_numpy(speech)[None], torch.ones(1))[0].numpy()
    assert same_shape(ours, theirs, tolerance=1e-5)


def test_an_offset_is_no_loudness(speech):
    """Of the clip or the noise: the encoder hears neither."""
    noise = RANDOM.normal(0, 1, 16_000).astype(np.float32)
    plain = mixed(speech, noise, snr_db=3.0)
    offset = mixed(speech + 0.25, noise + 2, snr_db=3.0)
    np.testing.assert_allclose(offset - offset.mean(), plain - plain.mean(), atol=1e-5)


def test_ratios_are_spread_over_their_range(speech):
    """Evenly; white and pink noise come as often."""
    augment = Augmentation(noise_chance=1.0, noise_snr_db=[5.0, 20.0])
    wave, found, high = torch.from_numpy(speech), [], 0
    for seed in range(300):
        noise = (augment(wave, seed) - wave).numpy()
        found.append(10 * np.log10(speech.var() / noise.var()))
        powers = np.square(np.abs(np.fft.rfft(noise)))
        high += powers[4_000:].sum() > powers[:4_000].sum() * 0.5
    assert 5 <= min(found) < 5.3
    assert 19.7 < max(found) <= 20.001
    assert np.histogram(found, bins=3, range=(5, 20.001))[0].min() > 75
    assert 120 < high < 180


def test_pink_noise_has_the_same_power_in_every_octave():
    """-3 dB an octave; SpeechBrain's amplitudes, not powers, go by 1 / f: -6 dB."""
    ours = pink_noise(2**18, RANDOM)
    theirs = pink_noise_like(torch.randn(1, 2**18))[0].numpy()
    for noise, slope in ((ours, -1), (theirs, -2)):
        hertz, power = signal.welch(noise, 16_000, nperseg=4_096)
        band = (hertz > 50) & (hertz < 7_900)
        assert line(np.log(hertz[band]), np.log(power[band])) == pytest.approx(
            slope, abs=0.05
        )
    assert signal.welch(ours, 16_000, nperseg=2**14)[1][:15].max() < 3 * power_at_20(
        ours
    )


def power_at_20(noise: np.ndarray) -> float:
    """Density at 20 Hz."""
    return signal.welch(noise, 16_000, nperseg=2**14)[1][21]


# --- Rooms


@pytest.mark.parametrize("rt60", [0.2, 0.5, 1.2])
def test_rooms_die_away_in_their_time(rt60):
    """The energy that is still to come falls by 60 dB (Schroeder 1965)."""
    slopes = []
    for _ in range(8):
        tail = simulated_response(rt60, RANDOM)[32:].astype(np.float64)
        left = 10 * np.log10(np.square(tail)[::-1].cumsum()[::-1])
        left -= left[0]
        band = (left < -5) & (left > -35)
        slopes.append(line(np.arange(len(tail))[band] / 16_000, left[band]))
    assert -60 / np.mean(slopes) == pytest.approx(rt60, rel=0.05)


def test_rooms_are_near_and_far():
    """From 9 dB more direct sound than tail to 3 dB less."""
    found = []
    for _ in range(200):
        response = simulated_response(0.2, RANDOM)
        assert np.abs(response).argmax() == 0
        found.append(-10 * np.log10(np.square(response[1:]).sum()))
    assert -3.01 < min(found) < -2.5
    assert 8.5 < max(found) < 9.01


@pytest.mark.parametrize("lead", [0, 300])
def test_a_room_as_speechbrains_with_room_to_end(speech, lead):
    """Which is circular: without zeros behind it, a clip begins with its end."""
    response = simulated_response(0.3, RANDOM)
    response = np.concatenate([RANDOM.normal(0, 0.01, lead), response])
    response = response.astype(np.float32)
    ours = reverberated(speech, response)
    padded = torch.zeros(1, 32_000)
    padded[0, :16_000] = torch.from_numpy(speech)
    theirs = reverberate(padded, torch.from_numpy(response)[None])[0, :16_000].numpy()
    assert same_shape(ours, theirs, tolerance=1e-6)
    assert ours.std() == pytest.approx(speech.std(), rel=1e-5)
    bare = reverberate(padded[:, :16_000], torch.from_numpy(response)[None])[0].numpy()
    assert not same_shape(ours, bare, tolerance=1e-3)


def test_a_response_longer_than_the_clip(speech):
    """What is heard behind the end is cut; the direct sound stays in its place."""
    response = np.zeros(30_000, dtype=np.float32)
    response[20_000], response[20_100] = -1, 0.5
    out = reverberated(speech[:1_000], response)
    expected = -speech[:1_000].astype(np.float64)
    expected[100:] += 0.5 * speech[:900]
    assert same_shape(out, expected, tolerance=1e-5)


# --- Codecs


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("num_samples", [16_000, 15_999])
def test_codecs_keep_length_and_place(speech, name, num_samples):
    """And lose something."""
    wave = speech[:num_samples]
    out = coded(wave, name)
    assert out.shape == wave.shape
    matches = signal.correlate(out, wave, method="fft")
    assert matches.argmax() == num_samples - 1
    assert 0.9 < np.corrcoef(out, wave)[0, 1] < 0.9999
    for part in (slice(1_000), slice(-1_000, None)):
        assert np.corrcoef(out[part], wave[part])[0, 1] > 0.85


@pytest.mark.parametrize("name", FORMATS)
def test_codecs_do_not_clip(speech, name):
    """A clip that noise has made too loud comes back as a softer one does."""
    loud = speech * (3 / np.abs(speech).max())
    soft = loud / np.abs(loud).max()
    np.testing.assert_array_equal(coded(loud, name), coded(soft, name))
    clipped = np.corrcoef(loud.clip(-1, 1), loud)[0, 1]
    assert np.corrcoef(coded(loud, name), loud)[0, 1] > clipped


def test_a_telephone_ends_at_4_khz():
    """What is below stays, within the noise of mu-law."""
    noise = RANDOM.normal(0, 0.1, 32_000).astype(np.float32)
    out = coded(noise, "telephone")
    hertz, power = signal.welch(out, 16_000, nperseg=1_024)
    _, before = signal.welch(noise, 16_000, nperseg=1_024)
    ratio = 10 * np.log10(power / before)
    assert np.abs(ratio[(hertz > 100) & (hertz < 2_500)]).max() < 0.5
    assert ratio[hertz < 3_400].min() > -3
    assert ratio[hertz > 5_200].max() < -30


def test_every_codec_is_taken_as_often(monkeypatch):
    """By the name it has in libsndfile."""
    seen = []

    def apply(self, waveform, format, encoder):  # noqa: A002 its name there
        seen.append((self.sample_rate, format, encoder))
        return waveform

    monkeypatch.setattr(CodecAugment, "apply_codec", apply)
    augment = Augmentation(codec_chance=1.0)
    for seed in range(300):
        augment(torch.zeros(10), seed)
    kinds = [(8_000, "WAV", "ULAW"), (16_000, "MP3", "MPEG_LAYER_III")]
    kinds.append((16_000, "OGG", "OPUS"))
    assert set(seen) == set(kinds)
    assert min(map(seen.count, kinds)) > 75
