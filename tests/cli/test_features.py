"""``xlsr-sb features``: files with the features of files, and a table of them.

Seen to fail: two files of one name written to one; a file that was cut off taken for
complete; features of another layer left in the folder.
"""

import csv
import json
import shutil

import numpy as np
import pytest
import torch

from tests.encoder.models import random_lobe
from tests.finished_run import finished_run, noise
from xlsr_sb import XLSR
from xlsr_sb.cli import features, main
from xlsr_sb.data.audio import load_audio
from xlsr_sb.export import export_recogniser, load_transcriber


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Folder of an encoder of three layers."""
    folder = tmp_path_factory.mktemp("encoders") / "small"
    random_lobe(num_layers=3, freeze_feature_extractor=True).save_pretrained(folder)
    return folder


@pytest.fixture
def recordings(tmp_path):
    """Three recordings, two of one name."""
    paths = [tmp_path / "in" / name for name in ("a.wav", "b.wav", "more/a.wav")]
    for i, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        noise(path, 20_000 + 7_000 * i, seed=i)
    return [str(path) for path in paths]


def run(source, recordings, folder, *options):
    """Rows of the manifest that the command leaves, by path."""
    main(["features", str(source), *recordings, "--to", str(folder), *options])
    return manifest(folder)


def manifest(folder):
    """Rows by path."""
    with (folder / "features.csv").open(newline="", encoding="utf-8") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def wanted(lobe, path, **options):
    """Features of a file by the lobe itself."""
    waveform = load_audio(path)
    with torch.no_grad():
        num_samples = torch.tensor([len(waveform)])
        return lobe.eval().encode(waveform[None], num_samples, **options).features[0]


def close(folder, row, expected):
    """Whether a file holds these features."""
    found = np.load(folder / row["features"])
    assert found.dtype == np.float32
    assert found.shape == (int(row["num_frames"]), int(row["dim"]))
    return np.allclose(found, expected.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layer", [None, 0, 2])
def test_features_are_the_lobes(source, recordings, tmp_path, layer, capsys):
    """One file each, in chunks as at once; the table leads to them."""
    options = [] if layer is None else ["--layer", str(layer)]
    folder = tmp_path / "out"
    rows = run(source, recordings, folder, "--chunk-seconds", "0.4", *options)
    assert list(rows) == recordings
    assert len({row["features"] for row in rows.values()}) == 3
    lobe = XLSR.from_pretrained(str(source))
    for path, row in rows.items():
        assert close(folder, row, wanted(lobe, path, up_to_layer=layer))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == recordings
    names = {path.name for path in folder.iterdir()}
    assert len(names) == 5  # nothing else is left


def test_chunks_by_themselves(source, recordings, tmp_path):
    """They differ from the features of all."""
    options = ["--context", "chunk", "--chunk-seconds", "0.4", "--overlap-seconds", "0"]
    rows = run(source, recordings, tmp_path / "out", *options)
    lobe, row = XLSR.from_pretrained(str(source)), rows[recordings[2]]
    assert not close(tmp_path / "out", row, wanted(lobe, recordings[2]))


def test_sources_of_every_kind(recordings, tmp_path, capsys):
    """A run, and what was exported of it."""
    folder = finished_run(tmp_path / "runs" / "toy")
    exported = export_recogniser(folder, tmp_path / "exported")
    lobe = load_transcriber(folder).encoder
    for i, source in enumerate((folder, exported)):
        to = tmp_path / f"out{i}"
        rows = run(source, recordings[:1], to)
        assert close(to, rows[recordings[0]], wanted(lobe, recordings[0]))
    assert capsys.readouterr().err == ""


# Again and again


def test_what_is_there_is_not_made_again(source, recordings, tmp_path, monkeypatch):
    """Of an earlier call, or of one that was stopped before it wrote its table."""
    folder, made = tmp_path / "out", []
    stream = features.stream_recording

    def noted(lobe, path, **options):
        made.append(path)
        return stream(lobe, path, **options)

    monkeypatch.setattr(features, "stream_recording", noted)
    before = run(source, recordings[:2], folder)
    (folder / "features.csv").unlink()
    assert run(source, recordings[1:], folder).keys() == set(recordings[1:])
    rows = run(source, [*recordings, recordings[0]], folder)
    assert made == recordings
    assert rows.keys() == set(recordings)
    assert all(rows[path] == row for path, row in before.items())


def test_stopped_in_the_middle(source, recordings, tmp_path, monkeypatch):
    """What was complete is in the table, what was not is made again."""
    folder, stream = tmp_path / "out", features.stream_recording

    def stopped(lobe, path, **options):
        yield next(iter(stream(lobe, path, **options)))
        if path == recordings[1]:
            raise KeyboardInterrupt

    options = ["--chunk-seconds", "10"]
    monkeypatch.setattr(features, "stream_recording", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(source, recordings, folder, *options)
    assert list(manifest(folder)) == recordings[:1]
    assert len(list(folder.glob("*.npy"))) == 1
    monkeypatch.setattr(features, "stream_recording", stream)
    rows = run(source, recordings, folder, *options)
    lobe = XLSR.from_pretrained(str(source))
    assert close(folder, rows[recordings[1]], wanted(lobe, recordings[1]))


def test_kinds_are_not_mixed(source, recordings, tmp_path, capsys):
    """Other layers, chunks and weights need another folder."""
    folder, chunk = tmp_path / "out", ["--context", "chunk"]
    run(source, recordings[:1], folder, *chunk)
    other = tmp_path / "other"
    random_lobe(seed=1, num_layers=3).save_pretrained(other)
    for from_, *options in (
        (source, *chunk, "--layer", "1"),
        (source,),
        (source, *chunk, "--chunk-seconds", "7"),
        (source, *chunk, "--overlap-seconds", "7"),
        (other, *chunk),
    ):
        with pytest.raises(SystemExit) as end:
            run(from_, recordings, folder, *options)
        assert end.value.code == 2
        assert "holds features made with" in capsys.readouterr().err
    assert len(manifest(folder)) == 1
    # The same weights elsewhere are the same.
    moved = shutil.copytree(source, tmp_path / "moved")
    assert len(run(moved, recordings, folder, *chunk)) == 3
    settings = json.loads((folder / "features.json").read_text())
    assert settings["up_to_layer"] == 3


# What cannot be done


def test_bad_files_do_not_stop_the_others(source, recordings, tmp_path, capsys):
    """One line each, and exit code 1."""
    (tmp_path / "text.wav").write_text("no audio")
    bad = [str(tmp_path / "none.wav"), str(tmp_path / "text.wav")]
    with pytest.raises(SystemExit) as end:
        run(source, [bad[0], *recordings, bad[1]], tmp_path / "out")
    assert end.value.code == 1
    errors = capsys.readouterr().err.splitlines()
    assert [error.split()[1].rstrip(":") for error in errors] == bad
    assert list(manifest(tmp_path / "out")) == recordings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "4"], "there is no layer 4"),
        (["--chunk-seconds", "0"], "chunk_seconds must be at least 0.02, got 0.0"),
    ],
)
def test_unusable_options(source, recordings, tmp_path, capsys, options, message):
    """One line that says so."""
    with pytest.raises(SystemExit) as end:
        run(source, recordings, tmp_path / "out", *options)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_written(source, recordings, capsys):
    """A file stands in its place."""
    from pathlib import Path

    with pytest.raises(SystemExit) as end:
        run(source, recordings, Path(recordings[0]) / "out")
    assert end.value.code == 2
    assert "cannot be written" in capsys.readouterr().err
