"""Frozen parts: no gradient, no randomness, no memory; the others train as before.

Seen to fail: ranges without their last layer; frozen layers with dropout or dropped; a
graph recorded through frozen layers; ``unfreeze`` that frees the parts as well.
"""

import pytest
import torch

from tests.encoder.models import ragged_batch, random_lobe
from tests.training.harness import batches, differing, make_brain, started, weights
from xlsr_sb import XLSRConfig
from xlsr_sb.encoder.freezing import PARTS
from xlsr_sb.errors import InputError

BELOW = ("feature_extractor", "feature_projection", "mask_embedding", "positions")
CASES = {
    "from below": (*BELOW, "layers:0-1"),
    "from above": ("layers:2", "norms"),
    "in between": ("positions", "layers:1"),
    "by kind": ("attention", "norms"),
    "feed-forward": ("ffn",),
}
RANDOM = {"activation_dropout": 0.5, "attention_dropout": 0.3, "layerdrop": 0.5}
MASKS = {"mask_time_prob": 0.5, "mask_channel_prob": 0.3, "mask_channel_length": 4}


def three_layers(**fields):
    """Lobe of three layers in training."""
    return random_lobe(num_layers=3, **fields).train()


def trainable(lobe):
    """Names of what trains."""
    return {name for name, p in lobe.named_parameters() if p.requires_grad}


def gradients(lobe, seed=3):
    """Gradient of every parameter that has one, with the same masks each time."""
    torch.manual_seed(seed)
    lobe.zero_grad()
    lobe.encode(*ragged_batch()).features.square().sum().backward()
    return {n: p.grad for n, p in lobe.named_parameters() if p.grad is not None}


# Names


def test_parts_are_the_whole():
    """Disjoint, with the last norm; the layers are norms, attention and ffn."""
    lobe = three_layers()
    everything = trainable(lobe)
    parts = {}
    for part in PARTS:
        lobe.freeze_parts(part)
        parts[part] = everything - trainable(lobe)
        assert parts[part], part
    sections = [parts[name] for name in (*BELOW, "layers")]
    last_norm = {"transformer.norm.weight", "transformer.norm.bias"}
    assert set().union(*sections, last_norm) == everything
    assert sum(map(len, sections)) + len(last_norm) == len(everything)
    kinds = [parts[name] for name in ("norms", "attention", "ffn")]
    assert set().union(*kinds) == parts["layers"] | last_norm
    assert sum(map(len, kinds)) == len(parts["layers"]) + 2


def test_ranges_of_layers():
    """Counted from 0, with their last one; eleven layers, as 1 begins 10."""
    lobe = random_lobe(num_layers=11)
    for part, numbers in {"layers:1": {1}, "layers:2-10": set(range(2, 11))}.items():
        lobe.freeze_parts(part)
        frozen = {
            i
            for i, layer in enumerate(lobe.transformer.layers)
            if not any(p.requires_grad for p in layer.parameters())
        }
        assert frozen == numbers


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("layer:1", "no part 'layer:1' to freeze; there are feature_extractor, .*0-2"),
        ("layers:3", "'layers:3' cannot be frozen; the layers are 0 to 2"),
        ("layers:2-1", "'layers:2-1' cannot be frozen"),
        ("layers:0-", "no part 'layers:0-'"),
    ],
)
def test_unknown_parts_are_refused(part, message):
    """By the method and by the configuration; nothing changes."""
    lobe = three_layers()
    lobe.freeze_parts("positions")
    before = trainable(lobe)
    with pytest.raises(InputError, match=message):
        lobe.freeze_parts("layers:0", part)
    assert lobe.frozen_parts == ("positions",)
    assert trainable(lobe) == before
    with pytest.raises(InputError, match=message):
        random_lobe(num_layers=3, frozen_parts=part)


def test_configuration_names_parts():
    """As a list or in one string; each call replaces them."""
    parts = ("positions", "layers:0-1")
    lobe = three_layers(frozen_parts="positions, layers:0-1")
    assert lobe.config.frozen_parts == lobe.frozen_parts == parts
    other = three_layers()
    other.freeze_parts(*parts)
    assert trainable(lobe) == trainable(other) != trainable(three_layers())
    lobe.freeze_parts()
    assert trainable(lobe) == trainable(three_layers())


def test_frozen_convolutions_of_the_configuration_stay_frozen():
    """Whatever parts are named."""
    lobe = three_layers(freeze_feature_extractor=True)
    for parts in ((), ("positions",)):
        lobe.freeze_parts(*parts)
        assert not any(name.startswith("feature_ext") for name in trainable(lobe))


# What stays as it was


@pytest.mark.parametrize("parts", CASES.values(), ids=CASES.keys())
def test_gradients_of_the_others_are_the_same(parts):
    """To the bit; the frozen ones have none."""
    lobe = three_layers(**MASKS)
    whole = gradients(lobe)
    lobe.freeze_parts(*parts)
    some = gradients(lobe)
    assert some.keys() == trainable(lobe)
    assert 0 < len(some) < len(whole)
    for name, gradient in some.items():
        assert torch.equal(gradient, whole[name]), name


def test_state_dictionary_does_not_know():
    """Frozen or not, checkpoints are the same."""
    lobe = three_layers()
    before = {name: tensor.clone() for name, tensor in lobe.state_dict().items()}
    lobe.freeze_parts(*CASES["from below"])
    lobe.freeze()
    after = lobe.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_freezing_all_and_freeing_keeps_the_parts():
    """They are frozen by themselves, until they are named no more."""
    lobe = three_layers()
    free = trainable(lobe)
    lobe.freeze_parts(*CASES["in between"])
    some = trainable(lobe)
    modes = [module.training for module in lobe.modules()]
    lobe.freeze()
    assert trainable(lobe) == set()
    assert not any(module.training for module in lobe.modules())
    lobe.unfreeze()
    assert trainable(lobe) == some
    assert [module.training for module in lobe.modules()] == modes
    lobe.freeze_parts()
    assert trainable(lobe) == free
    assert all(module.training for module in lobe.modules())


# What is saved by it


def test_frozen_modules_rest_in_training():
    """Evaluation mode where nothing trains, also after ``train()`` at each epoch."""
    lobe = three_layers()
    lobe.freeze_parts("positions", "layers:0-1")
    lobe.eval()
    lobe.train()
    assert lobe.training
    assert not lobe.positions.training
    modes = [layer.training for layer in lobe.transformer.layers]
    assert modes == [False, False, True]
    assert not lobe.transformer.layers[0].attention.training


def test_frozen_layers_are_not_random():
    """No dropout in them, and they are never dropped; the others go on."""
    lobe, batch = three_layers(**RANDOM), ragged_batch()
    lobe.freeze_parts(*BELOW, "layers:0-1")
    passes = [lobe.encode(*batch, all_layers=True).layers for _ in range(6)]
    quiet = lobe.eval().encode(*batch, all_layers=True).layers
    for layers in passes:
        for i in range(3):
            assert torch.equal(layers[i], quiet[i])
    assert any(not torch.equal(layers[3], passes[0][3]) for layers in passes)


def kept(lobe):
    """Bytes that a training pass keeps for its backward pass, weights left out."""
    pointers = {p.untyped_storage().data_ptr() for p in lobe.parameters()}
    stores = {}

    def pack(tensor):
        store = tensor.untyped_storage()
        if store.data_ptr() not in pointers:
            stores[store.data_ptr()] = (store.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        lobe.encode(*ragged_batch())
    return sum(size for size, _ in stores.values())


def test_frozen_parts_from_below_keep_nothing():
    """With three of four layers frozen, what is kept is that of one layer."""
    lobe = random_lobe(num_layers=4, **MASKS).train()
    sizes = [kept(lobe)]
    for parts in ((), ("layers:0",), ("layers:0-1",), ("layers:0-2",)):
        lobe.freeze_parts(*BELOW, *parts)
        sizes.append(kept(lobe))
    assert sizes == sorted(sizes, reverse=True)
    layer = sizes[1] - sizes[2]
    assert sizes[2] - sizes[3] == sizes[3] - sizes[4] == layer > 0
    assert sizes[4] < 1.5 * layer


@pytest.mark.parametrize("checkpointing", [False, True])
def test_no_graph_below(checkpointing):
    """What leaves the frozen parts has no history."""
    lobe = three_layers(activation_checkpointing=checkpointing)
    lobe.freeze_parts(*BELOW, "layers:0-1")
    states = lobe.encode(*ragged_batch(), all_layers=True).layers
    assert [state.requires_grad for state in states] == [False, False, False, True]


def test_frozen_parts_run_without_gradients():
    """So that they take the ways that are open without them; the others do not."""
    lobe, enabled = three_layers(), {}
    lobe.freeze_parts(*BELOW, "layers:0-1")
    for name in ("feature_extractor", *(f"transformer.layers.{i}" for i in range(3))):
        lobe.get_submodule(name).register_forward_pre_hook(
            lambda *_, name=name: enabled.update({name: torch.is_grad_enabled()})
        )
    lobe.encode(*ragged_batch())
    assert list(enabled.values()) == [False, False, False, True]


# In training


def test_training_leaves_frozen_parts_alone(tmp_path, corpus, encoder_config):
    """Through the window in which all is frozen, and after it."""
    parts = {"frozen_parts": "positions layers:0", "layerdrop": 0.0}
    config = XLSRConfig(**{**vars(encoder_config), **parts})
    options = {"encoder_frozen_updates": 1}
    brain = started(make_brain(tmp_path, corpus, config, **options))
    changes = []
    for _ in range(3):
        before = weights(brain)
        brain.updater.step(batches(brain, corpus, [0, 1]))
        changes.append(set(differing(before, weights(brain))))
        brain.progress.position += 1
    assert not any(name.startswith("encoder.") for name in changes[0])
    moved = {n.removeprefix("encoder.") for n in changes[-1] if n.startswith("enc")}
    assert moved == trainable(brain.modules["encoder"])
    assert "transformer.layers.1.ffn_in.weight" in moved
    frozen = ("positions.", "transformer.layers.0.")
    assert not any(name.startswith(frozen) for name in moved)
