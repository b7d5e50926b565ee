"""``xlsr-sb shard``: what it prints, and how it ends."""

from pathlib import Path

import pytest

from tests.cli.commands import fails
from xlsr_sb.cli import main
from xlsr_sb.manifest import read_manifest, read_utterances, write_manifest


@pytest.fixture
def manifest(corpus, tmp_path):
    """The twelve clips of the tiny corpus that are learnt from."""
    write_manifest(tmp_path / "train.csv", corpus.splits["train"])
    return tmp_path / "train.csv"


def test_a_manifest_becomes_shards(manifest, tmp_path, capsys):
    """A line each, and one of all; the second time only that."""
    call = ["shard", str(manifest), str(tmp_path / "out"), "--seconds-per-shard", "4"]
    main(call)
    *lines, last = capsys.readouterr().out.splitlines()
    seconds = sum(one.duration for one in read_manifest(manifest))
    assert [line.split("\t")[0] for line in lines] == [
        f"shard-{number:06}.tar" for number in range(len(lines))
    ]
    assert len(lines) > 1
    assert last.startswith(f"{tmp_path}/out: {len(lines)} shards, 12 utterances, ")
    assert f"{seconds / 3600:.2f} h, 2 languages, " in last
    assert len(read_utterances(tmp_path / "out")) == 12
    main(call)
    assert capsys.readouterr().out.splitlines() == [last]


def test_clips_that_cannot_be_read(manifest, tmp_path, capsys):
    """A line each, exit code 1, and a table of them."""
    clips = read_manifest(manifest)
    lost = tmp_path / "lost.wav"
    Path(clips[4].wav).rename(lost)
    try:
        code, out, errors = fails(capsys, "shard", manifest, tmp_path / "out")
    finally:
        lost.rename(clips[4].wav)
    assert code == 1
    assert errors[0].startswith(f"left out: {clips[4].id}: ")
    assert errors[1] == f"1 utterances could not be read: {tmp_path}/out/failed.csv"
    assert "11 utterances" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "0"], "both must be above 0"),
        (["--seconds-per-shard", "-1"], "both must be above 0"),
    ],
)
def test_unusable_options(manifest, tmp_path, capsys, options, message):
    """One line that says so."""
    code, _, errors = fails(capsys, "shard", manifest, tmp_path / "out", *options)
    assert (code, len(errors)) == (2, 1)
    assert message in errors[0]


def test_a_manifest_that_is_not_there(tmp_path, capsys):
    """As for every command."""
    code, _, errors = fails(capsys, "shard", tmp_path / "no.csv", tmp_path / "out")
    assert (code, len(errors)) == (2, 1)
    assert "no.csv cannot be read: No such file" in errors[0]
