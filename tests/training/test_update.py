"""One update: its gradient whatever its parts, clipping, bad steps, the frozen encoder.

Beside each defect of SpeechBrain's loop that is mended here stands a test
that shows it in a small stock Brain.
"""

import copy
import math
from functools import partial

import pytest
import speechbrain as sb
import torch
from torch import Tensor, nn

from tests.training.harness import (
    PLAIN,
    RecordingSGD,
    assert_same_gradients,
    batches,
    differing,
    fit,
    make_brain,
    of,
    started,
    weights,
)
from xlsr_sb import XLSRConfig
from xlsr_sb.errors import InputError
from xlsr_sb.tasks.recognition import Recognition

CLIPS = (0, 1, 2, 3, 4, 5, 6, 7)
SPLITS = [
    [CLIPS],
    [CLIPS[:3], CLIPS[3:]],
    [CLIPS[:1], CLIPS[1:3], CLIPS[3:4], CLIPS[4:]],
]


@pytest.fixture
def plain_config(encoder_config) -> XLSRConfig:
    """The smallest encoder with nothing random."""
    return XLSRConfig(**{**vars(encoder_config), **PLAIN})


class Planted(Recognition):
    """A recogniser with losses or gradients that are not finite at some updates."""

    bad_losses: tuple[int, ...] = ()
    bad_gradients: tuple[int, ...] = ()

    def compute_objectives(self, predictions, batch, stage) -> Tensor:
        """The loss, spoilt where it was asked for."""
        loss = super().compute_objectives(predictions, batch, stage)
        if not loss.requires_grad:
            return loss
        if self.progress.update in self.bad_gradients:
            predictions.log_probs.register_hook(lambda gradient: gradient * math.inf)
        return loss * math.nan if self.progress.update in self.bad_losses else loss


class Stock(sb.Brain):
    """SpeechBrain's own loop on linear layers: the loss is the sum of the outputs."""

    def compute_forward(self, batch, stage):
        """Outputs of all layers, added up."""
        del stage
        return sum(layer(batch[0]).sum() for layer in self.modules.values())

    def compute_objectives(self, predictions, batch, stage):
        """Loss; NaN for a batch that holds one."""
        del batch, stage
        return predictions


def stock(*, batches=4, layers=1, data=None, epochs=1, kind=Stock, **run_opts):
    """A stock Brain, trained with gradient descent at rate 1."""
    torch.manual_seed(0)
    modules = {f"layer{i}": nn.Linear(2, 1) for i in range(layers)}
    brain = kind(
        modules,
        partial(torch.optim.SGD, lr=1.0),
        run_opts={"device": "cpu", "noprogressbar": True, **run_opts},
    )
    data = torch.ones(batches, 2) if data is None else data
    examples = torch.utils.data.TensorDataset(data)
    before = copy.deepcopy(brain.modules.state_dict())
    loader = torch.utils.data.DataLoader(examples, batch_size=1)
    brain.fit(range(1, epochs + 1), loader)
    return brain, before


def gradients(brain) -> list[Tensor | None]:
    """Of every parameter at the last update."""
    return brain.updater.optimizer.gradients[-1]


def norm(tensors) -> float:
    """Of all tensors together."""
    return math.sqrt(sum(tensor.double().square().sum().item() for tensor in tensors))


# The gradient


def test_micro_batches_do_not_change_the_gradient(tmp_path, corpus, plain_config):
    """One update in 1, 2 or 4 parts; fails if each is divided by its own count."""
    found = []
    for number, groups in enumerate(SPLITS):
        brain = make_brain(
            tmp_path / str(number), corpus, plain_config, optimizer=RecordingSGD
        )
        started(brain).updater.step(batches(brain, corpus, *groups))
        found.append(gradients(brain))
    assert_same_gradients(found[1], found[0])
    assert_same_gradients(found[2], found[0])


def test_gradient_is_the_mean_over_utterances(tmp_path, corpus, plain_config):
    """Of losses computed one utterance at a time, without the update's help."""
    brain = make_brain(tmp_path, corpus, plain_config, optimizer=RecordingSGD)
    started(brain)
    parameters = brain.updater.parameters
    sums = [None for _ in parameters]
    for clip in CLIPS:
        (batch,) = batches(brain, corpus, [clip])
        predictions = brain.compute_forward(batch, sb.Stage.TRAIN)
        loss = brain.compute_objectives(predictions, batch, sb.Stage.TRAIN)
        parts = torch.autograd.grad(loss, parameters, allow_unused=True)
        sums = [
            part if total is None else total + part
            for total, part in zip(sums, parts, strict=True)
        ]
    brain.updater.step(batches(brain, corpus, CLIPS[:5], CLIPS[5:]))
    means = [None if total is None else total / len(CLIPS) for total in sums]
    assert_same_gradients(gradients(brain), means)
    assert brain.progress.running.count == len(CLIPS)


def test_two_learning_rates(tmp_path, corpus, encoder_config):
    """The schedule scales both; every parameter has the rate of its part."""
    brain = started(
        make_brain(
            tmp_path,
            corpus,
            encoder_config,
            encoder_lr=0.002,
            head_lr=0.5,
            num_updates=9,
        )
    )
    encoder, head = brain.updater.optimizer.param_groups
    assert {id(p) for p in encoder["params"]} == {
        id(p) for p in brain.modules["encoder"].parameters()
    }
    assert {id(p) for p in head["params"]} == {
        id(p) for p in brain.modules["head"].parameters()
    }
    brain.updater.schedule.scale = lambda update: 0.1 * update
    brain.progress.update = 5
    brain.updater.step(batches(brain, corpus, [0]))
    assert (encoder["lr"], head["lr"]) == (0.5 * 0.002, 0.5 * 0.5)
    assert brain.updater.rate == 0.25


@pytest.mark.parametrize(
    ("regulariser", "own"), [("activation_dropout", True), ("layerdrop", False)]
)
def test_processes_draw_their_own_dropout_and_drop_the_same_layers(
    tmp_path, corpus, plain_config, monkeypatch, regulariser, own
):
    """SpeechBrain gives all of them one seed; layers must be dropped together."""
    config = XLSRConfig(**{**vars(plain_config), regulariser: 0.5})
    found = []
    for rank in (0, 1):
        monkeypatch.setattr("xlsr_sb.training.distributed.rank", lambda r=rank: r)
        brain = started(make_brain(tmp_path / str(rank), corpus, config))
        brain.updater.step(batches(brain, corpus, CLIPS))
        found.append(weights(brain))
    assert bool(differing(*found)) == own


# Clipping


def test_stock_clips_the_first_group_only():
    """Two groups, as its ``--remove_vector_weight_decay`` makes them."""
    brain, before = stock(
        batches=1,
        data=torch.full((1, 2), 100.0),
        max_grad_norm=0.5,
        remove_vector_weight_decay=True,
    )
    after = brain.modules.state_dict()
    change = {name: after[name] - before[name] for name in before}
    assert norm([change["layer0.bias"]]) <= 0.51
    assert norm([change["layer0.weight"]]) > 100


@pytest.mark.parametrize("max_grad_norm", [0.5, 1e9])
def test_all_groups_are_clipped_together(tmp_path, corpus, plain_config, max_grad_norm):
    """Encoder and head, to one norm and by one factor; fails on stock."""
    free = make_brain(tmp_path / "free", corpus, plain_config, optimizer=RecordingSGD)
    brain = make_brain(
        tmp_path / "clipped",
        corpus,
        plain_config,
        optimizer=RecordingSGD,
        max_grad_norm=max_grad_norm,
    )
    for one in (free, brain):
        started(one).updater.step(batches(one, corpus, CLIPS))
    whole = norm(g for g in gradients(free) if g is not None)
    assert whole > 1
    factor = min(1.0, max_grad_norm / whole)
    wanted = [None if g is None else factor * g for g in gradients(free)]
    assert_same_gradients(gradients(brain), wanted)


@pytest.mark.parametrize(("max_grad_norm", "rises"), [(-1.0, True), (0.0, False)])
def test_stock_climbs_or_stands_still(max_grad_norm, rises):
    """The loss is the output: descent would make it fall."""
    brain, before = stock(max_grad_norm=max_grad_norm)
    after = brain.modules.state_dict()
    name = "layer0.bias"
    assert (after[name] > before[name]).all() == rises
    assert torch.equal(after[name], before[name]) != rises


@pytest.mark.parametrize("value", [0, 0.0, -1.0, math.nan])
def test_a_norm_that_is_not_positive_is_refused(
    tmp_path, corpus, encoder_config, value
):
    """Before anything is trained, with the value and how to switch clipping off."""
    brain = make_brain(tmp_path, corpus, encoder_config, max_grad_norm=value)
    with pytest.raises(InputError, match=rf"max_grad_norm is {value}; .*\.inf"):
        fit(brain, corpus)


# Bad steps


def test_stock_weights_become_nan():
    """It counts a loss that is not finite, then steps all the same."""
    data = torch.ones(3, 2)
    data[1] = math.nan
    brain, _ = stock(data=data)
    assert brain.nonfinite_count > 0
    assert brain.modules["layer0"].weight.isnan().all()


@pytest.mark.parametrize("what", ["losses", "gradients"])
def test_a_bad_step_changes_nothing(tmp_path, corpus, encoder_config, what, caplog):
    """No weight and no state of the optimiser, not in one bit; fails on stock."""
    brain = make_brain(tmp_path, corpus, encoder_config, kind=Planted)
    setattr(brain, f"bad_{what}", (2,))
    started(brain)
    good, bad = batches(brain, corpus, [0, 1], [2])
    brain.updater.step([good])
    brain.updater.step([good])
    before, state = weights(brain), copy.deepcopy(brain.updater.optimizer.state_dict())
    brain.updater.step([good, bad])
    assert differing(weights(brain), before) == []
    assert same(brain.updater.optimizer.state_dict()["state"], state["state"])
    assert all(p.grad is None for p in brain.updater.parameters)
    assert brain.progress.bad_in_a_row == brain.progress.running.bad_updates == 1
    assert brain.progress.running.count == 4  # of the two good ones
    assert math.isfinite(brain.progress.running.loss)
    kind = {"losses": "loss", "gradients": "gradient"}[what]
    assert f"its {kind} is not finite: aa-00, bb-01, aa-02" in caplog.text
    brain.updater.step([good])
    assert differing(weights(brain), before) != []
    assert brain.progress.bad_in_a_row == 0


def same(one, other) -> bool:
    """Whether two nested dictionaries hold the same bits."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    return torch.equal(one, other) if isinstance(one, Tensor) else one == other


def test_ten_in_a_row_end_the_run(tmp_path, corpus, encoder_config):
    """With the ids of the last; nine, a good one and nine more do not."""
    brain = make_brain(
        tmp_path,
        corpus,
        encoder_config,
        kind=Planted,
        num_updates=40,
        num_bad_updates=10,
    )
    brain.bad_losses = (*range(1, 10), *range(11, 20), *range(21, 40))
    with pytest.raises(InputError) as error:
        fit(brain, corpus)
    assert brain.progress.update == 31
    assert "10 updates in a row had a loss that is not finite" in str(error.value)
    assert brain.progress.bad_in_a_row == 10
    assert brain.progress.running.bad_updates == 28
    named = str(error.value).partition("made of ")[2].partition(";")[0].split(", ")
    known = {one.id for one in corpus.splits["train"]}
    assert set(named) <= known
    assert named
    again = make_brain(tmp_path, corpus, encoder_config, kind=Planted, num_updates=40)
    fit(again, corpus)  # what was bad has been mended
    assert again.progress.update == 40
    assert again.progress.bad_in_a_row == 0


def test_good_steps_after_a_bad_one_are_as_if_it_never_was(
    tmp_path, corpus, plain_config
):
    """But for its number: here the learning rate is constant and nothing random."""
    found = []
    for name, bad in (("a", (1,)), ("b", ())):
        brain = make_brain(tmp_path / name, corpus, plain_config, kind=Planted)
        brain.bad_losses = bad
        started(brain)
        first, second, third = batches(brain, corpus, [0, 1], [2, 3], [4, 5])
        for batch in [first, second, third] if bad else [first, third]:
            brain.updater.step([batch])
        found.append(weights(brain))
    assert differing(*found) == []


def test_the_scaler_of_fp16_changes_no_gradient(tmp_path, corpus, plain_config):
    """They are unscaled before they are clipped; here the scaler runs on the CPU."""
    found = []
    for name, scaled in (("scaled", True), ("plain", False)):
        brain = make_brain(
            tmp_path / name,
            corpus,
            plain_config,
            optimizer=RecordingSGD,
            max_grad_norm=1.0,
        )
        started(brain)
        brain.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, enabled=scaled)
        brain.updater.step(batches(brain, corpus, CLIPS[:3], CLIPS[3:]))
        found.append(gradients(brain))
    assert_same_gradients(*found)


def test_an_overflow_of_fp16_is_no_warning(tmp_path, corpus, encoder_config, caplog):
    """Nothing moves, the scale is halved, and the run goes on, frozen or not."""
    brain = make_brain(
        tmp_path, corpus, encoder_config, kind=Planted, encoder_frozen_updates=2
    )
    brain.bad_gradients = (1, 3)
    started(brain)
    brain.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    scales = []
    for update in range(5):
        before = weights(brain)
        brain.updater.step(batches(brain, corpus, [0, 1], [2]))
        moved = differing(weights(brain), before)
        assert bool(moved) == (update not in brain.bad_gradients)
        scales.append(brain.scaler.get_scale())
    assert scales == [2.0**10, 2.0**9, 2.0**9, 2.0**8, 2.0**8]
    assert "not finite" not in caplog.text
    assert brain.progress.running.bad_updates == 2


# The frozen encoder


class Frozen(Stock):
    """Stock, with an optimiser for each layer; the first is frozen for four steps."""

    def init_optimizers(self):
        """Two optimisers, as wav2vec 2.0 recipes have them."""
        self.optimizers_dict = {
            name: torch.optim.SGD(layer.parameters(), lr=1.0)
            for name, layer in self.modules.items()
        }

    def freeze_optimizers(self, optimizers):
        """All but the first during warm-up."""
        frozen = self.optimizer_step < 4
        return {n: o for n, o in optimizers.items() if n != "layer0" or not frozen}

    def on_fit_batch_end(self, batch, outputs, loss, should_step):
        """Write down the frozen layer's gradient."""
        del batch, outputs, loss, should_step
        gradient = self.modules["layer0"].bias.grad
        self.seen = [*getattr(self, "seen", []), gradient and gradient.item()]


def test_stock_sums_up_the_gradients_of_frozen_layers():
    """And then applies the sum of five batches at the first real step."""
    brain, before = stock(batches=5, layers=2, kind=Frozen, max_grad_norm=1e9)
    assert brain.seen == [1.0, 2.0, 3.0, 4.0, None]
    change = brain.modules["layer0"].bias - before["layer0.bias"]
    assert change.item() == pytest.approx(-5.0)  # the last batch alone: -1


def test_a_frozen_encoder_costs_and_collects_nothing(tmp_path, corpus, encoder_config):
    """No gradient, no dropout, masks or layerdrop; its weights stay to the bit."""
    brain = make_brain(
        tmp_path,
        corpus,
        encoder_config,
        encoder_frozen_updates=3,
        optimizer=partial(torch.optim.AdamW, weight_decay=0.1),
    )
    started(brain)
    encoder, before = brain.modules["encoder"], weights(brain)
    seen = []
    encode = encoder.encode
    encoder.encode = lambda *inputs: seen.append(encode(*inputs)) or seen[-1]
    for _ in range(3):
        brain.updater.step(batches(brain, corpus, [0, 1], [2, 3]))
        assert not any(module.training for module in encoder.modules())
        assert all(p.grad is None for p in encoder.parameters())
    assert brain.modules["head"].training
    assert not any(encoded.features.requires_grad for encoded in seen)
    for first, later in zip(seen[:2], seen[4:], strict=True):
        assert torch.equal(first.features, later.features)
    after = weights(brain)
    assert differing(of(after, "encoder"), of(before, "encoder")) == []
    assert differing(of(after, "head"), of(before, "head")) != []
    brain.updater.step(batches(brain, corpus, [0, 1], [2, 3]))
    assert all(module.training for module in encoder.modules())
    assert seen[-1].features.requires_grad
    moved = differing(of(weights(brain), "encoder"), of(after, "encoder"))
    assert len(moved) > len(of(after, "encoder")) // 2


def test_the_first_unfrozen_step_is_of_its_batch_alone(tmp_path, corpus, plain_config):
    """Its gradient is that of the batch, computed apart; fails on stock."""
    brain = make_brain(
        tmp_path,
        corpus,
        plain_config,
        optimizer=RecordingSGD,
        encoder_frozen_updates=3,
    )
    started(brain)
    for clip in range(3):
        brain.updater.step(batches(brain, corpus, [clip, clip + 1]))
    (batch,) = batches(brain, corpus, [6, 7])
    twin = copy.deepcopy(brain.modules)
    twin["encoder"].unfreeze()
    encoded = twin["encoder"].encode(batch.waveforms, batch.num_samples)
    loss = nn.functional.ctc_loss(
        twin["head"](encoded.features).transpose(0, 1),
        batch.targets,
        encoded.num_frames,
        batch.num_targets,
        reduction="sum",
    )
    alone = torch.autograd.grad(loss / 2, list(twin.parameters()), allow_unused=True)
    brain.updater.step([batch])
    assert_same_gradients(gradients(brain), alone)


def test_regularisation_starts_with_the_first_unfrozen_step(
    tmp_path, corpus, encoder_config
):
    """As in a run that was resumed there, to the bit; not only from validation on."""
    found = []
    for name in ("through", "resumed"):
        brain = make_brain(
            tmp_path / name, corpus, encoder_config, encoder_frozen_updates=2
        )
        started(brain)
        start = 0
        if name == "resumed":
            brain.modules.load_state_dict(found[0][0])
            brain.updater.optimizer.load_state_dict(found[0][1])
            brain.progress.update = start = 2
        for update in range(start, 4):
            if update == 2 and name == "through":
                state = copy.deepcopy(brain.modules.state_dict())
                optimizer = copy.deepcopy(brain.updater.optimizer.state_dict())
            brain.updater.step(batches(brain, corpus, [update, update + 1]))
        if name == "through":
            found.append((state, optimizer))
        found.append(weights(brain))
    assert differing(found[1], found[2]) == []


def test_a_large_model_gives_its_blocks_back(
    tmp_path, corpus, plain_config, monkeypatch
):
    """The updater says how much trains, and where."""
    asked = {}
    monkeypatch.setattr(
        "xlsr_sb.training.update.return_large_blocks", lambda **how: asked.update(how)
    )
    brain = started(make_brain(tmp_path, corpus, plain_config))
    parameters = brain.updater.parameters
    assert asked["num_parameters"] == sum(one.numel() for one in parameters) > 0
    assert str(asked["device"]) == "cpu"
