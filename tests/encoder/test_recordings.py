"""Long recordings: what is computed in pieces is what is computed at once.

Seen to fail: chunks normalised by themselves; positions without the frames before a
chunk, or after it; the last layer not normalised; overlaps left out; keys of the first
block only; states or samples that are kept.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from tests.encoder.models import ODD_SIZES, random_lobe
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.encoder import long_attention, recordings
from xlsr_sb.encoder.lora import add_lora
from xlsr_sb.encoder.recording_rows import RecordingRows
from xlsr_sb.encoder.recordings import encode_recording, stream_recording
from xlsr_sb.errors import InputError

DIM = 256
PEAK = f"""
import re, sys
from pathlib import Path
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.encoder.recordings import encode_recording, stream_recording

def held(what):
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(what + r":\\s+(\\d+) kB", status)[1])

sizes = dict(conv_dims=(16,) * 7, dim={DIM}, ffn_dim=256, num_heads=1, num_layers=1)
lobe = XLSR(XLSRConfig.preset("tiny", **sizes)).eval()
path, context = sys.argv[1:]
encode_recording(lobe, path.replace("long", "short"), context=context)
before = held("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
chunks = stream_recording(lobe, path, context=context, chunk_seconds=10.0)
print(sum(len(chunk.features) for chunk in chunks), held("VmHWM") - before)
"""


def drifting(seconds, seed=2):
    """Noise whose loudness and offset change over time."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(round(seconds * 16_000), generator=generator)
    time = torch.linspace(0, 1, len(noise))
    return noise * (0.02 + 0.3 * time) + 0.1 * time


def whole(lobe, waveform, **options):
    """Features [F, D] of all at once."""
    with torch.no_grad():
        num_samples = torch.tensor([len(waveform)])
        return lobe.encode(waveform[None], num_samples, **options).features[0]


@pytest.fixture
def lobe():
    """Random in every parameter, with a bell of positions that is wide."""
    return random_lobe(num_layers=3).eval()


# All of the recording


@pytest.mark.parametrize("seconds", [0.025, 0.5, 1.0, 4.99, 5.02, 23.457])
@pytest.mark.parametrize("chunk_seconds", [1.0, 5.0])
def test_in_chunks_as_at_once(lobe, seconds, chunk_seconds):
    """At the edges of chunks too, however long the rest is."""
    waveform = drifting(seconds)
    found = encode_recording(lobe, waveform, chunk_seconds=chunk_seconds)
    torch.testing.assert_close(found, whole(lobe, waveform), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sizes", ODD_SIZES, ids=lambda sizes: f"dim {sizes['dim']}")
def test_other_sizes(sizes):
    """Other hops, kernels that are odd, other heads."""
    for kernel in (20, 21):
        lobe = random_lobe(**{**sizes, "pos_conv_kernel": kernel}).eval()
        waveform = drifting(3.3)
        found = encode_recording(lobe, waveform, chunk_seconds=0.7)
        torch.testing.assert_close(found, whole(lobe, waveform), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layer", range(4))
def test_every_layer(lobe, layer):
    """Only the last one is normalised, in both contexts."""
    waveform = drifting(3.0)
    wanted = whole(lobe, waveform, up_to_layer=layer)
    for context in recordings.CONTEXTS:
        options = {"context": context, "up_to_layer": layer}
        found = encode_recording(lobe, waveform, **options)
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_many_blocks_of_queries(lobe, monkeypatch):
    """As many as an hour has."""
    monkeypatch.setattr(long_attention, "ROWS", 17)
    waveform = drifting(8.0)
    found = encode_recording(lobe, waveform)
    torch.testing.assert_close(found, whole(lobe, waveform), rtol=1e-4, atol=1e-4)


def test_adapters_take_part(lobe):
    """A lobe with adapters is asked like any other."""
    add_lora(lobe, rank=2, targets=["q", "k", "v", "output", "ffn_in", "ffn_out"])
    with torch.no_grad():
        for parameter in lobe.parameters():
            parameter.add_(0.05)
    waveform = drifting(4.0)
    found = encode_recording(lobe, waveform, chunk_seconds=1.0)
    torch.testing.assert_close(found, whole(lobe, waveform), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "minutes", [1, pytest.param(12, marks=pytest.mark.slow, id="12, slow")]
)
def test_minutes_of_the_tiny_size(minutes):
    """To 1e-4 everywhere."""
    torch.manual_seed(0)
    lobe = XLSR(XLSRConfig.preset("tiny")).eval()
    waveform = drifting(60.0 * minutes)
    found = encode_recording(lobe, waveform, chunk_seconds=20.0)
    torch.testing.assert_close(found, whole(lobe, waveform), rtol=1e-4, atol=1e-4)


# Chunks by themselves


@pytest.mark.parametrize("overlap", [0.0, 0.3, 2.0])
def test_rows_before_the_first_layer_are_exact(lobe, overlap):
    """Whatever attention sees later."""
    waveform = drifting(17.0)
    options = {"context": "chunk", "up_to_layer": 0, "chunk_seconds": 2.0}
    found = encode_recording(lobe, waveform, **options, overlap_seconds=overlap)
    wanted = whole(lobe, waveform, up_to_layer=0)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=5e-5)


def test_attention_sees_a_chunk_and_its_overlaps(lobe):
    """The layers on these rows alone, by hand."""
    waveform = drifting(5.0)
    options = {"context": "chunk", "chunk_seconds": 1.0, "overlap_seconds": 0.4}
    found = encode_recording(lobe, waveform, **options)
    rows = RecordingRows(lobe, waveform)
    everything = whole(lobe, waveform, up_to_layer=0)
    for first in range(0, 249, 50):
        begin, end = max(0, first - 20), min(249, first + 70)
        states = everything[begin:end].clone()
        with torch.no_grad():
            for layer in lobe.transformer.layers:
                states = layer(states, rows.layout(end - begin))
            wanted = lobe.transformer.norm(states)[first - begin :][:50]
        torch.testing.assert_close(
            found[first : first + 50], wanted, rtol=1e-4, atol=1e-4
        )


def test_more_context_comes_closer(lobe):
    """To what attention over all gives; in the middle of chunks as at their edges."""
    waveform = drifting(40.0)
    wanted, errors = whole(lobe, waveform), []
    for chunk, overlap in ((2.0, 0.0), (5.0, 2.0), (10.0, 10.0), (30.0, 40.0)):
        options = {"chunk_seconds": chunk, "overlap_seconds": overlap}
        found = encode_recording(lobe, waveform, context="chunk", **options)
        errors.append(((found - wanted).norm() / wanted.norm()).item())
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 1.5 * errors[2]
    assert errors[3] < 1e-5


def test_a_short_recording_is_one_chunk(lobe):
    """Then both contexts are the same."""
    waveform = drifting(2.0)
    found = encode_recording(lobe, waveform, context="chunk", chunk_seconds=2.0)
    torch.testing.assert_close(found, whole(lobe, waveform), rtol=1e-4, atol=1e-4)


# What it is made from, and what comes out


@pytest.mark.parametrize("context", recordings.CONTEXTS)
def test_chunks_lie_end_to_end(lobe, context):
    """Each says where it begins and how many frames there are."""
    options = {"context": context, "chunk_seconds": 1.0}
    chunks = list(stream_recording(lobe, drifting(3.3), **options))
    assert [chunk.first_frame for chunk in chunks] == [0, 50, 100, 150]
    assert [len(chunk.features) for chunk in chunks] == [50, 50, 50, 14]
    assert {chunk.num_frames for chunk in chunks} == {164}
    assert not any(chunk.features.requires_grad for chunk in chunks)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_files_are_as_their_waveforms(lobe, tmp_path, rate):
    """Read twice, never as a whole."""
    from xlsr_sb.data.audio import load_audio

    samples = drifting(3.0).numpy()
    soundfile.write(tmp_path / "a.wav", np.stack([samples, -0.5 * samples], 1), rate)
    wanted = whole(lobe, load_audio(tmp_path / "a.wav"))
    found = encode_recording(lobe, tmp_path / "a.wav", chunk_seconds=0.5)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_silence_is_finite(lobe):
    """No variance to divide by."""
    found = encode_recording(lobe, torch.zeros(16_000))
    torch.testing.assert_close(found, whole(lobe, torch.zeros(16_000)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"context": "all"},
            r"context must be one of \('chunk', 'recording'\), .*'all'",
        ),
        ({"chunk_seconds": 0.0}, "chunk_seconds must be at least 0.02, got 0.0"),
        ({"overlap_seconds": -1.0}, "overlap_seconds must not be negative: -1.0"),
        ({"up_to_layer": 4}, "there is no layer 4; its states are 0, .* to 3"),
        ({"up_to_layer": -1}, "there is no layer -1"),
    ],
)
def test_unusable_options_are_refused(lobe, options, message):
    """By name."""
    with pytest.raises(InputError, match=message):
        encode_recording(lobe, drifting(1.0), **options)


def test_too_short_recordings_are_refused(lobe, tmp_path):
    """With the name of the file."""
    soundfile.write(tmp_path / "a.wav", np.zeros(399), 16_000)
    with pytest.raises(InputError, match="a.wav has 399 samples .* at least 400"):
        encode_recording(lobe, tmp_path / "a.wav")
    with pytest.raises(InputError, match="it has 0 samples"):
        encode_recording(lobe, torch.zeros(0))


def test_training_mode_is_refused(lobe):
    """Masks and dropout are not wanted; a frozen lobe is fine."""
    with pytest.raises(InputError, match=r"call lobe.eval\(\) first"):
        encode_recording(lobe.train(), drifting(1.0))
    lobe.freeze()
    assert len(encode_recording(lobe, drifting(1.0))) == 49


# Memory


def peak(path, context):
    """Frames, and bytes that a process held more at most than before."""
    command = [sys.executable, "-c", PEAK, str(path), context]
    # What is freed is given back at once, so that it is not measured.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr
    return map(int, done.stdout.split())


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize(("context", "results"), [("chunk", 0), ("recording", 4)])
def test_memory_is_bounded(tmp_path, context, results):
    """Of two minutes more: nothing more by chunks, else four results of them.

    Their waveform alone has 8 MB, their first convolution 25 MB.
    """
    found = []
    for minutes in (1, 3):
        path = tmp_path / f"{minutes}-long.wav"
        write(tmp_path / f"{minutes}-short.wav", seconds=12.0)
        write(path, seconds=60.0 * minutes)
        found.append(tuple(peak(path, context)))
    (frames, before), (more_frames, after) = found
    result = 4 * DIM * (more_frames - frames)
    assert result > 6e6
    assert after - before == pytest.approx(results * result, abs=2e6)
    assert after < 40e6 + 4 * DIM * more_frames * results


def write(path, *, seconds):
    """Write a file without holding all of it."""
    with soundfile.SoundFile(path, "w", 16_000, 1) as file:
        for i in range(round(seconds / 12)):
            file.write(drifting(12.0, seed=i).numpy())
