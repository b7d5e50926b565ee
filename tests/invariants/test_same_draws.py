"""Invariant 5 with chance: micro-batches draw the same in one process and in two.

What a micro-batch draws (dropout, masks, Gumbel noise, negatives) depends on the seed,
the update and its number over all processes. So where two processes have the same
micro-batches as one, they learn the same with all of it on. Layers are not dropped
here: one process drops others for each micro-batch, two the same for both.
"""

from itertools import chain

import pytest

from tests.fixtures import OWN_SPEECH, OWN_SPEECH_SSL
from tests.invariants.two_processes import assert_same_training, start_two
from xlsr_sb.data.sampling import UpdatePlan
from xlsr_sb.data.unlabelled import pretraining_loader

NUM_UPDATES = 9
COMMON = {
    "optim.num_updates": NUM_UPDATES,
    "optim.validate_every_updates": 5,
    "optim.encoder_frozen_updates": 3,
    "optim.eps": 1e-3,  # as in test_two_processes.py
    "optim.max_grad_norm": ".inf",
    "encoder.layerdrop": 0.0,
    "encoder.dropout": 0.2,
    "encoder.attention_dropout": 0.1,
    "encoder.activation_dropout": 0.1,
    "encoder.input_dropout": 0.1,
    "encoder.mask_channel_prob": 0.2,
    "encoder.mask_channel_length": 4,
}
RECOGNITION = {"seconds_per_update": 5.0, "seconds_per_device": 3.0}
PRETRAINING = {
    "min_crop_seconds": 0.8,
    "max_crop_seconds": 0.8,  # so that all micro-batches hold as many crops
    "language_alpha": 0.3,
    "corpus_alpha": 0.5,
    "utterances_per_epoch": 24,
    "seconds_per_update": 6.4,
    "seconds_per_device": 1.6,
    "num_workers": 0,
}
HEAD = {
    "optim.warmup_updates": 2,
    "encoder.mask_time_prob": 0.65,
    "head.feature_dropout": 0.1,
    "head.unit_weight": 1.0,
    "data.num_units": 3,
}


def in_data(settings):
    """Settings as options of the section."""
    return {f"data.{name}": value for name, value in settings.items()}


def plan(kind, corpus, seed, **ranks):
    """What a process makes each update of."""
    train = corpus.splits["train"]
    if kind == "pretraining":
        return pretraining_loader(train, PRETRAINING, seed=seed, **ranks).plan
    durations = [one.duration for one in train]
    return UpdatePlan(durations, **RECOGNITION, seed=seed, **ranks)


@pytest.mark.parametrize(("kind", "number"), [("recognition", 2), ("pretraining", 4)])
def test_the_micro_batches_are_the_same(corpus, kind, number):
    """The premise of what follows: in turn one of each process."""
    one = plan(kind, corpus, 3)
    ranks = [plan(kind, corpus, 3, rank=rank, world_size=2) for rank in (0, 1)]
    for epoch in range(3):
        halves = zip(*(rank.epoch(epoch) for rank in ranks), strict=True)
        shared = [[*chain(*zip(*pair, strict=True))] for pair in halves]
        assert shared == one.epoch(epoch)
        assert {len(update) for update in shared} == {number}
        assert len(shared) == 3


@pytest.mark.parametrize("kind", ["recognition", "pretraining"])
def test_two_processes_draw_what_one_draws(
    launcher, corpus, encoder_folder, tmp_path, kind
):
    """All that is random is on; weights, moments, curve and scores are the same."""
    is_pretraining = kind == "pretraining"
    options = {"seed": 3, "encoder.source": encoder_folder} | COMMON
    options |= in_data(PRETRAINING) | HEAD if is_pretraining else in_data(RECOGNITION)
    data = corpus.options_without_text if is_pretraining else corpus.options
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    arguments = ["hparams/tiny.yaml", "--noprogressbar", *data, *words]
    folder = OWN_SPEECH_SSL if is_pretraining else OWN_SPEECH
    places = [["--output_folder", tmp_path / name] for name in ("one", "two")]
    one = launcher.start(*arguments, *places[0], folder=folder)
    two = start_two(launcher, [*arguments, *places[1]], folder)
    assert [run.wait() for run in (one, *two)] == [0, 0, 0], [one.err, two[0].err]
    assert_same_training(tmp_path / "one", tmp_path / "two", num_rows=2)
