"""Speech from shards trains as the same speech from files does, bit for bit.

The samples of the tiny corpus have 16 bits, which FLAC keeps. What pretraining draws
by is the same in both tables.
"""

import pytest

from tests.corpus import write_unlabelled
from tests.fixtures import ROOT
from tests.outcome import differences, final_state
from xlsr_sb.manifest import read_manifest

XLSR128 = ROOT / "recipes" / "XLSR128" / "SSL"
OPTIONS = {
    "optim.num_updates": 6,
    "optim.warmup_updates": 2,
    "optim.validate_every_updates": 3,
    "data.min_crop_seconds": 0.3,
    "data.max_crop_seconds": 0.8,  # so that pieces are cut at random
    "data.seconds_per_update": 3.0,
    "data.seconds_per_device": 1.6,
    "data.num_units": 3,
    "head.unit_weight": 1.0,
    "head.code_dim": 16,
    "head.target_dim": 16,
    "encoder.dropout": 0.1,
}


@pytest.fixture(scope="module")
def speech(tmp_path_factory, corpus):
    """The training clips as files and as shards."""
    folder = tmp_path_factory.mktemp("speech")
    write_unlabelled(folder, corpus)
    return folder


def start(launcher, speech, name, output, encoder_folder, **changes):
    """Start a run on one of the two."""
    options = {"encoder.source": encoder_folder, **OPTIONS, **changes}
    options |= {"manifests": speech / name, "dev": speech / "dev.csv"}
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    leaf = "hparams/xlsr_300m.yaml"
    return launcher.start(leaf, *words, "--output_folder", output, folder=XLSR128)


def test_shards_train_as_files_do(launcher, speech, encoder_folder, tmp_path):
    """In this process and in workers; the runs have read different files."""
    runs = {
        "files": start(launcher, speech, "train.csv", tmp_path / "a", encoder_folder),
        "shards": start(launcher, speech, "shards", tmp_path / "b", encoder_folder),
        "workers": start(
            launcher,
            speech,
            "shards",
            tmp_path / "c",
            encoder_folder,
            **{"data.num_workers": 2},
        ),
    }
    for run in runs.values():
        assert run.wait() == 0, run.err
    files, *others = [final_state(tmp_path / name) for name in "abc"]
    assert files["progress"]["update"] == OPTIONS["optim.num_updates"]
    for other in others:
        assert list(differences(other, files)) == []
    wavs = [
        {one.wav for one in read_manifest(tmp_path / name / "manifests" / "train.csv")}
        for name in "ab"
    ]
    assert not wavs[0] & wavs[1]
    assert all(".tar:" in wav for wav in wavs[1])
