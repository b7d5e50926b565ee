"""Speech in tar files of a few hundred megabytes: fewer, larger, all alike.

A shard holds a FLAC file (16 kHz, one channel, 16 bits) and a JSON file of each
utterance, as the library WebDataset reads them. The index is a manifest whose audio is
``<shard>.tar:<offset>:<size>``, so that shards are read as single files are.

A shard appears when it is whole, then a record of it under ``records/``. What has both
is not made again.
"""

import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from torch import Tensor

from xlsr_sb.data.audio import load_audio
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic, open_atomic_binary
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.manifest import Utterance

RECORDS = "records"
FULL_SCALE = 1 << 15
KEY_CHARACTERS = 60  # of an id; a name in a tar has at most 100


@dataclass(frozen=True)
class Failure:
    """An utterance that could not be read, and why."""

    id: str
    wav: str
    reason: str


@dataclass(frozen=True)
class Shard:
    """What a shard holds.

    Parameters
    ----------
    name : str
        Of its file.
    num_bytes : int
    utterances : list of Utterance
        Their audio is ``<name>:<offset>:<size>``.
    failures : list of Failure
    """

    name: str
    num_bytes: int
    utterances: list[Utterance]
    failures: list[Failure]


def encode_flac(waveform: Tensor) -> bytes:
    """FLAC file of a waveform, in 16 bits.

    Parameters
    ----------
    waveform : Tensor [T], float32 in [-1, 1]
        At 16 kHz. What came from 16 bits comes back bit for bit; the rest is rounded
        and, outside of the range, clipped.

    Example
    -------
    >>> import torch
    >>> encode_flac(torch.zeros(1_600))[:4]
    b'fLaC'
    """
    samples = np.rint(waveform.numpy() * FULL_SCALE)
    samples = samples.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def key_of(utterance: Utterance, row: int) -> str:
    """Key under which an utterance stands in a shard.

    WebDataset ends a key at the first dot and makes folders of slashes, so ids are
    reduced to letters and digits of ASCII; the row keeps them apart.

    Example
    -------
    >>> key_of(Utterance("fr/clip.1", "a.wav", 2.0), row=7)
    '000000007-fr_clip_1'
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "_", utterance.id)[:KEY_CHARACTERS]
    return f"{row:09}-{name}"


def write_shard(
    folder: Path, name: str, utterances: Sequence[Utterance], *, first_row: int
) -> Shard:
    """Write a shard and its record; each of them appears whole or not at all.

    Parameters
    ----------
    folder : Path
    name : str
        Of the tar.
    utterances : sequence of Utterance
    first_row : int
        Of the first utterance, in all of the manifest.

    Returns
    -------
    Shard
        With those that could not be read.

    Raises
    ------
    InputError
        When the disk is full.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "a.wav", np.zeros(16_000), 16_000)
    >>> clips = [Utterance(name, str(folder / f"{name}.wav"), 1.0) for name in "ab"]
    >>> shard = write_shard(folder, "shard.tar", clips, first_row=0)
    >>> [one.id for one in shard.utterances], [one.id for one in shard.failures]
    (['a'], ['b'])
    """
    written, failures = [], []
    with open_atomic_binary(folder / name) as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for row, one in enumerate(utterances, start=first_row):
                try:
                    waveform = load_audio(one.wav, start=one.start, stop=one.stop)
                except InputError as error:
                    failures.append(Failure(one.id, one.wav, str(error)))
                    continue
                key, audio = key_of(one, row), encode_flac(waveform)
                offset = _add(tar, f"{key}.flac", audio)
                _add(tar, f"{key}.json", json.dumps(_facts(one)).encode())
                place = f"{name}:{offset}:{len(audio)}"
                written.append(replace(one, wav=place, start=None, stop=None))
        num_bytes = file.tell()
    with open_atomic(_record(folder, name)) as file:
        counts = {"num_bytes": num_bytes, "num_failures": len(failures)}
        for one in (counts, *map(asdict, failures), *map(asdict, written)):
            file.write(json.dumps(one, ensure_ascii=False) + "\n")
    return Shard(name, num_bytes, written, failures)


def is_whole(folder: Path, name: str) -> bool:
    """Whether a shard and its record are there, and belong together.

    Example
    -------
    >>> is_whole(getfixture("tmp_path"), "shard.tar")
    False
    """
    try:
        with _record(folder, name).open(encoding="utf-8") as file:
            counts = json.loads(file.readline())
        return (folder / name).stat().st_size == counts["num_bytes"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_shard(folder: Path, name: str) -> Shard:
    """What a shard holds, from its record.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "a.wav", np.zeros(16_000), 16_000)
    >>> clips = [Utterance("a", str(folder / "a.wav"), 1.0)]
    >>> shard = write_shard(folder, "shard.tar", clips, first_row=0)
    >>> read_shard(folder, "shard.tar") == shard
    True
    """
    with _record(folder, name).open(encoding="utf-8", newline="\n") as file:
        counts = json.loads(file.readline())
        rows = [json.loads(line) for line in file]
    number = counts["num_failures"]
    failures = [Failure(**row) for row in rows[:number]]
    utterances = [Utterance(**row) for row in rows[number:]]
    return Shard(name, counts["num_bytes"], utterances, failures)


def shard_rows(
    durations: Sequence[float], *, seconds_per_shard: float
) -> Iterator[tuple[int, int]]:
    """First and last row (exclusive) of each shard, in the manifest's order.

    A shard ends with the utterance that brings it to ``seconds_per_shard``.

    Example
    -------
    >>> list(shard_rows([4.0, 4.0, 9.0, 1.0], seconds_per_shard=8.0))
    [(0, 2), (2, 3), (3, 4)]
    """
    ends = np.cumsum(np.asarray(durations, dtype=np.float64))
    start, done = 0, 0.0
    while start < len(ends):
        stop = int(np.searchsorted(ends, done + seconds_per_shard)) + 1
        stop = min(stop, len(ends))
        yield start, stop
        start, done = stop, float(ends[stop - 1])


def _record(folder: Path, name: str) -> Path:
    """Path of a shard's record."""
    return folder / RECORDS / f"{name}.json"


def _facts(one: Utterance) -> dict:
    """What the JSON file of an utterance says."""
    facts = {"id": one.id, "language": one.language, "corpus": one.corpus}
    facts |= {"speaker": one.spk_id, "duration": one.duration}
    return facts | ({"text": one.wrd} if one.wrd else {})


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> int:
    """Add a file; returns the byte at which its content starts."""
    info = tarfile.TarInfo(name)  # of no user and no time: the same bytes each time
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
    padded = -(-len(data) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    return tar.fileobj.tell() - padded
