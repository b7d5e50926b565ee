"""Decoding with oneDNN's products: the same numbers, from the same weights."""

import pytest
import torch
from torch import nn

from tests.heads.translator.test_head import ragged, random_head
from xlsr_sb.heads.translator.onednn import OneDNNLinear, is_possible, with_onednn

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="PyTorch has no oneDNN"
)


def linear_layers(module):
    """Names of the layers that PyTorch computes, and of those that oneDNN does."""
    found = {nn.Linear: set(), OneDNNLinear: set()}
    for name, one in module.named_modules():
        if type(one) in found:
            found[type(one)].add(name)
    return found[nn.Linear], found[OneDNNLinear]


@torch.no_grad()
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [1, 5, 40])
def test_products_are_the_same(rows, bias):
    inputs, linear = torch.randn(rows, 31), nn.Linear(31, 77, bias=bias)
    found = OneDNNLinear(linear.weight, linear.bias)(inputs)
    torch.testing.assert_close(found, linear(inputs))


@torch.no_grad()
@pytest.mark.parametrize("tied", [True, False])
def test_every_linear_layer_has_a_twin(tied):
    """The output layer too; the decoder itself stays as it was."""
    decoder = random_head(tied_embeddings=tied).decoder
    before = {name: id(one) for name, one in decoder.named_modules()}
    twin = decoder.for_decoding()
    plain, _ = linear_layers(decoder)
    assert linear_layers(twin) == (set(), plain | {"output"})
    assert {name: id(one) for name, one in decoder.named_modules()} == before
    assert twin.embeddings is decoder.embeddings
    assert twin.layers[0].ffn_norm is decoder.layers[0].ffn_norm
    hidden = torch.randn(3, 24)
    torch.testing.assert_close(twin.logits(hidden), decoder.logits(hidden))


@torch.no_grad()
def test_a_twin_has_no_weights_of_its_own():
    """A state that was made before they changed is none of the old ones."""
    head, (features, num_frames, tokens, _) = random_head(), ragged()
    memory, num_memory = head.adapt(features, num_frames)

    def begun():
        return head.start(memory, num_memory, beam_size=1, max_tokens=1)

    old, first = begun(), head.step(tokens[:, 0], begun())
    head.decoder.layers[0].ffn_in.weight.add_(1.0)
    head.decoder.embeddings.weight.mul_(1.5)
    second = head.step(tokens[:, 0], begun())
    assert (second - first).abs().max() > 0.1
    torch.testing.assert_close(head.step(tokens[:, 0], old), second)


def test_only_where_it_is_the_same_and_faster(monkeypatch):
    """Not in another precision, under autocast, or where gradients are wanted."""
    decoder = random_head().decoder
    assert with_onednn(decoder) is decoder
    with torch.no_grad():
        assert is_possible(decoder.output_weight)
        for dtype in (torch.float64, torch.bfloat16):
            assert not is_possible(decoder.output_weight.to(dtype))
        assert not is_possible(decoder.output_weight.to("meta"))
        with torch.autocast("cpu", torch.bfloat16):
            assert decoder.for_decoding() is decoder
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
        assert decoder.for_decoding() is decoder
