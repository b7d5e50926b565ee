"""Adapters: nothing changes at first, only they train, merged they are plain weights.

Seen to fail: the adapter of the key where the value's should be; a scale of ``alpha``;
the scale left out of the merged matrix; an encoder of which everything trains after the
frozen updates; adapters written beside the weights instead of into them.
"""

import copy
import itertools

import pytest
import torch
import torch.nn.functional as F
import transformers
from speechbrain.nnet.adapters import AdaptedModel, HoulsbyAdapterLinear
from speechbrain.nnet.adapters import LoRA as SpeechBrainLoRA
from torch import nn

from tests.encoder.models import LENGTHS, ragged_batch, random_lobe
from tests.training.harness import batches, differing, make_brain, started, weights
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.encoder.lora import (
    TARGETS,
    LoRALinear,
    add_lora,
    is_adapter,
    merge_lora,
    merged_state,
)
from xlsr_sb.errors import InputError

ALL = tuple(TARGETS)
CHOICES = [("q", "v"), ("k",), ("output",), ("ffn_in", "ffn_out"), ALL]


def adapted_lobe(targets=ALL, **fields):
    """Lobe whose adapters have been trained, so to speak."""
    lobe = random_lobe(**fields)
    add_lora(lobe, rank=3, alpha=5.0, targets=targets)
    with torch.no_grad():
        for name, parameter in lobe.named_parameters():
            if name.endswith(".lora_up"):
                parameter.normal_(std=0.3)
    return lobe


def features(lobe, batch=None):
    """Of the ragged batch, which seeds what is random unless it is given."""
    return lobe.encode(*(batch or ragged_batch())).features.detach()


# Adding


@pytest.mark.parametrize("targets", CHOICES, ids=" ".join)
def test_nothing_changes_at_first(targets):
    """In no bit of a matrix; in evaluation and in training without dropout."""
    lobe = random_lobe()
    before, plain = features(lobe), copy.deepcopy(lobe.transformer.layers[1])
    add_lora(lobe, rank=4, targets=targets)
    for found in (features(lobe), features(lobe.eval())):
        torch.testing.assert_close(found, before, rtol=1e-5, atol=1e-5)
    for name in ("attention.qkv", "attention.output", "ffn_in", "ffn_out"):
        linear = plain.get_submodule(name)
        adapted = lobe.transformer.layers[1].get_submodule(name)
        rows = torch.randn(9, linear.in_features)
        assert torch.equal(adapted(rows), linear(rows))


@pytest.mark.parametrize("targets", CHOICES, ids=" ".join)
def test_only_adapters_train(targets):
    """As many numbers as the ranks make; the plain names are still there."""
    lobe = random_lobe()
    plain = set(lobe.state_dict())
    add_lora(lobe, rank=4, targets=targets)
    trained = {n: p for n, p in lobe.named_parameters() if p.requires_grad}
    assert set(lobe.state_dict()) - plain == trained.keys()
    assert all(map(is_adapter, trained))
    dim, ffn = lobe.config.dim, lobe.config.ffn_dim
    sides = {"ffn_in": dim + ffn, "ffn_out": dim + ffn}
    count = 4 * sum(sides.get(target, 2 * dim) for target in targets)
    sizes = sum(parameter.numel() for parameter in trained.values())
    assert sizes == count * lobe.config.num_layers
    lobe.train()
    features_of_training = lobe.encode(*ragged_batch()).features
    features_of_training.square().sum().backward()
    assert {n for n, p in lobe.named_parameters() if p.grad is not None} == set(trained)


@pytest.mark.parametrize(("target", "third"), [("q", 0), ("k", 1), ("v", 2)], ids="qkv")
def test_each_adapter_has_its_place(target, third):
    """Query, key and value lie in one matrix, in this order."""
    lobe = adapted_lobe((target,))
    qkv = lobe.transformer.layers[0].attention.qkv
    rows = torch.randn(5, qkv.in_features)
    changes = qkv(rows) - F.linear(rows, qkv.weight, qkv.bias)
    update = rows @ qkv.lora_down[0].t() @ qkv.lora_up[0].t() * (5.0 / 3)
    thirds = changes.chunk(3, dim=1)
    for i, change in enumerate(thirds):
        wanted = update if i == third else torch.zeros_like(update)
        torch.testing.assert_close(change, wanted, rtol=1e-5, atol=1e-5)
    assert thirds[third].abs().max() > 0.1


def test_gradients_are_those_of_the_product():
    """From the gradient of the merged matrix by the product rule."""
    lobe = adapted_lobe()
    lobe.encode(*ragged_batch()).features.square().sum().backward()
    merged = adapted_lobe()
    merge_lora(merged)
    merged.encode(*ragged_batch()).features.square().sum().backward()
    for i, name in itertools.product(range(2), ("attention.qkv", "ffn_out")):
        adapted = lobe.transformer.layers[i].get_submodule(name)
        whole = merged.transformer.layers[i].get_submodule(name).weight.grad
        for place, part in enumerate(whole.chunk(len(adapted.parts))):
            wanted_up = 5.0 / 3 * part @ adapted.lora_down[place].t()
            wanted_down = 5.0 / 3 * adapted.lora_up[place].t() @ part
            for found, wanted in (
                (adapted.lora_up.grad[place], wanted_up),
                (adapted.lora_down.grad[place], wanted_down),
            ):
                bound = 1e-4 * wanted.abs().max().item()
                torch.testing.assert_close(found, wanted, rtol=1e-4, atol=bound)


def test_dropout_is_of_training():
    """And of the adapters alone."""
    lobe = random_lobe()
    add_lora(lobe, rank=3, dropout=0.5)
    before = features(lobe.train())
    assert torch.equal(features(lobe), before)  # zero times anything
    for name, parameter in lobe.named_parameters():
        if name.endswith(".lora_up"):
            nn.init.normal_(parameter)
    batch = ragged_batch()
    both = features(lobe, batch), features(lobe, batch)
    assert not torch.allclose(*both, atol=0.01)
    lobe.eval()
    assert torch.equal(features(lobe, batch), features(lobe, batch))


def test_alone_as_in_a_batch():
    """Adapters see no padding either."""
    lobe = adapted_lobe().eval()
    waveforms, num_samples = ragged_batch()
    encoded = lobe.encode(waveforms, num_samples)
    for i, n in enumerate(LENGTHS):
        alone = lobe.encode(waveforms[i : i + 1, :n], torch.tensor([n])).features[0]
        mine = encoded.features[i, : len(alone)]
        torch.testing.assert_close(mine, alone, atol=1e-5, rtol=1e-5)


def test_half_precision_of_autocast():
    """Close to single precision, with finite gradients."""
    lobe = adapted_lobe()
    with torch.autocast("cpu", torch.bfloat16):
        rough = lobe.encode(*ragged_batch()).features
    exact = features(lobe)
    assert (rough.float() - exact).abs().mean() < 0.05 * exact.abs().mean()
    rough.float().square().sum().backward()
    gradients = [p.grad for p in lobe.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": 0}, "lora_rank must be at least 1, got 0"),
        ({"rank": -1}, "lora_rank must be at least 0, got -1"),
        ({"alpha": 0.0}, "lora_alpha must be above 0, got 0.0"),
        ({"dropout": 1.0}, "lora_dropout must be in"),
        (
            {"targets": ["q", "w"]},
            r"lora_targets must be some of q, k, v, .* got .*'w'",
        ),
        ({"targets": ["q", "q"]}, "each once"),
        ({"targets": []}, "lora_targets must be some of"),
    ],
)
def test_unusable_options_are_refused(options, message):
    """By name; the lobe stays plain."""
    lobe = random_lobe()
    with pytest.raises(InputError, match=message):
        add_lora(lobe, **options)
    assert not any(map(is_adapter, lobe.state_dict()))
    assert lobe.config.lora_rank == 0


def test_adapters_are_added_once():
    """Until they are merged."""
    lobe = adapted_lobe()
    with pytest.raises(InputError, match="has adapters already"):
        add_lora(lobe)
    merge_lora(lobe)
    add_lora(lobe, rank=2)
    assert lobe.config.lora_rank == 2


# Merging


@pytest.mark.parametrize("targets", CHOICES, ids=" ".join)
def test_merged_is_the_same(targets):
    """Plain layers that give the same features to 1e-6; everything trains again."""
    lobe = adapted_lobe(targets).eval()
    before, plain = features(lobe), random_lobe().eval()
    names = {n for n, p in plain.named_parameters() if p.requires_grad}
    assert (before - features(plain)).abs().max() > 0.03
    merge_lora(lobe)
    torch.testing.assert_close(features(lobe), before, rtol=1e-6, atol=4e-6)
    assert lobe.state_dict().keys() == plain.state_dict().keys()
    assert {n for n, p in lobe.named_parameters() if p.requires_grad} == names
    assert not any(isinstance(module, LoRALinear) for module in lobe.modules())
    assert not lobe.training


def test_merged_copy_leaves_the_lobe_alone():
    """It has the names of a plain lobe, and what merging in place gives."""
    lobe = adapted_lobe().eval()
    before = {name: tensor.clone() for name, tensor in lobe.state_dict().items()}
    merged = merged_state(lobe)
    assert all(torch.equal(before[n], t) for n, t in lobe.state_dict().items())
    merge_lora(lobe)
    assert merged.keys() == lobe.state_dict().keys()
    assert all(torch.equal(merged[n], t) for n, t in lobe.state_dict().items())


@pytest.mark.parametrize("layout", ["huggingface", "xlsr_sb"])
def test_saved_lobe_is_plain(tmp_path, layout):
    """Also in our own layout, which tells more than sizes."""
    lobe = adapted_lobe().eval()
    lobe.save_pretrained(tmp_path, layout=layout)
    plain = XLSR.from_pretrained(str(tmp_path)).eval()
    assert plain.config.lora_rank == 0
    torch.testing.assert_close(features(plain), features(lobe), rtol=1e-6, atol=4e-6)


def test_exported_folder_is_transformers(tmp_path):
    """It gives the features of the adapted one."""
    lobe = adapted_lobe().eval()
    lobe.save_pretrained(tmp_path)
    peer = transformers.Wav2Vec2Model.from_pretrained(
        tmp_path, attn_implementation="eager", apply_spec_augment=False
    )
    waveform = torch.randn(1, 8_000)
    normalised = F.layer_norm(waveform, (8_000,))
    with torch.no_grad():
        theirs = peer.eval()(normalised).last_hidden_state
        ours = lobe.encode(waveform, torch.tensor([8_000])).features
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


# Checkpoints and configuration


def test_state_of_an_adapted_lobe_is_restored():
    """Strictly, into a lobe that its configuration builds."""
    lobe = adapted_lobe()
    other = XLSR(lobe.config)
    assert not torch.allclose(features(other), features(lobe), atol=0.01)
    other.load_state_dict(lobe.state_dict())
    assert torch.equal(features(other), features(lobe))


def test_pretrained_weights_with_new_adapters(tmp_path):
    """The options of recipes; the features are those of the pretrained encoder."""
    plain = random_lobe(freeze_feature_extractor=True).eval()
    plain.save_pretrained(tmp_path)
    lobe = XLSR.build(source=str(tmp_path), lora_rank=2, lora_targets="q v ffn_in")
    assert lobe.config.lora_targets == ("q", "v", "ffn_in")
    found = features(lobe.eval())
    torch.testing.assert_close(found, features(plain), rtol=1e-5, atol=1e-5)
    trained = {name for name, p in lobe.named_parameters() if p.requires_grad}
    assert trained == set(filter(is_adapter, lobe.state_dict()))
    assert len(trained) == 8


def test_adapters_of_frozen_layers_do_not_train():
    """The others do."""
    lobe = random_lobe(lora_rank=2, frozen_parts="layers:0")
    trained = [name for name, p in lobe.named_parameters() if p.requires_grad]
    assert len(trained) == 2
    assert all(name.startswith("transformer.layers.1.") for name in trained)


def test_training_moves_adapters_only(tmp_path, corpus, encoder_config):
    """After updates in which the whole encoder was frozen, too."""
    fields = {"lora_rank": 2, "layerdrop": 0.0}
    config = XLSRConfig(**{**vars(encoder_config), **fields})
    options = {"encoder_frozen_updates": 1}
    brain = started(make_brain(tmp_path, corpus, config, **options))
    changes = []
    for _ in range(4):
        before = weights(brain)
        brain.updater.step(batches(brain, corpus, [0, 1]))
        names = differing(before, weights(brain))
        changes.append({name for name in names if name.startswith("encoder.")})
    assert changes[0] == set()
    wanted = {name for name in before if is_adapter(name)}
    assert set.union(*changes) == wanted
    assert len(wanted) == 4


# SpeechBrain's adapters


@pytest.mark.parametrize("name", ["attention.output", "ffn_in", "ffn_out"])
def test_speechbrains_adapter_of_a_whole_matrix_is_the_same(name):
    """With equal numbers in it."""
    layer = adapted_lobe().transformer.layers[1]
    ours = layer.get_submodule(name)
    linear = nn.Linear(ours.in_features, ours.out_features)
    linear.weight, linear.bias = ours.weight, ours.bias
    theirs = SpeechBrainLoRA(linear, rank=3, alpha=5.0)
    theirs.adapter_down_proj.weight = nn.Parameter(ours.lora_down[0])
    theirs.adapter_up_proj.weight = nn.Parameter(ours.lora_up[0])
    rows = torch.randn(7, ours.in_features)
    torch.testing.assert_close(ours(rows), theirs(rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "options"),
    [(SpeechBrainLoRA, {"rank": 2}), (HoulsbyAdapterLinear, {"projection_size": 4})],
)
def test_speechbrains_adapters_fit(kind, options):
    """Its ``AdaptedModel`` wraps the lobe; its adapters are asked, and learn."""
    lobe = random_lobe()
    before = features(lobe)
    model = AdaptedModel(
        lobe,
        kind,
        target_layers=["transformer.layers.*.ffn_out", "transformer.layers.*.output"],
        adapter_kwargs=options,
    )
    adapters = [(n, p) for n, p in model.named_parameters() if "adapter_" in n]
    for _, parameter in adapters:
        nn.init.normal_(parameter)
    assert not torch.allclose(features(model), before)
    model.encode(*ragged_batch()).features.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for _, p in adapters)
