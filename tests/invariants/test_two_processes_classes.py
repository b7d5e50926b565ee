"""Invariant 5 for classes: balanced draws of random crops, a margin, trials."""

import pytest

from tests.invariants.test_two_processes import NOTHING_RANDOM, OPTIONS
from tests.invariants.two_processes import assert_same_training, start_two
from tests.recipes.voxceleb1_files import RECIPE, write_voxceleb1

CHANGES = {
    "data.seconds_per_update": 1.2,
    "data.seconds_per_device": 0.5,
    "data.min_utterance_seconds": 0.1,
    "data.max_crop_seconds": 0.2,
    "data.num_workers": 0,
    "scoring.crops": 2,
    "scoring.crop_seconds": 0.15,
    "head.pooling": "statistics",
    "head.embedding_dim": 8,
    "head.margin_start_update": 1,
    "head.margin_full_update": 4,
    "augment.codec_chance": 0.0,
    "encoder.mask_time_prob": 0.0,
    "encoder.mask_channel_prob": 0.0,
}


def test_two_processes_learn_what_one_learns(launcher, encoder_folder, tmp_path):
    """Weights to 1e-5, losses, and every score of the trials."""
    write_voxceleb1(tmp_path / "speech")
    options = OPTIONS | NOTHING_RANDOM | CHANGES | {"encoder.source": encoder_folder}
    options |= {"data_folder": tmp_path / "speech"}
    words = [word for key, value in options.items() for word in (f"--{key}", value)]

    def arguments(name):
        shown = ["--noprogressbar", "--output_folder", tmp_path / name]
        return [str(x) for x in ("hparams/verification_300m.yaml", *words, *shown)]

    folder = RECIPE / "SID"
    alone = launcher.start(*arguments("one"), folder=folder)
    both = start_two(launcher, arguments("two"), folder)
    assert [run.wait() for run in (alone, *both)] == [0, 0, 0], both[0].err
    assert_same_training(tmp_path / "one", tmp_path / "two", num_rows=2)
    tables = [(tmp_path / x / "test.veri_test.csv").read_text() for x in ("one", "two")]
    rows = [[line.split(",") for line in table.splitlines()] for table in tables]
    assert [row[:3] for row in rows[0]] == [row[:3] for row in rows[1]]
    scores = [[float(cell) for row in own[1:] for cell in row[3:]] for own in rows]
    assert scores[1] == pytest.approx(scores[0], abs=1e-3)
