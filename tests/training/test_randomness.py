"""Random numbers of an update are those of the seed, its number and the process."""

import random
from itertools import product

import numpy as np
import pytest
import speechbrain as sb
import torch
from speechbrain.utils.seed import seed_everything

from tests.training.harness import batches, fit, make_brain, started, weights
from xlsr_sb.errors import InputError
from xlsr_sb.tasks.recognition import Recognition
from xlsr_sb.training.randomness import mix, seed_update, shared_seed


def draws(seed, update, rank):
    """What the three generators give after seeding."""
    seed_update(seed, update, part=rank)
    return torch.rand(()).item(), random.random(), np.random.rand()  # noqa: NPY002


def test_all_three_generators_start_anew():
    """Whatever was drawn before."""
    first = draws(1, 2, 0)
    torch.rand(5), random.random(), np.random.rand(3)  # noqa: NPY002
    assert draws(1, 2, 0) == first


@pytest.mark.parametrize("changed", [(2, 2, 0), (1, 3, 0), (1, 2, 1)])
def test_seed_update_and_rank_all_count(changed):
    """Each of them changes what all three generators draw."""
    pairs = zip(draws(1, 2, 0), draws(*changed), strict=True)
    assert all(one != other for one, other in pairs)


def test_no_two_streams_are_the_same():
    """Seeds are mixed, not added up: (1, 2) and (2, 1) are strangers."""
    keys = list(product(range(8), range(40), range(4)))
    assert len({mix(*key) for key in keys}) == len(keys)
    shared = {shared_seed(seed, update) for seed, update, rank in keys if not rank}
    assert len(shared) == 8 * 40
    assert not shared & {mix(*key) for key in keys}


@pytest.mark.parametrize("seed", [-1, 1.5, "one", None])
def test_seeds_that_are_none_are_refused(seed):
    """With the value."""
    with pytest.raises(InputError, match=f"at least 0, got {seed}"):
        seed_update(seed, 0, part=0)


def test_an_update_draws_the_same_whatever_came_before(
    tmp_path, corpus, encoder_config
):
    """Dropout, masks and layerdrop of update 5 do not depend on updates 0 to 4."""
    found = []
    for name in ("a", "b"):
        brain = started(make_brain(tmp_path / name, corpus, encoder_config))
        if name == "b":
            torch.rand(100)
            brain.modules["encoder"].transformer.layerdrop_generator.manual_seed(99)
        brain.progress.update = 5
        brain.updater.step(batches(brain, corpus, [0, 1]))
        found.append(weights(brain))
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


class Noisy(sb.Brain):
    """SpeechBrain's own loop; the loss is noise, which is written down."""

    def compute_forward(self, batch, stage):
        """Noise, as dropout would draw it."""
        del stage
        self.seen.append(torch.rand(()).item())
        return self.modules["linear"](batch[0]).sum()

    def compute_objectives(self, predictions, batch, stage):
        """Loss."""
        del batch, stage
        return predictions


def stock_noise(folder, epochs):
    """Noise that a stock Brain draws in a script that seeds and goes on if it can."""
    seed_everything(7)
    modules = {"linear": torch.nn.Linear(2, 1)}
    brain = Noisy(
        modules,
        lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        run_opts={"device": "cpu", "noprogressbar": True},
        checkpointer=sb.utils.checkpoints.Checkpointer(folder, modules),
    )
    brain.seen = []
    counter = sb.utils.epoch_loop.EpochCounter(epochs)
    brain.checkpointer.add_recoverable("counter", counter)
    data = torch.utils.data.TensorDataset(torch.ones(2, 2))
    brain.fit(counter, torch.utils.data.DataLoader(data, batch_size=1))
    brain.checkpointer.save_checkpoint()
    return brain.seen


class Listening(Recognition):
    """A recogniser that writes down what it draws at each micro-batch."""

    def observe(self, predictions, batch):
        """Called in training only."""
        self.seen.append(torch.rand(()).item())
        return super().observe(predictions, batch)


def test_stock_repeats_its_noise_after_a_resumption(tmp_path):
    """It saves no state of the generators: epoch 2 draws what epoch 1 drew."""
    whole = stock_noise(tmp_path / "whole", epochs=2)
    first = stock_noise(tmp_path / "parts", epochs=1)
    second = stock_noise(tmp_path / "parts", epochs=2)
    assert first + second != whole
    assert second == first


def test_ours_goes_on_with_the_noise_of_its_update(tmp_path, corpus, encoder_config):
    """The same in a run that was stopped as in one that was not; fails on stock."""

    def noise(folder, num_updates):
        brain = make_brain(
            folder, corpus, encoder_config, kind=Listening, num_updates=num_updates
        )
        brain.seen = []
        fit(brain, corpus)
        return brain.seen

    whole = noise(tmp_path / "whole", 6)
    parts = noise(tmp_path / "parts", 3) + noise(tmp_path / "parts", 6)
    assert parts == whole
    assert len(set(whole)) == len(whole) >= 6
