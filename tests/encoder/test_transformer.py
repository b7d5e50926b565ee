"""Attention inside utterances only, dropped layers, recomputed activations."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch._dynamo.testing import CompileCounter

from xlsr_sb import XLSRConfig
from xlsr_sb.encoder import transformer
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.encoder.transformer import Transformer, TransformerLayer

FRAMES = [7, 1, 12, 3]
QUIET = {"layerdrop": 0.0, "activation_dropout": 0.0}


def config_of(**fields):
    sizes = {"dim": 16, "ffn_dim": 24, "num_heads": 2, "num_layers": 3}
    return XLSRConfig.preset("tiny", **{**sizes, "pos_conv_groups": 2, **fields})


@pytest.fixture
def packing():
    """Layout of four utterances."""
    return Packing.of([400 + 320 * (n - 1) for n in FRAMES], config_of())


@pytest.fixture
def rows():
    """Real frames of all of them."""
    return torch.randn(sum(FRAMES), 16)


def dense_attention(module, rows):
    """Attention of one utterance by the formula."""
    query, key, value = module.qkv(rows).view(len(rows), 3, 2, 8).unbind(1)
    scores = torch.einsum("nhd,mhd->hnm", query, key) / 8**0.5
    mixed = torch.einsum("hnm,mhd->nhd", scores.softmax(-1), value)
    return module.output(mixed.reshape(len(rows), 16))


def by_formula(layer, rows):
    """Output of a layer without dropout for one utterance."""
    middle = rows + dense_attention(layer.attention, layer.attention_norm(rows))
    hidden = F.gelu(layer.ffn_in(layer.ffn_norm(middle)))
    return middle + layer.ffn_out(hidden)


def layer_of(**fields):
    """Layer whose norms count."""
    layer = TransformerLayer(config_of(**{**QUIET, **fields}))
    for norm in (layer.ffn_norm, layer.attention_norm):
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    return layer


@pytest.mark.parametrize("has_blocks", [True, False])
def test_layer_is_the_formula_on_each_utterance_alone(
    rows, packing, has_blocks, monkeypatch
):
    """Pre-norm, two residuals, attention inside an utterance; in blocks or modules."""
    monkeypatch.setattr(TransformerLayer, "_has_blocks", lambda *_: has_blocks)
    layer = layer_of()
    alone = [by_formula(layer, piece) for piece in rows.split(FRAMES)]
    torch.testing.assert_close(layer(rows, packing), torch.cat(alone))


@pytest.mark.parametrize("name", ["dropout", "activation_dropout", "attention_dropout"])
def test_layer_dropouts_are_of_training(rows, packing, name):
    """Each by itself changes training and leaves evaluation alone."""
    layer = TransformerLayer(config_of(**{**QUIET, name: 0.3}))
    assert not torch.equal(layer(rows, packing), layer(rows, packing))
    layer.eval()
    assert torch.equal(layer(rows, packing), layer(rows, packing))


def test_states_are_inputs_and_the_normalised_output(rows, packing):
    """One more than there are layers, the first untouched."""
    stack = Transformer(config_of(**QUIET))
    torch.nn.init.normal_(stack.norm.weight)
    states = stack(rows, packing)
    assert len(states) == 4
    assert torch.equal(states[0], rows)
    for before, layer, after in zip(states, stack.layers, states[1:-1], strict=False):
        torch.testing.assert_close(layer(before, packing), after)
    last = stack.norm(stack.layers[-1](states[-2], packing))
    torch.testing.assert_close(states[-1], last)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"activation_checkpointing": True},
        {"dropout": 1e-9},  # for which there are no blocks
        {"layerdrop": 0.999},
    ],
    ids=lambda fields: next(iter(fields), "blocks"),
)
def test_some_frames_of_the_last_layer_are_those_of_all(rows, packing, fields):
    """Outputs and gradients, as if the others had been thrown away afterwards."""
    stack = Transformer(config_of(**{**QUIET, **fields}))
    frames = torch.tensor([0, 5, 6, 7, 20, 22])
    found = []
    for chosen in (frames, None):
        stack.layerdrop_generator.manual_seed(1)
        stack.zero_grad()
        inputs = rows.clone().requires_grad_()
        outputs = stack(inputs, packing, wanted=[3], frames=chosen)[0]
        if chosen is None:
            outputs = outputs[frames]
        outputs.pow(3).sum().backward()
        grads = [p.grad for p in stack.parameters() if p.grad is not None]
        found.append([outputs, inputs.grad, *grads])
    torch.testing.assert_close(*found)
    assert (len(found[0]) == 4) == ("layerdrop" in fields)  # the norm's alone


# Layerdrop


def skipped(stack, rows, packing):
    """Which layers of one pass changed nothing."""
    states = stack(rows, packing)
    inner = [torch.equal(a, b) for a, b in zip(states, states[1:-1], strict=False)]
    return [*inner, torch.equal(stack.norm(states[-2]), states[-1])]


def test_layerdrop_share(packing):
    """Each layer is skipped with the probability that was asked for."""
    stack = Transformer(config_of(layerdrop=0.3, activation_dropout=0.0))
    stack.layerdrop_generator.manual_seed(5)
    rows = torch.randn(sum(FRAMES), 16)
    with torch.no_grad():
        draws = torch.tensor([skipped(stack, rows, packing) for _ in range(500)])
    share = draws.float().mean(0)
    sigma = (0.3 * 0.7 / 500) ** 0.5
    assert ((share - 0.3).abs() < 4 * sigma).all()


def test_equal_seeds_drop_equal_layers(rows, packing):
    """Whatever dropout and masks have drawn: ranks must agree."""
    stack = Transformer(config_of(layerdrop=0.5, activation_dropout=0.0))
    draws = []
    for _ in range(2):
        stack.layerdrop_generator.manual_seed(11)
        torch.rand(len(draws) + 1)
        draws.append([skipped(stack, rows, packing) for _ in range(10)])
    assert draws[0] == draws[1]
    assert len({tuple(draw) for draw in draws[0]}) > 1


def test_layerdrop_takes_no_random_number_from_others(rows, packing):
    """Dropout and masks are the same with and without it."""
    stack = Transformer(config_of(layerdrop=0.5, activation_dropout=0.0))
    before = torch.get_rng_state()
    stack(rows, packing)
    assert torch.equal(torch.get_rng_state(), before)


def test_no_layer_is_dropped_in_evaluation(rows, packing):
    """All of them, always."""
    stack = Transformer(config_of(layerdrop=0.9)).eval()
    assert not any(any(skipped(stack, rows, packing)) for _ in range(5))


# Activation checkpointing


@pytest.mark.parametrize("layerdrop", [0.0, 0.4])
def test_checkpointing_gives_the_same_gradients(rows, packing, layerdrop):
    """With every dropout on and the same seed, to the last bit."""
    fields = {"dropout": 0.2, "activation_dropout": 0.3, "attention_dropout": 0.2}
    stack = Transformer(config_of(**fields, layerdrop=layerdrop))
    results = []
    for checkpointing in (False, True):
        stack.activation_checkpointing = checkpointing
        stack.layerdrop_generator.manual_seed(3)
        torch.manual_seed(7)
        stack.zero_grad()
        stack(rows, packing)[-1].square().sum().backward()
        gradients = [p.grad for p in stack.parameters() if p.grad is not None]
        results.append((gradients, torch.rand(1)))
    (plain, after_plain), (recomputed, after_recomputed) = results
    assert len(plain) == len(recomputed)
    assert all(map(torch.equal, plain, recomputed))
    assert torch.equal(after_plain, after_recomputed)


def test_checkpointing_keeps_less(rows, packing):
    """Of a layer's inner activations nothing is kept for the backward pass."""
    kept = []
    stack = Transformer(config_of(**QUIET, num_layers=6))

    def pack(tensor):
        kept[-1] += tensor.numel()
        return tensor

    for checkpointing in (False, True):
        stack.activation_checkpointing = checkpointing
        kept.append(0)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            stack(rows.requires_grad_(), packing)
    assert kept[1] < kept[0] / 5


# Compilation

looks_at_gradients = pytest.mark.filterwarnings(  # the compiler, of its inputs
    "ignore:The .grad attribute of a Tensor that is not a leaf"
)


@pytest.fixture
def compiler(monkeypatch):
    """Counts graphs, and runs them as they are."""
    counter = CompileCounter()
    compile_with = partial(torch.compile, backend=counter)
    monkeypatch.setattr(transformer.torch, "compile", compile_with)
    transformer._compiled.cache_clear()
    torch._dynamo.reset()
    yield counter
    transformer._compiled.cache_clear()


@looks_at_gradients
def test_layers_and_batches_share_two_graphs(compiler):
    """Whatever the number of utterances and their lengths: no recompilation storm."""
    stack = Transformer(config_of(compile_layers=True, num_layers=4, **QUIET))
    plain = Transformer(config_of(num_layers=4, **QUIET))
    plain.load_state_dict(stack.state_dict())
    for frames in ([7, 1, 12, 3], [9], [40, 2], [5] * 7, [31, 30, 29], [2]):
        packing = Packing.of([400 + 320 * (n - 1) for n in frames], config_of())
        rows = torch.randn(sum(frames), 16, requires_grad=True)
        states = stack(rows, packing)
        states[-1].sum().backward()
        torch.testing.assert_close(states[-1], plain(rows, packing)[-1])
    assert compiler.frame_count == 2


@looks_at_gradients
def test_compiled_dropout_is_of_training(rows, packing, compiler):
    """It is drawn anew for each batch."""
    layer = layer_of(compile_layers=True, activation_dropout=0.3)
    assert not torch.equal(layer(rows, packing), layer(rows, packing))
    layer.eval()
    assert torch.equal(layer(rows, packing), layer(rows, packing))
    assert compiler.frame_count > 0
