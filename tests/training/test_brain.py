"""The loop by updates: what it uses, when it validates and saves, where it stops.

Beside each defect of SpeechBrain's loop that is mended here stands a test
that shows it in a small stock Brain.
"""

import csv
import math
import os
import signal
from collections import Counter
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import pytest
import speechbrain as sb
import torch
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.dataio.sampler import DynamicBatchSampler

from tests.training.harness import (
    PLAIN,
    differing,
    epoch_ends,
    fit,
    loaders,
    make_brain,
    of,
    started,
    weights,
)
from xlsr_sb import XLSRConfig
from xlsr_sb.errors import InputError
from xlsr_sb.tasks.recognition import Recognition
from xlsr_sb.training.brain import UpdateBrain
from xlsr_sb.training.checkpointer import CheckpointError

FIRST_EPOCH = 5  # updates in it, with the seed of these tests


class Watched(Recognition):
    """A recogniser that writes down what it trains on and what it saves."""

    def __init__(self, **others):
        super().__init__(**others)
        self.used, self.saved, self.validated = [], [], []
        self.at_update = {}  # what to do when an update has been made

    def fit_batch(self, batch):
        """Write down the ids."""
        super().fit_batch(batch)
        self.used.append([name for part in batch for name in part.ids])
        self.at_update.get(self.progress.update, lambda: None)()

    def validate(self, loader):
        """Write down the number of the update."""
        self.validated.append(self.progress.update)
        return super().validate(loader)

    def save(self, scores):
        """Write down the number of the update."""
        super().save(scores)
        self.saved.append(self.progress.update)


@pytest.fixture
def make(tmp_path, corpus, encoder_config):
    """Make a watched brain in a folder of the given name."""

    def make(name="run", *, config=encoder_config, **optim):
        return make_brain(tmp_path / name, corpus, config, kind=Watched, **optim)

    return make


class Stock(sb.Brain):
    """SpeechBrain's own loop on one linear layer; writes down what it trains on."""

    def compute_forward(self, batch, stage):
        """Output of the layer."""
        del stage
        value = batch[0] if isinstance(batch, list) else batch.value.data
        self.used.append(sorted(value.flatten().tolist()))
        return self.modules["linear"](value.reshape(-1, 1)).sum()

    def compute_objectives(self, predictions, batch, stage):
        """Loss."""
        del batch, stage
        return predictions


def stock(loader, *, epochs=1, **run_opts):
    """A stock Brain, trained with gradient descent."""
    torch.manual_seed(0)
    brain = Stock(
        {"linear": torch.nn.Linear(1, 1)},
        partial(torch.optim.SGD, lr=1.0),
        run_opts={"device": "cpu", "noprogressbar": True, **run_opts},
    )
    brain.used = []
    brain.fit(range(1, epochs + 1), loader)
    return brain


def numbers(*values):
    """A loader of one number a batch."""
    data = torch.utils.data.TensorDataset(torch.tensor(values)[:, None])
    return torch.utils.data.DataLoader(data, batch_size=1)


# The tail of an epoch


def test_stock_throws_the_tail_of_an_epoch_away():
    """With five batches and steps of two, the last one teaches nothing."""
    found = [
        stock(numbers(1.0, 2.0, 3.0, 4.0, tail), epochs=3, grad_accumulation_factor=2)
        for tail in (0.0, 100.0)
    ]
    one, other = (brain.modules["linear"].weight for brain in found)
    assert found[0].used != found[1].used
    assert torch.equal(one, other)


def test_every_utterance_is_used_once_an_epoch(make, corpus):
    """Fails on stock: the last update of an epoch is smaller, and made all the same."""
    ends = epoch_ends(make("plan"), corpus, 3)
    assert ends[0] == FIRST_EPOCH
    brain = make(num_updates=ends[-1])
    fit(brain, corpus)
    ids = Counter(one.id for one in corpus.splits["train"])
    for start, stop in pairwise([0, *ends]):
        epoch = brain.used[start:stop]
        assert Counter(name for update in epoch for name in update) == ids
    assert brain.progress.epoch == 2
    assert brain.progress.position == ends[2] - ends[1]


def test_the_tail_of_an_epoch_teaches(make, corpus):
    """Its update moves the weights."""
    before = make("before", num_updates=FIRST_EPOCH - 1)
    after = make("after", num_updates=FIRST_EPOCH)
    for brain in (before, after):
        fit(brain, corpus)
    assert after.progress.epoch == 0
    assert len(differing(weights(before), weights(after))) > 10


# The order of an epoch


def test_stock_repeats_its_batches():
    """On one process nobody tells a batch sampler of the epoch."""
    data = {str(i): {"value": torch.tensor([float(i)]), "length": 1} for i in range(8)}
    items = DynamicItemDataset(data, output_keys=["value", "length"])
    sampler = DynamicBatchSampler(
        items, max_batch_length=2, num_buckets=2, length_func=lambda _: 1, shuffle=True
    )
    loader = sb.dataio.dataloader.make_dataloader(items, batch_sampler=sampler)
    used = stock(loader, epochs=4).used
    size = len(used) // 4
    epochs = [used[start : start + size] for start in range(0, 4 * size, size)]
    assert size > 2
    assert epochs[1] == epochs[2] == epochs[3]


def test_every_epoch_has_an_order_of_its_own(make, corpus):
    """And other neighbours; fails on stock."""
    ends = epoch_ends(make("plan"), corpus, 4)
    brain = make(num_updates=ends[-1])
    fit(brain, corpus)
    epochs = [brain.used[start:stop] for start, stop in pairwise([0, *ends])]
    orders = {tuple(name for update in epoch for name in update) for epoch in epochs}
    assert len(orders) == 4
    neighbours = {frozenset(update) for update in brain.used}
    assert len(neighbours) > 0.8 * len(brain.used)


# Updates as the unit


class Counting:
    """A loader that counts what is asked of it."""

    def __init__(self, loader):
        self.loader, self.asked = loader, 0

    def epoch(self, epoch, *, start):
        """Updates of an epoch."""
        for update in self.loader.epoch(epoch, start=start):
            self.asked += 1
            yield update


def test_stock_loads_a_batch_that_it_does_not_use():
    """Its limit is looked at when the next batch is there."""
    asked = []

    class Asking(torch.utils.data.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            asked.append(index)
            return torch.ones(1)

    loader = torch.utils.data.DataLoader(Asking(), collate_fn=list, batch_size=1)
    brain = stock(loader, optimizer_step_limit=2)
    assert len(brain.used) == 2
    assert len(asked) == 3


@pytest.mark.parametrize("num_updates", [1, FIRST_EPOCH, FIRST_EPOCH + 2])
def test_exactly_so_many_updates(make, corpus, num_updates):
    """None more is made or loaded, in mid-epoch or at its end; fails on stock."""
    brain = make(num_updates=num_updates)
    train, valid = loaders(brain, corpus)
    counting = Counting(train)
    assert brain.fit(counting, valid)
    assert counting.asked == len(brain.used) == brain.progress.update == num_updates
    assert brain.validated == [num_updates]


def test_a_finished_run_is_not_trained_further(make, corpus):
    """Unless more updates are asked for: then it goes on."""
    fit(make(num_updates=3), corpus)
    again = make(num_updates=3)
    assert fit(again, corpus)
    assert again.used == again.validated == again.saved == []
    more = make(num_updates=4)
    fit(more, corpus)
    assert len(more.used) == 1
    assert more.progress.update == 4


# The frozen encoder


def test_the_encoder_waits_and_then_moves(make, corpus):
    """Not in one bit for the first updates; learnt convolutions included after."""
    found = {}
    brain = make(num_updates=6, encoder_frozen_updates=4)
    for update in (1, 4, 5, 6):
        brain.at_update[update] = lambda at=update: found.update({at: weights(brain)})
    fit(brain, corpus)
    assert differing(of(found[1], "encoder"), of(found[4], "encoder")) == []
    assert differing(of(found[1], "head"), of(found[4], "head")) != []
    moved = differing(of(found[4], "encoder"), of(found[6], "encoder"))
    assert any("feature_extractor" in name for name in moved)
    assert any("transformer" in name for name in moved)


def test_convolutions_stay_where_the_configuration_says(make, encoder_config, corpus):
    """As in the paper's fine-tuning; the rest of the encoder learns."""
    config = XLSRConfig(**{**vars(encoder_config), "freeze_feature_extractor": True})
    brain = make(config=config, num_updates=4, encoder_frozen_updates=2)
    before = weights(brain)
    fit(brain, corpus)
    moved = differing(of(before, "encoder"), of(weights(brain), "encoder"))
    assert not any("feature_extractor" in name for name in moved)
    assert any("feature_projection" in name for name in moved)


def test_validation_leaves_training_as_it_was(make, corpus):
    """The modes of the modules too: dropout goes on after it, unless frozen."""
    modes = {}
    brain = make(num_updates=8, encoder_frozen_updates=4, validate_every_updates=1)
    for update in (3, 7):
        parts = brain.modules
        brain.at_update[update] = lambda at=update, parts=parts: modes.update(
            {at: (parts["encoder"].training, parts["head"].training)}
        )
    fit(brain, corpus)
    assert modes == {3: (False, True), 7: (True, True)}
    quiet = make("quiet", num_updates=8, encoder_frozen_updates=4)
    fit(quiet, corpus)
    assert differing(weights(brain), weights(quiet)) == []


# Validation and saving


def test_validates_when_due_and_at_the_end(make, corpus):
    """The learning curve has these rows."""
    brain = make(num_updates=10, validate_every_updates=4)
    fit(brain, corpus)
    assert brain.validated == brain.saved == [4, 8, 10]
    path = brain.journal.folder / "learning_curve.csv"
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["update"] for row in rows] == ["4", "8", "10"]
    assert all(float(row["CER"]) >= 0 for row in rows)


def test_saves_by_the_clock_across_epochs(make, corpus, monkeypatch):
    """Epochs shorter than the interval must not put the clock back."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("xlsr_sb.training.brain.time.monotonic", lambda: clock.now)
    brain = make(num_updates=25, checkpoint_every_minutes=7)

    def tick():
        clock.now += 60

    brain.at_update = dict.fromkeys(range(1, 26), tick)
    fit(brain, corpus)
    assert brain.saved == [8, 16, 24, 25]
    assert brain.progress.seconds == 25 * 60


def test_the_best_checkpoint_is_found_and_progress_kept(make, corpus):
    """Weights of the best, but the run's own count of updates and time."""
    brain = make(num_updates=3, validate_every_updates=1)
    scores = iter([0.5, 0.25, 0.75])
    brain.validate = lambda _: {"CER": next(scores), "WER": 1.0, "empty_share": 0.0}
    found = {}
    for update in (1, 2, 3):
        brain.at_update[update] = lambda at=update: found.update({at: weights(brain)})
    fit(brain, corpus)
    brain.progress.seconds = 99.0
    meta = brain.recover_best()
    assert (meta["update"], meta["CER"]) == (2, 0.25)
    assert differing(weights(brain), found[2]) == []
    assert (brain.progress.update, brain.progress.seconds) == (3, 99.0)
    assert len(brain.progress.history) == 3


def test_a_task_must_say_how_it_validates():
    """A task without these two methods cannot be made."""
    with pytest.raises(TypeError, match="abstract methods '?score'?,? '?validate"):
        UpdateBrain()


# Interruptions


@pytest.mark.parametrize("update", [2, FIRST_EPOCH, FIRST_EPOCH + 1])
def test_a_signal_stops_after_the_update(make, corpus, update):
    """With a checkpoint; the same run goes on and ends with the bits of a whole one."""
    whole = make("whole", num_updates=8)
    fit(whole, corpus)
    first = make("parts", num_updates=8)
    first.at_update[update] = lambda: os.kill(os.getpid(), signal.SIGTERM)
    assert not fit(first, corpus)
    assert first.progress.update == update
    assert first.saved == [update]
    second = make("parts", num_updates=8)
    assert fit(second, corpus)
    assert first.used + second.used == whole.used
    assert differing(weights(second), weights(whole)) == []


def test_a_signal_while_saving_does_not_lose_an_update(make, corpus):
    """It comes after wishes were heard, at the end of an epoch: one more is made."""
    brain = make(num_updates=20, validate_every_updates=FIRST_EPOCH)
    validate = brain.validate

    def interrupted(loader):
        os.kill(os.getpid(), signal.SIGTERM)
        return validate(loader)

    brain.validate = interrupted
    assert not fit(brain, corpus)
    assert brain.progress.update == FIRST_EPOCH + 1
    assert brain.saved == [FIRST_EPOCH, FIRST_EPOCH + 1]


# Errors in mid-run


def test_unreadable_speech_saves_what_was_done(make, corpus):
    """And is raised as it was; nothing is saved if nothing was trained."""
    brain = make(num_updates=9)
    train, valid = loaders(brain, corpus)
    read = train.dataset.encode_target
    train.dataset.encode_target = lambda one: (
        read(one) if brain.progress.update < 3 else refuse()
    )
    with pytest.raises(InputError, match="utterance '..-..': refused"):
        brain.fit(train, valid)
    assert brain.saved == [3]
    assert brain.progress.position == 3
    again = make(num_updates=9)
    fit(again, corpus)
    whole = make("whole", num_updates=9)
    fit(whole, corpus)
    assert differing(weights(again), weights(whole)) == []
    at_once = make("at_once", num_updates=9)
    train.dataset.encode_target = lambda _: refuse()
    with pytest.raises(InputError, match="refused"):
        at_once.fit(train, valid)
    assert at_once.saved == []


def refuse():
    """What a broken recording does."""
    raise InputError("refused")


@pytest.mark.parametrize("update", [4, 8])
@pytest.mark.parametrize("step", ["score", "write"])
def test_a_validation_that_failed_is_made_up_for(make, corpus, update, step):
    """In mid-run and at the end: the curve then is that of a run without the fault."""
    whole = make("whole", num_updates=8, validate_every_updates=4)
    fit(whole, corpus)
    first = make("parts", num_updates=8, validate_every_updates=4)
    owner, name = {
        "score": (first, "validate"),  # a recording of the development set is broken
        "write": (first.journal, "write"),  # the learning curve cannot be written
    }[step]
    done = getattr(owner, name)
    setattr(
        owner,
        name,
        lambda given: done(given) if first.progress.update < update else refuse(),
    )
    with pytest.raises(InputError, match="refused"):
        fit(first, corpus)
    assert first.saved[-1] == update
    second = make("parts", num_updates=8, validate_every_updates=4)
    assert fit(second, corpus)
    assert first.used + second.used == whole.used
    curves = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in brain.history]
        for brain in (second.progress, whole.progress)
    ]
    assert curves[0] == curves[1]
    assert second.recover_best()["update"] == whole.recover_best()["update"]


def test_a_failing_save_is_not_tried_twice(make, corpus):
    """Its own message is the one that is seen."""
    brain = make(num_updates=4, checkpoint_every_minutes=0)
    tries = []

    def save(*_, **__):
        tries.append(brain.progress.update)
        raise CheckpointError("the disk is full")

    brain.checkpointer.save = save
    with pytest.raises(CheckpointError, match="the disk is full"):
        fit(brain, corpus)
    assert tries == [1]


# Precision


def test_bf16_on_a_cpu(corpus, encoder_config, tmp_path):
    """It trains, with losses near those of fp32; the loss itself is in fp32."""
    config = XLSRConfig(**{**vars(encoder_config), **PLAIN})
    losses = {}
    for precision in ("fp32", "bf16"):
        brain = make_brain(
            tmp_path / precision,
            corpus,
            config,
            kind=Watched,
            num_updates=4,
            run_opts={"precision": precision},
        )
        before = weights(brain)
        fit(brain, corpus)
        (row,) = brain.progress.history
        losses[precision] = row["train_loss"]
        assert all(p.dtype == torch.float32 for p in brain.modules.parameters())
        assert len(differing(before, weights(brain))) > 10
    assert losses["bf16"] != losses["fp32"]
    assert math.isclose(losses["bf16"], losses["fp32"], rel_tol=0.05)


def test_the_loss_is_in_fp32_under_bf16(make, corpus):
    """Log-probabilities too, though the encoder ran in 16 bits."""
    brain = started(make(num_updates=1))
    train, _ = loaders(brain, corpus)
    (batch, *_) = next(train.epoch(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = brain.modules["encoder"].feature_projection(torch.zeros(1, 16))
        predictions = brain.compute_forward(batch, sb.Stage.TRAIN)
        loss = brain.compute_objectives(predictions, batch, sb.Stage.TRAIN)
    assert hidden.dtype == torch.bfloat16
    assert predictions.log_probs.dtype == loss.dtype == torch.float32
