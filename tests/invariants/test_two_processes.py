"""Invariant 5: two processes (gloo) learn what one learns from the same batches."""

import os
import signal
import subprocess
import sys
from itertools import chain

import pytest

from tests.fixtures import ENVIRONMENT, OWN_SPEECH
from tests.invariants.two_processes import TWO, assert_same_training, start_two
from tests.outcome import checkpoints, differences, newest_states
from xlsr_sb.data.sampling import UpdatePlan

SEED, NUM_UPDATES = 2, 9
PLAN = {"seconds_per_update": 4.0, "seconds_per_device": 2.0, "seed": SEED}
OPTIONS = {
    "seed": SEED,
    "optim.num_updates": NUM_UPDATES,
    "optim.validate_every_updates": 5,
    "optim.encoder_frozen_updates": 3,
    "data.seconds_per_update": PLAN["seconds_per_update"],
    "data.seconds_per_device": PLAN["seconds_per_device"],
}
NOTHING_RANDOM = {
    "encoder.layerdrop": 0.0,
    "encoder.activation_dropout": 0.0,
    # Gradients that are zero but for rounding, such as that of the bias of attention's
    # keys, would be blown up to full steps by Adam.
    "optim.eps": 1e-3,
    "optim.max_grad_norm": ".inf",  # clipping would hide a factor
}
ALL_RANDOM = {
    "encoder.layerdrop": 0.4,
    "encoder.dropout": 0.1,
    "encoder.mask_time_prob": 0.3,
}


@pytest.fixture(scope="module")
def command(corpus, encoder_folder):
    """Function to the arguments of a run with the given output folder."""

    def arguments(output, **options):
        options = OPTIONS | {"encoder.source": encoder_folder} | options
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        shown = ["--noprogressbar", "--output_folder", output]
        return [str(w) for w in ("hparams/tiny.yaml", *corpus.options, *words, *shown)]

    return arguments


def test_the_updates_are_the_same(corpus):
    """The premise of what follows; with several micro-batches in both cases."""
    durations = [one.duration for one in corpus.splits["train"]]
    one = UpdatePlan(durations, **PLAN)
    ranks = [UpdatePlan(durations, **PLAN, rank=rank, world_size=2) for rank in (0, 1)]
    for epoch in range(4):
        whole = [sorted(chain(*update)) for update in one.epoch(epoch)]
        halves = zip(*(rank.epoch(epoch) for rank in ranks), strict=True)
        assert [sorted(chain(*chain(*pair))) for pair in halves] == whole
    assert max(len(update) for update in ranks[0].epoch(0)) > 1


def torchrun(*arguments):
    """Run train.py in two processes; ends them if they wait for each other."""
    with subprocess.Popen(
        [
            *[sys.executable, "-m", "torch.distributed.run", "--standalone"],
            *["--nproc_per_node", "2", "train.py", *arguments],
        ],
        cwd=OWN_SPEECH,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.terminate()  # torchrun ends the others
            raise
    assert process.returncode == 0, said


def test_two_processes_learn_what_one_learns(launcher, command, tmp_path):
    """Weights to 1e-5, losses, counts and scores; frozen at first, then not."""
    run = launcher.start(*command(tmp_path / "one", **NOTHING_RANDOM))
    torchrun(*command(tmp_path / "two", **NOTHING_RANDOM), *TWO)
    assert run.wait() == 0
    assert_same_training(tmp_path / "one", tmp_path / "two", num_rows=2)


def test_two_processes_stop_and_go_on(launcher, command, tmp_path):
    """With dropout of their own and layers dropped together; the same, bit for bit."""
    whole = start_two(launcher, command(tmp_path / "whole", **ALL_RANDOM))
    assert [run.wait() for run in whole] == [0, 0]
    arguments = command(
        tmp_path / "parts", **ALL_RANDOM, **{"optim.checkpoint_every_minutes": 0}
    )
    parts = start_two(launcher, arguments)
    assert parts[0].wait_until(lambda: len(checkpoints(tmp_path / "parts")) > 1)
    for run in parts:
        run.kill(signal.SIGTERM)
    assert [run.wait() for run in parts] == [0, 0]
    assert parts[0].out.splitlines()[-1].startswith("stopped at update ")
    parts = start_two(launcher, arguments)
    assert [run.wait() for run in parts] == [0, 0]
    assert "resumed at update" in (tmp_path / "parts" / "log.txt").read_text()
    found, wanted = newest_states(tmp_path / "parts"), newest_states(tmp_path / "whole")
    assert wanted["progress"]["update"] == NUM_UPDATES
    assert list(differences(found, wanted)) == []
