"""Shards: the same batches as from files, whole after any interruption.

Seen to fail: an offset off by a block; samples scaled by 32,767; a shard cut off taken
for whole; two ids that became one key; utterances left out that nobody was told of.
"""

import json
import os
import signal
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.data.conftest import assert_same
from tests.data.test_unlabelled import SETTINGS
from xlsr_sb.data import shards
from xlsr_sb.data.audio import load_audio
from xlsr_sb.data.batching import EvalLoader, SpeechDataset
from xlsr_sb.data.sharding import make_shards
from xlsr_sb.data.shards import encode_flac
from xlsr_sb.data.unlabelled import pretraining_loader
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import (
    Utterance,
    read_manifest,
    read_utterances,
    table,
    write_manifest,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def manifest(tmp_path):
    """Twenty-four recordings of 16 bits at 16 kHz, and segments of a long one."""
    random = np.random.default_rng(0)
    audio = tmp_path / "audio"
    audio.mkdir()
    clips = []
    for number in range(1, 25):
        path = audio / f"{number}.{('wav', 'flac')[number % 2]}"
        samples = random.integers(-(1 << 15), 1 << 15, 700 * number, dtype=np.int16)
        soundfile.write(path, samples, 16_000)
        clips.append(
            Utterance(
                id=f"fr/clip.{number % 2}é-{number}",
                wav=str(path),
                duration=len(samples) / 16_000,
                spk_id=f"speaker {number % 5}",
                language=("fr", "ka", "ab")[number % 3],
                corpus=("books", "radio")[number // 15],
                wrd="oui, non" if number == 7 else "",
            )
        )
    for start in (0, 5_000):
        segment = replace(
            clips[23], id=f"part {start}", start=start, stop=start + 4_000
        )
        clips.append(replace(segment, duration=0.25))
    write_manifest(tmp_path / "train.csv", clips)
    return tmp_path / "train.csv"


def make(manifest, folder, **options):
    """Shards of about two seconds; what was reported of them, and the totals."""
    told = []
    options = {"seconds_per_shard": 2.0, "report": told.append, **options}
    return make_shards(manifest, folder, **options), told


def content(folder):
    """Bytes of everything that counts."""
    names = [*folder.glob("*.*"), *folder.glob("records/*")]
    return {path.relative_to(folder): path.read_bytes() for path in names}


# What is in them


def test_the_index_is_the_manifest(manifest, tmp_path):
    """The same utterances in the same order, elsewhere."""
    totals, told = make(manifest, tmp_path / "out")
    found, given = read_utterances(tmp_path / "out"), read_manifest(manifest)
    assert len(told) == totals.shards > 5
    assert totals.utterances == len(found) == 26
    for one, other in zip(found, given, strict=True):
        assert replace(one, wav=other.wav) == replace(other, start=None, stop=None)
        assert one.wav.startswith(str(tmp_path / "out" / "shard-0000"))
        whole = load_audio(other.wav, start=other.start, stop=other.stop)
        assert torch.equal(load_audio(one.wav), whole)


def test_the_speech_of_each_language(manifest, tmp_path):
    """In a table, by corpus."""
    make(manifest, tmp_path / "out")
    lines = (tmp_path / "out" / "languages.tsv").read_text().splitlines()
    given, expected = read_manifest(manifest), ["corpus\tlanguage\tutterances\tseconds"]
    for group in sorted({(one.corpus, one.language) for one in given}):
        own = [one for one in given if (one.corpus, one.language) == group]
        seconds = sum(one.duration for one in own)
        expected.append(f"{group[0]}\t{group[1]}\t{len(own)}\t{seconds:.2f}")
    assert lines == expected
    assert len(lines) == 7


def test_a_tar_is_a_tar(manifest, tmp_path):
    """As the command ``tar`` and the library read it: a FLAC and its facts each."""
    make(manifest, tmp_path / "out")
    given, names = read_manifest(manifest), []
    for path in sorted((tmp_path / "out").glob("*.tar")):
        listed = subprocess.run(
            ["tar", "-tf", path], capture_output=True, text=True, check=True
        )
        names += listed.stdout.split()
        with tarfile.open(path) as tar:
            assert tar.getnames() == listed.stdout.split()
            for member in tar.getmembers()[1::2]:
                facts = json.load(tar.extractfile(member))
                one = given[int(member.name.split("-")[0])]
                text = {"text": one.wrd} if one.wrd else {}
                assert facts == text | {
                    "id": one.id,
                    "language": one.language,
                    "corpus": one.corpus,
                    "speaker": one.spk_id,
                    "duration": one.duration,
                }
    assert names[:2] == ["000000000-fr_clip_1_-1.flac", "000000000-fr_clip_1_-1.json"]
    assert len(set(names)) == len(names) == 52


WEBDATASET = """
import json, sys, webdataset
for one in webdataset.WebDataset(sys.argv[1:], shardshuffle=False):
    names = sorted(name for name in one if name[0] != "_")
    print(json.dumps([one["__key__"], json.loads(one["json"])["id"], names]))
"""


def test_webdataset_reads_them(manifest, tmp_path):
    """Samples in the manifest's order, keys without surprises."""
    pytest.importorskip("webdataset")
    make(manifest, tmp_path / "out")
    paths = sorted((tmp_path / "out").glob("*.tar"))
    # In a process of its own, as it leaves files open, which is a warning.
    ended = subprocess.run(
        [sys.executable, "-c", WEBDATASET, *paths], stdout=subprocess.PIPE, check=True
    )
    samples = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [name for _, name, _ in samples] == [o.id for o in read_manifest(manifest)]
    assert len({key for key, _, _ in samples}) == 26
    assert {tuple(names) for _, _, names in samples} == {("flac", "json")}


def test_sixteen_bits_come_back_bit_for_bit(tmp_path):
    """All values there are; what is between or outside is rounded and clipped."""
    every = torch.arange(-(1 << 15), 1 << 15) / (1 << 15)
    other = torch.tensor([0.4, 0.6, -0.6, 1.2 * 32_768, -32_769.0, 32_767.4]) / 32_768
    (tmp_path / "a.flac").write_bytes(encode_flac(torch.cat([every, other])))
    found = load_audio(tmp_path / "a.flac")
    assert torch.equal(found[:-6], every)
    wanted = [0, 1, -1, 32_767, -32_768, 32_767]
    assert (found[-6:] * 32_768).tolist() == wanted
    assert soundfile.info(tmp_path / "a.flac").subtype == "PCM_16"


def test_any_audio_becomes_16_khz(tmp_path):
    """Within half a step of what is loaded from the file."""
    noise = np.random.default_rng(0).normal(0, 0.1, (30_001, 2))
    soundfile.write(tmp_path / "a.ogg", noise, 44_100)
    write_manifest(
        tmp_path / "a.csv", [Utterance("a", str(tmp_path / "a.ogg"), 30_001 / 44_100)]
    )
    make(tmp_path / "a.csv", tmp_path / "out")
    (found,) = read_utterances(tmp_path / "out")
    difference = load_audio(found.wav) - load_audio(tmp_path / "a.ogg")
    assert difference.abs().max() <= 0.5001 / (1 << 15)


# As data


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("world_size", [1, 2])
def test_batches_are_those_of_the_files(manifest, tmp_path, num_workers, world_size):
    """Bit for bit: crops, shares of processes, and from the middle of an epoch on."""
    make(manifest, tmp_path / "out")
    files, packed = read_manifest(manifest), read_utterances(tmp_path / "out")
    settings = SETTINGS | {"num_workers": num_workers}
    for rank in range(world_size):
        options = {"seed": 1, "rank": rank, "world_size": world_size}
        one = list(pretraining_loader(files, SETTINGS, **options).epoch(3))
        two = list(pretraining_loader(packed, settings, **options).epoch(3, start=1))
        assert len(two) == len(one) - 1 > 2
        for update, other in zip(one[1:], two, strict=True):
            assert len(update) == len(other)
            for batch, same in zip(update, other, strict=True):
                assert batch.ids == same.ids
                assert torch.equal(batch.waveforms, same.waveforms)
                assert torch.equal(batch.num_samples, same.num_samples)


def test_evaluation_is_that_of_the_files(manifest, tmp_path):
    """With whole utterances and targets."""
    make(manifest, tmp_path / "out")
    loaders = [
        EvalLoader(
            SpeechDataset(speech, encode_target=lambda one: [len(one.wrd)]),
            seconds_per_device=2.0,
        )
        for speech in (read_manifest(manifest), read_utterances(tmp_path / "out"))
    ]
    for batch, same in zip(*loaders, strict=True):
        assert_same(replace(batch, utterances=()), replace(same, utterances=()))
        assert batch.ids == same.ids


def test_shards_are_moved_as_a_folder(manifest, tmp_path):
    """Paths in the index are relative; and large ones are tables."""
    make(manifest, tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "moved")
    for path in (tmp_path / "audio").iterdir():
        path.unlink()
    assert len(load_audio(read_utterances(tmp_path / "moved")[0].wav)) == 700


def test_shards_of_shards(manifest, tmp_path, monkeypatch):
    """Of another size: the same speech; also where manifests are tables."""
    make(manifest, tmp_path / "small")
    monkeypatch.setattr(table, "LARGE", 100)
    totals, _ = make(tmp_path / "small", tmp_path / "large", seconds_per_shard=99.0)
    assert (totals.shards, totals.utterances) == (1, 26)
    first, second = (read_utterances(tmp_path / name) for name in ("small", "large"))
    assert isinstance(second, table.UtteranceTable)
    for one, other in zip(first, second, strict=True):
        assert replace(one, wav=other.wav) == other
        assert torch.equal(load_audio(one.wav), load_audio(other.wav))


# Bad clips


def test_what_cannot_be_read_is_listed(manifest, tmp_path):
    """By id, file and reason; the rest is there."""
    clips = read_manifest(manifest)
    Path(clips[3].wav).unlink()
    Path(clips[9].wav).write_text("no audio")
    totals, told = make(manifest, tmp_path / "out")
    lines = (tmp_path / "out" / "failed.csv").read_text().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(f"{clips[3].id},{clips[3].wav},")
    assert "there is no such file" in lines[1]
    assert "cannot be read as audio" in lines[2]
    assert (totals.utterances, totals.failures) == (24, 2)
    assert [one.id for shard in told for one in shard.failures] == [
        clips[3].id,
        clips[9].id,
    ]
    kept = [one.id for one in clips if one not in (clips[3], clips[9])]
    assert [one.id for one in read_utterances(tmp_path / "out")] == kept
    again, told = make(manifest, tmp_path / "out")
    assert (again, told) == (totals, [])


def test_nothing_can_be_read(manifest, tmp_path):
    """It is an error, and the reasons stay."""
    for path in (tmp_path / "audio").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="none of 26 utterances could be read; .*fail"):
        make(manifest, tmp_path / "out")
    assert len((tmp_path / "out" / "failed.csv").read_text().splitlines()) == 27
    with pytest.raises(InputError, match="is a folder without index.csv"):
        read_utterances(tmp_path / "out")


# Interruptions


def test_processes_make_the_same(manifest, tmp_path):
    """Byte by byte, as many as there are."""
    make(manifest, tmp_path / "one")
    _, told = make(manifest, tmp_path / "two", workers=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    names = [path.name for path in (tmp_path / "one").glob("*.tar")]
    assert sorted(shard.name for shard in told) == sorted(names)


def test_it_goes_on_where_it_was_stopped(manifest, tmp_path, monkeypatch):
    """Shards that are whole are kept; the result is as if nothing had happened."""
    make(manifest, tmp_path / "whole")
    out, encode, calls = tmp_path / "out", encode_flac, []

    def stopped(waveform):
        calls.append(len(waveform))
        if len(calls) == 17:
            raise KeyboardInterrupt
        return encode(waveform)

    monkeypatch.setattr(shards, "encode_flac", stopped)
    with pytest.raises(KeyboardInterrupt):
        make(manifest, out)
    done = {path.name: path.stat().st_mtime_ns for path in out.glob("*.tar")}
    assert len(done) == 2
    assert not (out / "index.csv").exists()
    _, told = make(manifest, out)
    assert not {shard.name for shard in told} & set(done)
    assert {
        p.name: p.stat().st_mtime_ns for p in out.glob("*.tar")
    }.items() >= done.items()
    assert content(out) == content(tmp_path / "whole")
    assert make(manifest, out)[1] == []


@pytest.mark.parametrize("harm", ["cut", "gone", "no record", "bad record"])
def test_a_shard_that_is_not_whole_is_made_again(manifest, tmp_path, harm):
    """And no other."""
    make(manifest, tmp_path / "out")
    before = content(tmp_path / "out")
    name = "shard-000002.tar"
    tar, record = tmp_path / "out" / name, tmp_path / "out" / "records" / f"{name}.json"
    if harm == "cut":
        tar.write_bytes(tar.read_bytes()[:-1])
    elif harm == "bad record":
        record.write_text("{}")
    else:
        (tar if harm == "gone" else record).unlink()
    _, told = make(manifest, tmp_path / "out")
    assert [shard.name for shard in told] == [name]
    assert content(tmp_path / "out") == before


def test_an_index_is_of_the_shards_that_are_there(manifest, tmp_path, monkeypatch):
    """It goes before a shard is made again, and comes when all are there."""
    out, read = tmp_path / "out", shards.load_audio
    make(manifest, out)
    before = content(out)
    (out / "index.csv").unlink()
    assert make(manifest, out)[1] == []
    assert content(out) == before
    (out / "shard-000001.tar").unlink()

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(shards, "load_audio", stopped)
    with pytest.raises(KeyboardInterrupt):
        make(manifest, out)
    assert not (out / "index.csv").exists()
    monkeypatch.setattr(shards, "load_audio", read)
    make(manifest, out)
    assert content(out) == before


KILLED = """
import os, signal, sys
from xlsr_sb.data import shards, sharding
encode, calls = shards.encode_flac, []
def killing(waveform):
    calls.append(1)
    if len(calls) == 17:
        os.kill(os.getpid(), signal.SIGKILL)
    return encode(waveform)
shards.encode_flac = killing
sharding.make_shards(*sys.argv[1:], seconds_per_shard=2.0, report=print)
"""


def test_killed_in_the_middle(manifest, tmp_path):
    """What was cut off has a name of its own, and is removed."""
    make(manifest, tmp_path / "whole")
    out = tmp_path / "out"
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, manifest, out], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert ended.returncode == -signal.SIGKILL
    assert len([n for n in os.listdir(out) if n.endswith(".unfinished")]) == 1
    assert len(list(out.glob("shard*.tar"))) == 2
    make(manifest, out)
    assert content(out) == content(tmp_path / "whole")
    assert sorted(os.listdir(out)) == sorted(os.listdir(tmp_path / "whole"))


def test_folders_are_not_mixed(manifest, tmp_path):
    """Another manifest, or another size, needs another folder."""
    make(manifest, tmp_path / "out")
    with pytest.raises(InputError, match="with another seconds_per_shard: .*another f"):
        make(manifest, tmp_path / "out", seconds_per_shard=3.0)
    write_manifest(manifest, read_manifest(manifest)[1:])
    with pytest.raises(InputError, match="with another manifest_sha256, utterances"):
        make(manifest, tmp_path / "out")
    with pytest.raises(InputError, match="is not empty; give a new folder"):
        make(manifest, tmp_path / "audio")


def test_a_full_disk(manifest, tmp_path, monkeypatch):
    """One clear error; the shards before it stay."""
    fsync, calls = os.fsync, []

    def full(file):
        calls.append(file)
        if len(calls) > 5:
            raise OSError(28, "No space left on device")
        fsync(file)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"tar cannot be written: No space left"):
        make(manifest, tmp_path / "out")
    monkeypatch.setattr(os, "fsync", fsync)
    assert not [n for n in os.listdir(tmp_path / "out") if n.endswith("unfinished")]
    assert 0 < len(make(manifest, tmp_path / "out")[1]) < 8


@pytest.mark.parametrize("options", [{"workers": 0}, {"seconds_per_shard": 0.0}])
def test_unusable_options(manifest, tmp_path, options):
    """Nothing is written."""
    with pytest.raises(InputError, match="both must be above 0"):
        make(manifest, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
