"""Translation as a user runs it: both directions, killed, on two processes.

The corpus has the publisher's layout; ``test_every_leaf.py`` trains each leaf.
"""

from functools import partial

import pytest

from tests.fixtures import ROOT
from tests.invariants.two_processes import assert_same_training, start_two
from tests.outcome import checkpoints, differences, final_state
from tests.recipes.covost2_files import COVOST, RELEASE, write_covost2
from xlsr_sb.results import read_rows

RECIPE = ROOT / "recipes" / "CoVoST2" / "ST"
OPTIONS = {
    "mbart": "null",
    "head.preset": "small",
    "head.num_layers": 2,
    "data.num_pieces": 52,
    "data.seconds_per_update": 4.0,
    "data.seconds_per_device": 2.5,
    "data.num_workers": 0,
    "decoder.max_tokens": 8,
    "optim.num_updates": 12,
    "optim.validate_every_updates": 4,
    "optim.checkpoint_every_minutes": 0,
    "optim.encoder_frozen_updates": 3,
    "optim.warmup_updates": 2,
    "encoder.mask_channel_length": 4,
}
RANDOM = {"head.layerdrop": 0.3, "head.adaptor_layerdrop": 0.3}
NOTHING_RANDOM = {
    "head.dropout": 0.0,
    "encoder.layerdrop": 0.0,
    "encoder.activation_dropout": 0.0,
    "encoder.mask_time_prob": 0.0,
    "encoder.mask_channel_prob": 0.0,
}


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """The corpus in its publisher's layout."""
    folder = tmp_path_factory.mktemp("covost2")
    write_covost2(folder)
    return folder


@pytest.fixture
def command(release, encoder_folder):
    """From the output folder and options to the words of a command line."""

    def words(output, **changes):
        places = {"data_folder": release / RELEASE, "covost_folder": release / COVOST}
        places |= {"encoder.source": encoder_folder, "output_folder": output}
        options = OPTIONS | places | changes
        given = [word for key, value in options.items() for word in (f"--{key}", value)]
        return ["hparams/xlsr_300m.yaml", *map(str, given), "--noprogressbar"]

    return words


@pytest.mark.parametrize("pairs", ["fr_en,de_en", "en_de,en_ja"])
def test_killed_is_never_killed(launcher, command, tmp_path, pairs):
    """Bit for bit, with everything random; scores of every pair and their average."""
    whole = launcher.start(
        *command(tmp_path / "a", pairs=pairs, **RANDOM), folder=RECIPE
    )
    assert whole.wait() == 0, whole.err
    cut = command(tmp_path / "b", pairs=pairs, **RANDOM)
    for number in (1, 3):
        run = launcher.start(*cut, folder=RECIPE)
        saved = partial(_has_saved, tmp_path / "b", number)
        assert run.wait_until(saved)
        run.kill()
        run.wait()
    last = launcher.start(*cut, folder=RECIPE)
    assert last.wait() == 0, last.err
    assert "resumed at update" in (tmp_path / "b" / "log.txt").read_text()
    states = [final_state(tmp_path / name) for name in ("a", "b")]
    assert list(differences(*states)) == []
    rows = read_rows(tmp_path / "b" / "results.csv")
    groups = {row.group for row in rows}
    assert groups == {*pairs.split(","), "all"}
    assert {(row.errors, row.total) for row in rows} == {(None, None)}
    clips = {row.group: row.clips for row in rows}
    assert clips["all"] == sum(clips[pair] for pair in pairs.split(","))
    for pair in pairs.split(","):
        for kind in ("ref", "hyp"):
            text = (tmp_path / "b" / f"test.{pair}.{kind}.txt").read_text()
            assert len(text.splitlines()) == clips[pair]


def _has_saved(folder, number):
    """Whether so many checkpoints are there."""
    return len(checkpoints(folder)) >= number


def test_two_processes_learn_what_one_learns(launcher, command, tmp_path):
    """Weights to 1e-5, losses, counts and scores."""
    changes = NOTHING_RANDOM | {"pairs": "fr_en,zh_en", "optim.num_updates": 4}
    changes |= {"optim.encoder_frozen_updates": 1}
    alone = launcher.start(*command(tmp_path / "one", **changes), folder=RECIPE)
    both = start_two(launcher, command(tmp_path / "two", **changes), folder=RECIPE)
    assert [run.wait() for run in (alone, *both)] == [0, 0, 0], both[0].err
    assert_same_training(tmp_path / "one", tmp_path / "two", num_rows=1)
