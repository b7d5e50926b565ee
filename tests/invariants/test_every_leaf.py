"""Invariant 7: every leaf trains as a user starts it, and every key in it is read.

``tests/recipes.csv`` has one row a leaf with the flags that its corpus needs. All of
them are given a very small pretrained encoder and few updates.
"""

import csv
import json
import shlex
from pathlib import Path

import pytest

from tests.corpus import write_unlabelled
from tests.fixtures import ROOT
from tests.outcome import differences, final_state
from tests.recipes import debian_packages
from tests.recipes.babel_files import write_babel
from tests.recipes.common_voice_files import write_common_voice
from tests.recipes.covost2_files import write_covost2
from tests.recipes.librispeech_files import write_librispeech
from tests.recipes.mls_files import write_mls
from tests.recipes.voxceleb1_files import write_voxceleb1
from tests.recipes.voxlingua107_files import write_voxlingua107
from tests.recipes.voxpopuli_files import write_voxpopuli
from xlsr_sb.hparams import unused_keys
from xlsr_sb.results import read_rows

RECIPES = ROOT / "recipes"
LEAVES = sorted(RECIPES.glob("*/*/hparams/*.yaml"))
PLANTED = """
planted: 1
section:
    inner: 2
    used: 3
other: !ref <section[used]>
"""
COLUMNS = ["recipe", "hparams", "flags"]
CONTRASTIVE = {"contrastive error"}
CLASSES = {"ERR", "macro ERR"}
TRIALS = {"EER", "minDCF(0.01)", "minCllr"}
CALIBRATED = {"actDCF(0.01)", "Cllr"}  # where the dev set permits it
METRICS = {  # by the recipe's task
    "ASR": [{"WER", "CER"}, {"PER"}],
    "LID": [CLASSES | {f"ERR@{top}"} for top in (2, 3, 5)],
    "SID": [
        *(CLASSES | {f"ERR@{top}"} for top in (3, 5)),
        *(CLASSES | {f"ERR@{top}"} | TRIALS for top in (3, 5)),
        TRIALS,
        TRIALS | CALIBRATED,
    ],
    "ST": [{"BLEU", "chrF"}],
    "SSL": [CONTRASTIVE, CONTRASTIVE | {"unit error"}],
    "TextSSL": [{"token error"}],
}
CORPORA = {  # in their publishers' layouts
    "babel": write_babel,
    "common_voice": write_common_voice,
    "covost2": write_covost2,
    "librispeech": write_librispeech,
    "mls": write_mls,
    "voxceleb1": write_voxceleb1,
    "voxlingua107": write_voxlingua107,
    "voxpopuli": write_voxpopuli,
}
SMALL = {
    "optim.num_updates": 3,
    "optim.encoder_frozen_updates": 1,
    "optim.validate_every_updates": 2,
    "data.seconds_per_update": 4.0,
    "data.num_workers": 1,
}


def rows():
    """The rows of recipes.csv."""
    with (ROOT / "tests" / "recipes.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS
        return list(reader)


@pytest.fixture(scope="module")
def places(tmp_path_factory, corpus):
    """What the flags may name: the tiny corpus, as packages and as tables too."""
    folder = tmp_path_factory.mktemp("places")
    debian_packages.write_all_prompts(folder / "debs")
    debian_packages.write_dialogues(folder / "debs")
    debian_packages.write_deb(folder / "debs", "fillets-ng-data-nl", {})
    debian_packages.write_stamps(folder / "debs")
    debian_packages.write_heard(folder / "debs")
    write_unlabelled(folder / "speech", corpus)
    for name, write in CORPORA.items():
        write(folder / name)
    places = {name: folder / name for name in ("debs", "data", "speech", *CORPORA)}
    return {"corpus": corpus.folder, **places}


def test_every_leaf_has_a_row():
    """And every row a leaf."""
    named = [(row["recipe"], row["hparams"]) for row in rows()]
    there = [(f"{p.parts[-4]}/{p.parts[-3]}", p.name) for p in LEAVES]
    assert named == there
    assert len(there) >= 29
    assert len(list(RECIPES.rglob("hparams/*.yaml"))) == len(there)


def flags_of(options):
    """Options as words of a command line."""
    return [str(word) for key, value in options.items() for word in (f"--{key}", value)]


def scored_intervals(folder, split, *, left_out):
    """Intervals in a run's table of scores, by group and metric."""
    path = folder / f"{split}.scores.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {
            (row["group"], row["metric"]): (float(row["low"]), float(row["high"]))
            for row in csv.DictReader(file)
            if row["kind"] not in left_out and row["low"]
        }


def assert_scored_whole(folder, results):
    """Every clip of a test set was answered, every trial of a list was scored."""
    clips = {(row.split, row.group): row.clips for row in results}
    lists = {path.stem: path for path in (folder / "manifests").glob("*.txt")}
    tried = {split for split, group in clips if group in lists}
    assert len(tried) == bool(lists)
    for name, path in lists.items():
        assert clips[(*tried, name)] == len(path.read_text().splitlines())
    for split in {split for split, _ in clips} - tried:
        with (folder / "manifests" / f"{split}.csv").open(newline="") as file:
            assert clips[split, "all"] == len(list(csv.DictReader(file)))


@pytest.mark.parametrize(
    "row", rows(), ids=lambda row: f"{row['recipe']}/{row['hparams']}"
)
def test_leaf_trains_and_every_key_is_read(
    row, launcher, places, encoder_folder, tmp_path
):
    """Results are written; the flat file in the folder of the run trains the same."""
    own = shlex.split(row["flags"].format_map(places))
    recipe = RECIPES / row["recipe"]
    small = {**SMALL, "encoder.source": encoder_folder}
    if recipe.name == "TextSSL":  # no speech, no encoder of speech
        small = {name: one for name, one in SMALL.items() if "data." not in name}
    small |= {"output_folder": tmp_path / "a"}
    leaf, reads = f"hparams/{row['hparams']}", tmp_path / "reads.json"
    run = launcher.start(
        *[leaf, *own, *flags_of(small)], folder=recipe, reads=str(reads)
    )
    assert run.wait() == 0, run.err
    results = read_rows(tmp_path / "a" / "results.csv")
    assert {result.metric for result in results} in METRICS[Path(row["recipe"]).name]
    assert {(row["recipe"], row["hparams"], 3)} == {
        (result.recipe, result.hparams, result.updates) for result in results
    }
    for split in {row.split for row in results}:
        own = [row for row in results if row.split == split]
        intervals = {(row.group, row.metric): (row.low, row.high) for row in own}
        left_out = {"speaker"} | ({"class"} if recipe.name == "SID" else set())
        found = scored_intervals(tmp_path / "a", split, left_out=left_out)
        for group, limits in found.items():
            assert intervals[group] == pytest.approx(limits, abs=1e-4)
    if recipe.name in ("LID", "SID"):
        assert_scored_whole(tmp_path / "a", results)
    assert results[0].command.startswith(f"python train.py {leaf} ")
    assert str(tmp_path / "a") not in results[0].command
    assert unused_keys(recipe / leaf, reads=json.loads(reads.read_text())) == []
    flat = tmp_path / "a" / "hyperparams.yaml"
    run = launcher.start(flat, "--output_folder", tmp_path / "b", folder=recipe)
    assert run.wait() == 0, run.err
    states = [final_state(tmp_path / name) for name in ("a", "b")]
    assert list(differences(*states)) == []


def test_a_key_that_nobody_reads_is_found(launcher, corpus, encoder_folder, tmp_path):
    """The test above can fail: planted at the top and in a section."""
    text = (RECIPES / "OwnSpeech/ASR/hparams/tiny.yaml").read_text()
    leaf, reads = tmp_path / "leaf.yaml", tmp_path / "reads.json"
    leaf.write_text(
        text.replace("../../../../hparams", str(ROOT / "hparams")) + PLANTED
    )
    small = {"optim.num_updates": 1, "encoder.source": encoder_folder}
    small["output_folder"] = tmp_path / "run"
    options = [*corpus.options, *flags_of(small)]
    run = launcher.start(leaf, *options, reads=str(reads))
    assert run.wait() == 0, run.err
    unused = unused_keys(leaf, reads=json.loads(reads.read_text()))
    assert unused == ["planted", "section.inner", "other"]
