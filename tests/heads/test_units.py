"""Acoustic units: the spectrum of an encoder's frame, clusters, the file.

Seen to fail: decibels limited below the loudest frame, slopes across utterances,
features or clusters not standardised, half a distance, a fixed seed, no least scale,
half precision.
"""

import pytest
import torch
import torch.nn.functional as F
import torchaudio

from tests.encoder.models import LENGTHS, ragged_batch
from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.errors import InputError
from xlsr_sb.heads.units import AcousticUnits


def tones(count=6, seed=0):
    """Short clips of sines of some pitches, with noise."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(8_000) / 16_000
    return [
        torch.sin(2 * torch.pi * 200 * 2 ** (i % 3) * time)
        + 0.05 * torch.randn(8_000, generator=generator)
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def units():
    return AcousticUnits.fit(tones(), num_units=5, seed=1)


def test_spectrum_is_torchaudios():
    """Of one utterance, normalised; 13 coefficients and two rows of slopes."""
    waveform = ragged_batch([9_000])[0]
    units = AcousticUnits(torch.zeros(39), torch.ones(39), torch.zeros(2, 39))
    found = units.features(waveform, [9_000])
    spectrum = torchaudio.transforms.MFCC(
        16_000,
        13,
        melkwargs={"n_fft": 400, "hop_length": 320, "n_mels": 26, "center": False},
    )
    spectrum.amplitude_to_DB.top_db = None
    wanted = spectrum(F.layer_norm(waveform[0], (9_000,))).t()
    torch.testing.assert_close(found[:, :13], wanted, atol=1e-4, rtol=1e-4)
    padded = torch.cat([wanted[:1], wanted, wanted[-1:]])
    slopes = (padded[2:] - padded[:-2]) / 2
    torch.testing.assert_close(found[:, 13:26], slopes, atol=1e-4, rtol=1e-4)
    padded = torch.cat([slopes[:1], slopes, slopes[-1:]])
    curves = (padded[2:] - padded[:-2]) / 2
    torch.testing.assert_close(found[:, 26:], curves, atol=1e-4, rtol=1e-4)


def test_alone_is_as_in_a_batch(units):
    """Silence too, beside one with a bang; one unit a frame."""
    waveforms, num_samples = ragged_batch(LENGTHS)
    waveforms[0, 8_000:8_400] *= 1_000
    waveforms[1, 2_000:4_000] = 0
    counts = num_samples.tolist()
    frames = Packing.of(counts, XLSRConfig()).num_frames
    together = units.features(waveforms, counts).split(frames)
    for row, n, part in zip(waveforms, counts, together, strict=True):
        alone = units.features(row[None, :n], [n])
        torch.testing.assert_close(part, alone, atol=1e-4, rtol=1e-4)
    assert len(units(waveforms, counts)) == sum(frames)


def test_padding_is_not_read(units):
    """Not even if there is no number in it."""
    waveforms, num_samples = ragged_batch(LENGTHS)
    wanted = units(waveforms, num_samples.tolist())
    for row, n in zip(waveforms, num_samples.tolist(), strict=True):
        row[n:] = float("nan")
    assert torch.equal(units(waveforms, num_samples.tolist()), wanted)


def test_unit_is_the_nearest_centroid(units):
    """Of the standardised features."""
    waveforms, num_samples = ragged_batch([4_000, 2_000])
    rows = units.features(waveforms, num_samples.tolist())
    rows = (rows - units.mean) / units.scale
    distances = torch.cdist(rows.double(), units.centroids.double())
    found = units(waveforms, num_samples.tolist())
    assert found.dtype == torch.long
    assert torch.equal(found, distances.argmin(dim=1))


def test_units_tell_sounds_apart():
    """Three pitches, three units; the same clip is always the same."""
    units = AcousticUnits.fit(tones(), num_units=3, seed=0)
    found = [units(clip[None], [8_000])[2:-2].mode().values for clip in tones(seed=5)]
    assert found[:3] == found[3:]
    assert len({unit.item() for unit in found}) == 3


def test_features_are_standardised_over_the_sample(units):
    """Mean 0, deviation 1."""
    rows = torch.cat([units.features(one[None], [8_000]) for one in tones()])
    rows = (rows - units.mean) / units.scale
    torch.testing.assert_close(rows.mean(dim=0), torch.zeros(39), atol=1e-3, rtol=0)
    torch.testing.assert_close(rows.std(dim=0), torch.ones(39), atol=1e-3, rtol=0)


def test_clusters_are_those_of_the_standardised_features(units):
    """Where k-means rests, a centroid is the mean of the frames nearest to it."""
    rows = torch.cat([units.features(one[None], [8_000]) for one in tones()])
    rows = (rows - units.mean) / units.scale
    owner = torch.cat([units(one[None], [8_000]) for one in tones()])
    for unit, centroid in enumerate(units.centroids):
        mean = rows[owner == unit].mean(dim=0)
        torch.testing.assert_close(centroid, mean, atol=1e-3, rtol=1e-3)


def test_one_seed_fixes_the_clusters(units):
    """Another finds others."""
    again = AcousticUnits.fit(tones(), num_units=5, seed=1)
    assert torch.equal(again.centroids, units.centroids)
    other = AcousticUnits.fit(tones(), num_units=5, seed=2)
    assert not torch.equal(other.centroids, units.centroids)


def test_silence_can_be_clustered():
    """A sample without any variation has no scale to divide by."""
    units = AcousticUnits.fit([torch.zeros(4_000)], num_units=1, seed=0)
    assert torch.isfinite(units.centroids).all()
    assert units(torch.zeros(1, 4_000), [4_000]).tolist() == [0] * 12


def test_more_units_than_frames_are_refused():
    with pytest.raises(
        InputError, match="1 frames of speech .* into num_units 2; give"
    ):
        AcousticUnits.fit([torch.randn(400)], num_units=2, seed=0)


def test_file_gives_the_same_units_back(units, tmp_path):
    """To the last bit."""
    path = tmp_path / "units.json"
    units.save(path)
    again = AcousticUnits.load(path)
    for mine, read in zip(units.buffers(), again.buffers(), strict=True):
        assert torch.equal(mine, read)
    waveforms, num_samples = ragged_batch(LENGTHS)
    counts = num_samples.tolist()
    assert torch.equal(units(waveforms, counts), again(waveforms, counts))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"mean": [1.0], "scale": [1.0]}', '{"mean": ["a"]}',
     '{"mean": [1.0], "scale": [1.0], "centroids": [[1.0]]}',
     '{"mean": 1.0, "scale": 1.0, "centroids": 1.0}',
     '{"mean": [[1], [2, 3]], "scale": [1.0], "centroids": [[1.0]]}'],
)  # fmt: skip
def test_damaged_files_are_refused(text, tmp_path):
    path = tmp_path / "units.json"
    path.write_text(text)
    with pytest.raises(
        InputError, match=r"units.json holds no acoustic units .*remove"
    ):
        AcousticUnits.load(path)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="none.json holds no acoustic units"):
        AcousticUnits.load(tmp_path / "none.json")


def test_runs_under_autocast_in_fp32(units):
    """Half precision would move frames between clusters."""
    waveforms, num_samples = ragged_batch(LENGTHS)
    counts = num_samples.tolist()
    with torch.autocast("cpu", torch.bfloat16):
        found = units.features(waveforms, counts), units(waveforms, counts)
    assert torch.equal(found[0], units.features(waveforms, counts))
    assert torch.equal(found[1], units(waveforms, counts))
