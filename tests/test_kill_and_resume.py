"""Invariant 4: a run that is killed again and again ends as one that never was.

Everything random is on (dropout, layerdrop, masks, the order of the clips; where they
are cut, Gumbel noise and negatives), the encoder is frozen at first, updates have
several micro-batches, and a checkpoint is saved after each. The run that is never
killed is a plain ``python train.py``.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures import ENVIRONMENT, OWN_SPEECH, OWN_SPEECH_SSL
from tests.outcome import checkpoints, differences, final_state
from tests.recipes.voxlingua107_files import RECIPE as VOXLINGUA107
from tests.recipes.voxlingua107_files import write_voxlingua107

NUM_UPDATES = 24
# At any time, while saving.
KILLS = {"recognition": (5, 3), "pretraining": (4, 2), "classification": (3, 2)}
OPTIONS = {
    "optim.num_updates": NUM_UPDATES,
    "optim.validate_every_updates": 4,
    "optim.checkpoint_every_minutes": 0,
    "optim.encoder_frozen_updates": 6,
    "data.seconds_per_update": 3.0,
    "data.seconds_per_device": 2.0,
    "encoder.layerdrop": 0.2,
    "encoder.dropout": 0.1,
    "encoder.attention_dropout": 0.1,
    "encoder.mask_time_prob": 0.3,
    "encoder.mask_channel_prob": 0.2,
    "encoder.mask_channel_length": 4,
}
PRETRAINING = {
    "optim.warmup_updates": 5,
    "data.min_crop_seconds": 0.3,
    "data.max_crop_seconds": 0.8,
    "data.num_units": 3,
    "encoder.input_dropout": 0.1,
    "head.feature_dropout": 0.1,
    "head.unit_weight": 1.0,
}
CLASSIFICATION = {
    "data.min_utterance_seconds": 0.1,
    "data.max_crop_seconds": 0.2,
    "data.sampling_alpha": 0.5,
    "scoring.crops": 2,
    "scoring.crop_seconds": 0.15,
    "head.loss": "aam_softmax",
    "head.margin_full_update": 20,
}


@dataclass(frozen=True)
class Task:
    """What is run.

    Parameters
    ----------
    folder : Path
        Of the recipe.
    command : callable
        From the output folder, and options to change, to the arguments.
    kills : list of callable
    """

    folder: Path
    command: Callable[..., list]
    kills: list[Callable]


@pytest.fixture(scope="module", params=KILLS)
def task(request, corpus, encoder_folder, tmp_path_factory):
    """One task after the other."""
    folder, leaf, data, more = OWN_SPEECH, "tiny", corpus.options, {}
    if request.param == "pretraining":
        folder, data, more = OWN_SPEECH_SSL, corpus.options_without_text, PRETRAINING
    elif request.param == "classification":
        speech = tmp_path_factory.mktemp("speech")
        write_voxlingua107(speech)
        data, more = ["--data_folder", speech], CLASSIFICATION
        folder, leaf = VOXLINGUA107 / "LID", "xlsr_300m"
    fixed = OPTIONS | more

    def command(output, **changes):
        options = fixed | changes | {"encoder.source": encoder_folder}
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        return [f"hparams/{leaf}.yaml", *data, *words, "--output_folder", output]

    any_time, saving = KILLS[request.param]
    kills = [kill_at_any_time] * any_time + [kill_while_saving] * saving
    return Task(folder, command, kills)


@pytest.fixture(scope="module")
def never_killed(task, tmp_path_factory):
    """Folder of a run that was left alone, in a Python of its own."""
    folder = tmp_path_factory.mktemp("never_killed")
    subprocess.run(
        [sys.executable, "train.py", *map(str, task.command(folder))],
        cwd=task.folder,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        check=True,
        timeout=120,
    )
    return folder


def is_saving(folder):
    """Whether a checkpoint is being written, or was when the run was killed."""
    save = folder / "save"
    return save.is_dir() and any(n.startswith("saving-") for n in os.listdir(save))


def kill_at_any_time(run, folder, chance):
    """While it starts and recovers, or in the updates after its first save."""
    known = checkpoints(folder)
    if chance.random() < 0.3:
        time.sleep(0.5 * chance.random())
    else:
        run.wait_until(lambda: checkpoints(folder) - known)
        time.sleep(0.25 * chance.random())
    run.kill()


def kill_while_saving(run, folder, chance):
    """At any instant between the first and the last byte of a checkpoint."""
    known = checkpoints(folder)
    run.wait_until(lambda: checkpoints(folder) - known)
    run.wait_until(lambda: is_saving(folder))
    time.sleep(0.01 * chance.random())
    run.kill()


def test_killed_is_never_killed(launcher, task, never_killed, tmp_path):
    """Weights, optimiser, progress, curve, scores, report and model, bit for bit."""
    chance = random.Random(1)
    folder, statuses, said, torn = tmp_path / "run", [], [], 0
    kills = list(task.kills)
    chance.shuffle(kills)
    for kill in kills:
        run = launcher.start(*task.command(folder), folder=task.folder)
        kill(run, folder, chance)
        statuses.append(run.wait())
        said.append(run.err)
        torn += is_saving(folder)
    run = launcher.start(*task.command(folder), folder=task.folder)
    assert run.wait() == 0
    assert statuses.count(-9) >= len(kills) - 2  # some may have come too late
    assert torn >= kills.count(kill_while_saving) - 1
    log = (folder / "log.txt").read_text()
    assert log.count("resumed at update") >= 3
    found, wanted = final_state(folder), final_state(never_killed)
    assert wanted["progress"]["update"] == NUM_UPDATES
    assert len(wanted["optimizer"]["state"]) > 30
    assert [int(row["update"]) for row in wanted["curve"]] == list(range(4, 25, 4))
    assert list(differences(found, wanted)) == []
    assert bool(wanted["pretrained"]) == (task.folder == OWN_SPEECH_SSL)
    assert "Traceback" not in "".join([*said, run.err])


def test_asked_to_stop(launcher, task, never_killed, tmp_path):
    """SIGTERM ends a run in order after the update; the same command goes on."""
    folder = tmp_path / "run"
    arguments = task.command(folder, **{"optim.checkpoint_every_minutes": 1000})
    run = launcher.start(*arguments, folder=task.folder)
    log = folder / "log.txt"
    assert run.wait_until(
        lambda: log.exists() and "update 6: encoder trains" in log.read_text()
    )
    run.kill(15)
    assert run.wait() == 0
    assert "SIGTERM: a checkpoint is saved after this update, then I stop" in run.err
    assert "Traceback" not in run.err
    line = run.out.splitlines()[-1]
    assert line.startswith("stopped at update ")
    assert line.endswith("; the same command goes on from there")
    reached = int(line.removeprefix("stopped at update ").partition(";")[0])
    assert 6 < reached < NUM_UPDATES
    run = launcher.start(*arguments, folder=task.folder)
    assert run.wait() == 0
    assert f"resumed at update {reached}" in log.read_text()
    found, wanted = final_state(folder), final_state(never_killed)
    for state in (found, wanted):
        del state["kept"], state["folders"]
    assert list(differences(found, wanted)) == []
