"""Hand-written gradients against finite differences and against the modules'.

Seen to fail: a residual without its gradient, dropout's scale left out of the backward
pass, the keys' gradient doubled.
"""

import copy

import pytest
import torch
from torch.autograd import gradcheck

from tests.encoder.models import as_transformers, ragged_batch, random_lobe
from xlsr_sb import XLSRConfig
from xlsr_sb.encoder import attention, blocks
from xlsr_sb.encoder.blocks import AttentionBlock, FeedForwardBlock
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.encoder.transformer import TransformerLayer

FRAMES = [5, 1, 3]
SIZES = {"dim": 8, "ffn_dim": 12, "num_heads": 2, "pos_conv_groups": 2}


def layer_of(**fields):
    """Random layer, norms too, and the layout of three utterances."""
    config = XLSRConfig.preset("tiny", **{**SIZES, "layerdrop": 0.0, **fields})
    layer = TransformerLayer(config)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    packing = Packing.of([400 + 320 * (n - 1) for n in FRAMES], config)
    return layer, packing


def inputs_of(*modules):
    """Rows and the parameters of modules, in double precision."""
    rows = torch.randn(sum(FRAMES), SIZES["dim"], dtype=torch.float64)
    parameters = [p.double() for module in modules for p in module.parameters()]
    return [one.detach().requires_grad_() for one in (rows, *parameters)]


def test_attention_has_its_gradient():
    """Of rows and all six parameters, by finite differences."""
    layer, _ = layer_of()
    inputs = inputs_of(layer.attention_norm, layer.attention)
    rest = FRAMES, 2, torch.float64
    assert gradcheck(lambda *args: AttentionBlock.apply(*args, *rest), inputs)


@pytest.mark.parametrize("p", [0.0, 0.4])
def test_feed_forward_has_its_gradient(p):
    """With the same values dropped in every evaluation."""
    layer, _ = layer_of()
    inputs = inputs_of(layer.ffn_norm, layer.ffn_in, layer.ffn_out)

    def forward(*args):
        torch.manual_seed(3)
        return FeedForwardBlock.apply(*args, p, torch.float64)

    assert gradcheck(forward, inputs)


@pytest.fixture
def in_modules(monkeypatch):
    """Switch to layers that call their modules."""
    return lambda: monkeypatch.setattr(
        TransformerLayer, "_has_blocks", lambda *_: False
    )


def outcome(layer, packing, dtype=None):
    """Output and gradients, from one seed."""
    torch.manual_seed(7)
    rows = torch.randn(sum(FRAMES), SIZES["dim"]).requires_grad_()
    layer.zero_grad()
    with torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None):
        outputs = layer(rows, packing)
    outputs.sin().sum().backward()
    return {"output": outputs, "rows": rows.grad} | {
        name: parameter.grad for name, parameter in layer.named_parameters()
    }


def test_blocks_are_the_modules(in_modules):
    """Output and every gradient, with the same values dropped."""
    layer, packing = layer_of(activation_dropout=0.3)
    ours = outcome(layer, packing)
    in_modules()
    theirs = outcome(layer, packing)
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, msg=lambda m, n=name: n + m)


def relative_errors(approximate, exact):
    """Norm of the difference over the norm, of each value."""
    return {
        name: ((approximate[name] - value).norm() / value.norm()).item()
        for name, value in exact.items()
    }


@pytest.mark.parametrize("most_frames", [attention.MOST_FRAMES, 2])
def test_16_bits_are_as_exact_as_in_modules(in_modules, monkeypatch, most_frames):
    """By products, and for longer utterances by PyTorch's kernel."""
    monkeypatch.setattr(attention, "MOST_FRAMES", most_frames)
    layer, packing = layer_of(activation_dropout=0.0)
    ours = outcome(layer, packing, torch.bfloat16)
    in_modules()
    exact, theirs = outcome(layer, packing), outcome(layer, packing, torch.bfloat16)
    errors, allowed = relative_errors(ours, exact), relative_errors(theirs, exact)
    assert sum(errors.values()) < 1.2 * sum(allowed.values())
    assert all(error < 0.05 for error in errors.values())
    assert ours["output"].dtype == torch.float32  # the residual's


def test_only_what_trains_has_gradients():
    """Of frozen parameters none is computed, and the others are the same."""
    layer, packing = layer_of(activation_dropout=0.0)
    whole = outcome(layer, packing)
    trained = {"attention.qkv.bias", "ffn_norm.weight", "ffn_out.bias"}
    for name, parameter in layer.named_parameters():
        parameter.requires_grad_(name in trained)
    part = outcome(layer, packing)
    for name in whole:
        if name in trained or name == "rows":
            torch.testing.assert_close(part[name], whole[name])
        elif name != "output":
            assert part[name] is None


def kept_bytes(layer, packing):
    """What one pass keeps for its gradient, parameters aside."""
    sizes = {}
    parameters = {p.data_ptr() for p in layer.parameters()}

    def note(tensor):
        if tensor.data_ptr() not in parameters:
            sizes[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    rows = torch.randn(sum(packing.num_frames), layer.ffn_in.in_features)
    rows.requires_grad_()
    with (
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16),
    ):
        outputs = layer(rows, packing)
    del outputs
    return sum(sizes.values())


def test_blocks_keep_half_as_much(in_modules):
    """At the proportions of the real sizes."""
    sizes = {"dim": 64, "ffn_dim": 256, "num_heads": 1}
    layer, _ = layer_of(**sizes, activation_dropout=0.1)
    packing = Packing.of([64_000, 96_000], XLSRConfig.preset("tiny"))
    ours = kept_bytes(layer, packing)
    in_modules()
    assert ours < 0.55 * kept_bytes(layer, packing)


def test_weights_are_read_when_the_gradient_is_computed():
    """Changing them in between is an error, as it is with modules."""
    layer, packing = layer_of()
    outputs = layer(torch.randn(sum(FRAMES), SIZES["dim"]), packing)
    with torch.no_grad():
        layer.ffn_in.weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs.sum().backward()


@pytest.mark.parametrize("fields", [{"dropout": 0.1}, {"attention_dropout": 0.1}])
def test_dropouts_that_blocks_do_not_have_go_through_modules(fields, monkeypatch):
    """In training only."""
    layer, packing = layer_of(**fields)
    monkeypatch.setattr(blocks.FeedForwardBlock, "apply", None)
    rows = torch.randn(sum(FRAMES), SIZES["dim"])
    layer(rows, packing)
    with pytest.raises(TypeError):
        layer.eval()(rows, packing)


def test_whole_encoder_in_16_bits_is_closer_than_transformers(tmp_path):
    """To the features in 32 bits, as the residual is summed in 32 bits here."""
    lobe = random_lobe(num_layers=8, dim=64, ffn_dim=128, num_heads=2).eval()
    peer = as_transformers(lobe, tmp_path).eval()
    waveforms, num_samples = ragged_batch([16_000])
    inputs = torch.nn.functional.layer_norm(waveforms, waveforms.shape[1:])
    with torch.no_grad():
        exact = lobe.encode(waveforms, num_samples).features
        with torch.autocast("cpu", torch.bfloat16):
            ours = lobe.encode(waveforms, num_samples).features
            theirs = peer(inputs).last_hidden_state
    assert (ours - exact).norm() < (theirs - exact).norm()


def test_a_copy_is_another_layer():
    """Nothing of a block hides in the module."""
    layer, packing = layer_of()
    twin = copy.deepcopy(layer).eval()
    rows = torch.randn(sum(FRAMES), SIZES["dim"])
    assert torch.equal(twin(rows, packing), layer.eval()(rows, packing))
