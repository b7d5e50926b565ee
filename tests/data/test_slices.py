"""Files in a tar: read as if they were alone, from any place.

Seen to fail: bytes of the next file read; a place counted from the tar's beginning.
"""

import io
import tarfile

import numpy as np
import pytest
import soundfile
import torch

from xlsr_sb.data.audio import load_audio, probe_audio
from xlsr_sb.data.slices import FileSlice
from xlsr_sb.data.streaming import stream_audio
from xlsr_sb.errors import InputError


def pack(folder, *names):
    """Paths of some files inside a tar of them."""
    with tarfile.open(folder / "all.tar", "w") as tar:
        for name in names:
            tar.add(folder / name, arcname=name)
    with tarfile.open(folder / "all.tar") as tar:
        members = [tar.getmember(name) for name in names]
    return [f"{folder}/all.tar:{one.offset_data}:{one.size}" for one in members]


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff"])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_audio_in_a_tar_is_audio(tmp_path, name, rate):
    """Header, all of it, a part of it, and piece by piece: bit for bit."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 2 * rate))
    for number, samples in enumerate(noise):
        soundfile.write(tmp_path / f"{number}{name}", samples, rate)
    names = [f"{number}{name}" for number in range(3)]
    for alone, place in zip(names, pack(tmp_path, *names), strict=True):
        path = tmp_path / alone
        assert probe_audio(place) == probe_audio(path)
        assert torch.equal(load_audio(place), load_audio(path))
        bounds = {"start": 9_001, "stop": 17_003}
        assert torch.equal(load_audio(place, **bounds), load_audio(path, **bounds))
        pieces = [torch.cat(list(stream_audio(one))) for one in (place, path)]
        assert torch.equal(*pieces)


def test_little_is_read_for_a_part(tmp_path, monkeypatch):
    """Of a FLAC of five minutes, a second."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 300 * 16_000)
    soundfile.write(tmp_path / "long.flac", noise, 16_000)
    (place,) = pack(tmp_path, "long.flac")
    read, count = FileSlice.readinto, []
    monkeypatch.setattr(
        FileSlice, "readinto", lambda self, x: count.append(read(self, x)) or count[-1]
    )
    assert len(load_audio(place, start=3_000_000, stop=3_016_000)) == 16_000
    assert 20_000 < sum(count) < 600_000 < (tmp_path / "long.flac").stat().st_size / 10


def test_a_slice_is_a_file(tmp_path):
    """Reads, places and ends are those of the same bytes in memory."""
    data = bytes(range(200))
    (tmp_path / "x.tar").write_bytes(b"before" + data + b"after")
    random = np.random.default_rng(0)
    with FileSlice(f"{tmp_path}/x.tar:6:200") as file:
        alone = io.BytesIO(data)
        for _ in range(300):
            whence, size = random.integers(3), int(random.integers(80))
            offset = int(random.integers(-90, 90)) if whence else size
            place = {0: 0, 1: alone.tell(), 2: 200}[whence] + offset
            if place >= 0:
                assert file.seek(offset, whence) == alone.seek(offset, whence)
            assert file.read(size) == alone.read(size)
            assert file.tell() == alone.tell()
    assert file.closed


def test_what_is_wrong_is_named(tmp_path):
    """The tar, and the slice of it."""
    with pytest.raises(InputError, match=r"none\.tar cannot be read: No such file"):
        load_audio(f"{tmp_path}/none.tar:0:9")
    (tmp_path / "x.tar").write_bytes(b"no audio at all")
    with pytest.raises(InputError, match=r"x\.tar:0:15 cannot be read as audio"):
        load_audio(f"{tmp_path}/x.tar:0:15")
    with pytest.raises(InputError, match=r"x\.tar:0:16: the file has 15 bytes only"):
        load_audio(f"{tmp_path}/x.tar:0:16")
    soundfile.write(tmp_path / "a.flac", np.zeros(16_000), 16_000)
    (place,) = pack(tmp_path, "a.flac")
    cut = f"{place.rpartition(':')[0]}:60"
    with pytest.raises(InputError, match=r"all\.tar:\d+:60 "):
        load_audio(cut)
