"""Pretraining: what is drawn, counted, observed and scored, and what is refused."""

import math

import pytest
import torch
from speechbrain import Stage

from tests.tasks.pretraining_brain import (
    HEAD,
    NUM_UNITS,
    clips,
    eval_loader,
    make_pretraining,
    masking,
    units_of,
    without_chance,
)
from tests.training.harness import (
    RecordingSGD,
    assert_same_gradients,
    differing,
    started,
    weights,
)
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.errors import InputError
from xlsr_sb.heads.pretraining import PretrainingHead
from xlsr_sb.tasks import pretraining
from xlsr_sb.tasks.pretraining import means
from xlsr_sb.training.randomness import seed_update

CLIPS = (0, 3, 6, 8, 5, 1)
SPLITS = [[CLIPS], [CLIPS[:4], CLIPS[4:]], [CLIPS[:1], CLIPS[1:3], CLIPS[3:]]]


@pytest.fixture
def config(encoder_config):
    """The smallest encoder with nothing random but masks."""
    return masking(encoder_config)


@pytest.fixture
def brain(tmp_path, corpus, config):
    """A model that has learnt nothing."""
    return make_pretraining(tmp_path, corpus, config)


def objective(brain, batch):
    """Of a batch that was prepared."""
    return brain.compute_forward(batch, Stage.TRAIN)


# Masks and counts


def test_masks_are_drawn_for_a_batch(brain, corpus):
    """Over all its frames, by the generator, each utterance its own; the rest stays."""
    (batch,) = clips(corpus, CLIPS)
    frames = Packing.of(batch.num_samples.tolist(), brain.modules.encoder.config)
    seed_update(1, 2, part=3)
    masked = brain.prepare(batch)
    assert masked.masks.shape == (sum(frames.num_frames),)
    assert masked.num_masked == masked.masks.sum() == brain.count(masked)
    parts = masked.masks.split(frames.num_frames)
    assert all(0.2 < part.float().mean() < 0.8 for part in parts)
    assert len({int(part.sum()) for part in parts}) > 2  # not cut to the smallest
    assert masked.waveforms is batch.waveforms
    assert (masked.ids, masked.num_seconds) == (batch.ids, batch.num_seconds)
    seed_update(1, 2, part=3)
    assert torch.equal(brain.prepare(batch).masks, masked.masks)
    assert not torch.equal(brain.prepare(batch).masks, masked.masks)


def test_masked_frames_are_what_is_counted(brain, corpus, monkeypatch):
    """Over the micro-batches of an update, each with masks of its own stream."""
    prepared = []

    def prepare(batch):
        prepared.append(type(brain).prepare(brain, batch))
        return prepared[-1]

    monkeypatch.setattr(brain, "prepare", prepare)
    started(brain).updater.step(clips(corpus, *SPLITS[2]))
    assert len(prepared) == 3
    count = sum(int(batch.masks.sum()) for batch in prepared)
    running = brain.progress.running
    assert running.count == running.extras["masked"] == count > 30
    assert 0 < running.loss / count < 2 * math.log(7)
    for number, batch in enumerate(prepared):
        seed_update(7, 0, part=number, stream=1)
        assert torch.equal(type(brain).prepare(brain, batch).masks, batch.masks)


def test_micro_batches_do_not_change_the_gradient(
    tmp_path, corpus, config, monkeypatch
):
    """One update in 1, 2 or 3 parts, of the same masks, codes and negatives.

    The diversity term is that of a micro-batch, as fairseq's is that of a GPU.
    """
    without_chance(monkeypatch)
    found = []
    for number, groups in enumerate(SPLITS):
        brain = make_pretraining(
            tmp_path / str(number),
            corpus,
            config,
            head={"diversity_weight": 0.0},
            units=units_of(corpus),
            optimizer=RecordingSGD,
        )
        started(brain).updater.step(clips(corpus, *groups))
        found.append(brain.updater.optimizer.gradients[-1])
        assert brain.progress.running.loss == pytest.approx(
            brain.progress.running.extras["contrastive"]
            + brain.progress.running.extras["unit"]
        )
    assert_same_gradients(found[1], found[0])
    assert_same_gradients(found[2], found[0])


def test_the_loss_is_divided_by_the_masked_frames(
    tmp_path, corpus, config, monkeypatch
):
    """The gradient of an update is that of the mean over all masked frames."""
    without_chance(monkeypatch)
    brain = make_pretraining(tmp_path, corpus, config, optimizer=RecordingSGD)
    groups = clips(corpus, *SPLITS[1])
    started(brain).updater.step(groups)
    other = make_pretraining(tmp_path, corpus, config)
    other.modules.train()
    ready = [other.prepare(batch) for batch in groups]
    total = sum(objective(other, batch).total for batch in ready)
    total = total / sum(int(batch.masks.sum()) for batch in ready)
    wanted = torch.autograd.grad(
        total, list(other.modules.parameters()), allow_unused=True
    )
    assert_same_gradients(brain.updater.optimizer.gradients[-1], wanted)


# Objectives


def test_with_and_without_units(tmp_path, corpus, config):
    """Units add a loss and an accuracy, and nothing else changes."""
    (batch,) = clips(corpus, CLIPS)
    plain = make_pretraining(tmp_path / "a", corpus, config)
    both = make_pretraining(tmp_path / "b", corpus, config, units=units_of(corpus))
    assert plain.units is None
    assert plain.modules.head.unit_projection is None
    found = []
    for brain in (plain, both):
        seed_update(1, 0, part=0)
        ready = brain.prepare(batch)
        found.append(objective(brain, ready))
        assert brain.observe(found[-1], ready) is found[-1].sums
        loss = brain.compute_objectives(found[-1], ready, Stage.TRAIN)
        assert loss is found[-1].total
    extra = {"unit", "unit_correct"}
    assert found[1].sums.keys() - found[0].sums.keys() == extra
    for name, value in found[0].sums.items():
        torch.testing.assert_close(found[1].sums[name], value)
    unit = found[1].sums["unit"]
    torch.testing.assert_close(found[1].total, found[0].total + unit)
    per_frame = float(unit) / ready.num_masked
    assert 0.5 * math.log(NUM_UNITS) < per_frame < 2 * math.log(NUM_UNITS)


def test_units_are_those_of_the_masked_frames(tmp_path, corpus, config, monkeypatch):
    """Computed from the waveforms, which no mask touches."""
    units = units_of(corpus)
    brain = make_pretraining(tmp_path, corpus, config, units=units)
    (batch,) = clips(corpus, CLIPS)
    ready, given = brain.prepare(batch), []
    forward = PretrainingHead.forward

    def keep(head, frames, *, update, units):
        given.append((frames, update, units))
        return forward(head, frames, update=update, units=units)

    monkeypatch.setattr(PretrainingHead, "forward", keep)
    brain.progress.update = 5
    objective(brain, ready)
    ((frames, update, found),) = given
    assert update == 5
    owners = torch.arange(len(CLIPS)).repeat_interleave(
        torch.tensor(Packing.of(batch.num_samples.tolist(), config).num_frames)
    )
    assert torch.equal(frames.utterance, owners[ready.masks])
    alone = [
        units(batch.waveforms[i : i + 1, :count], [count])
        for i, count in enumerate(batch.num_samples.tolist())
    ]
    assert torch.equal(found, torch.cat(alone)[ready.masks])
    assert len(found.unique()) == NUM_UNITS


# Scores


def test_validation_is_the_same_each_time(brain, corpus):
    """Whatever was drawn before; it changes no weight."""
    before, found = weights(brain), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        with brain.evaluating():
            found.append(brain.validate(eval_loader(corpus)))
    assert found[0] == found[1]
    assert differing(weights(brain), before) == []
    assert set(found[0]) == {
        "valid_loss",
        "valid_contrastive",
        "valid_accuracy",
        "valid_perplexity",
        "valid_code_perplexity",
    }
    assert brain.best_metric in found[0]
    assert len(list(eval_loader(corpus))) > 1
    diversity = 0.1 * (10 - found[0]["valid_perplexity"]) / 10
    loss = found[0]["valid_contrastive"] + diversity
    assert found[0]["valid_loss"] == pytest.approx(loss)


def test_batches_of_a_set_have_masks_of_their_own(brain, corpus, monkeypatch):
    """Seeded by their number, so that masks do not repeat from batch to batch."""
    seeds = []
    monkeypatch.setattr(
        pretraining, "seed_update", lambda *key, part: seeds.append((*key, part))
    )
    with brain.evaluating():
        brain.sums_of(eval_loader(corpus))
    assert seeds == [(0, 0, part) for part in range(len(seeds))]
    assert len(seeds) > 1


SUMS = {"masked": 40.0, "loss": 100.0, "contrastive": 80.0, "correct": 10.0}
SUMS |= {"perplexity": 400.0, "code_perplexity": 200.0}
UNITS = {"unit": 20.0, "unit_correct": 30.0}


def test_means_by_hand():
    """Sums over the masked frames; what was counted becomes a share of them."""
    assert means(SUMS | UNITS) == {
        "loss": 2.5,
        "contrastive": 2.0,
        "accuracy": 0.25,
        "perplexity": 10.0,
        "code_perplexity": 5.0,
        "unit": 0.5,
        "unit_accuracy": 0.75,
    }
    assert means({}) == {}


def test_a_row_of_the_curve(brain):
    """Sums become means; the loss is one already; the last update's temperature."""
    brain.progress.update = 3
    sums = {f"train_{name}": value for name, value in SUMS.items() if name != "loss"}
    row = {"update": 3, "train_loss": 2.5, **sums, "valid_loss": 2.0}
    assert brain.summarise(row) == {
        "update": 3,
        "train_loss": 2.5,
        "valid_loss": 2.0,
        "train_contrastive": 2.0,
        "train_accuracy": 0.25,
        "train_perplexity": 10.0,
        "train_code_perplexity": 5.0,
        "temperature": 2.0 * 0.999995**2,
    }
    assert row["train_correct"] == 10.0
    empty = brain.summarise({"update": 3, "train_loss": None})
    assert empty == {"update": 3, "train_loss": None, "temperature": 2 * 0.999995**2}


def test_scores_by_hand(brain, corpus, monkeypatch):
    """Frames told wrong, by objective; chance picks one of seven."""
    monkeypatch.setattr(brain, "sums_of", lambda _: SUMS | UNITS)
    found = brain.score(eval_loader(corpus))
    scores = {one.score.name: one.score for one in found.scores}
    assert list(scores) == ["contrastive error", "unit error"]
    assert (scores["contrastive error"].errors, scores["unit error"].errors) == (30, 10)
    assert {one.score.total for one in found.scores} == {40}
    assert {(one.group, one.clips) for one in found.scores} == {("all", 4)}
    assert found.baseline.value == 6 / 7
    assert "accuracy 0.2500\n" in found.report
    monkeypatch.setattr(brain, "sums_of", lambda _: SUMS)
    assert len(brain.score(eval_loader(corpus)).scores) == 1


# What is refused


@pytest.mark.parametrize(
    ("options", "num_units", "message"),
    [
        ({"unit_weight": 1.0}, 0, "unit_weight 1.0 goes with data.num_units above 0"),
        ({}, 4, "and 0 with 0; num_units is 4"),
        ({"unit_weights": 1.0}, 4, r"no option \['unit_weights'\]; there are"),
        ({"contrastive_weight": 0.0}, 0, "not both 0"),
        ({"temperatures": [0.1, 2.0, 1.0]}, 0, "must be first >= last > 0"),
        ({"num_negatives": 0}, 0, "num_negatives must be at least 1, got 0"),
        ({"code_dim": 13}, 0, "code_dim 13 must be a multiple of num_groups 2"),
    ],
)
def test_settings_that_cannot_work(config, options, num_units, message):
    with pytest.raises(InputError, match=message):
        PretrainingHead(config, num_units, **HEAD | options)


def test_an_encoder_that_masks_nothing(tmp_path, corpus, encoder_config):
    """There would be nothing to learn from."""
    config = masking(encoder_config, mask_time_prob=0.0)
    with pytest.raises(InputError, match="mask_time_prob is 0, but pretraining"):
        make_pretraining(tmp_path, corpus, config)


def test_a_set_without_a_masked_frame(tmp_path, corpus, encoder_config):
    """All of it would be masked, so nothing is; a loss of 0 would be the best ever."""
    config = masking(encoder_config, mask_time_length=100)
    brain = make_pretraining(tmp_path, corpus, config)
    message = "4 utterances are all too short for a mask of 100 frames of 20 ms"
    with brain.evaluating(), pytest.raises(InputError, match=message):
        brain.validate(eval_loader(corpus))
