"""The list of matrix products against what PyTorch counts in a real step.

Seen to fail: a product left out, a gradient left out, packed lengths padded, the
gradient of the waveform counted.
"""

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from tests.encoder.models import as_torchaudio, random_lobe
from xlsr_sb.bench.floor import seconds_of
from xlsr_sb.bench.products import Product, products, total_flops
from xlsr_sb.bench.sides import Utterances

LENGTHS = [16_000, 7_777, 400, 3_201]


def attention_flops(config, frames) -> int:
    """Products of attention, forward: none of PyTorch's formulas is for a CPU's."""
    per_square = 4 * config.dim * config.num_layers
    return per_square * sum(n * n for n in frames)


def counted(call) -> int:
    """Floating-point operations of a call, attention aside."""
    with FlopCounterMode(display=False) as counter:
        call()
    attention = ("scaled_dot_product", "bmm")
    return sum(
        flops
        for op, flops in counter.get_flop_counts()["Global"].items()
        if not any(name in str(op) for name in attention)
    )


@pytest.mark.parametrize("trains", [False, True])
def test_padded_products_are_those_of_a_peer(trains):
    """To the operation: linear layers and convolutions, forward and backward."""
    # PyTorch counts the backward of a grouped convolution as if it had one group.
    lobe = random_lobe(freeze_feature_extractor=True, pos_conv_groups=1)
    model = as_torchaudio(lobe).train()
    model.feature_extractor.requires_grad_(False)
    batch = Utterances.random([16_000, 16_000, 16_000], torch.device("cpu"))

    def step():
        features = model(batch.normalised(), batch.num_samples)[0]
        if trains:
            features.square().mean().backward()

    config, lengths = lobe.config, batch.num_samples.tolist()
    needed = products(config, lengths, trains=trains, padded=True)
    frames = [49] * 3
    ours = total_flops(needed) - attention_flops(config, frames) * (3 if trains else 1)
    # An even kernel makes the positional convolution compute one frame too many.
    width = config.dim // config.pos_conv_groups
    extra = 2 * 3 * config.dim * width * config.pos_conv_kernel
    assert counted(step) == pytest.approx(ours + extra * (3 if trains else 1), rel=1e-3)


def test_a_trained_extractor_has_all_gradients_but_that_of_the_waveform():
    """To the operation, beside a frozen one."""
    lobe = random_lobe(pos_conv_groups=1)
    model = as_torchaudio(lobe).train()
    batch = Utterances.random([16_000, 16_000], torch.device("cpu"))

    def step():
        model(batch.normalised(), batch.num_samples)[0].square().mean().backward()

    options = {"trains": True, "padded": True}
    lengths = batch.num_samples.tolist()
    frozen, trained = (
        total_flops(products(lobe.config, lengths, trains_extractor=learns, **options))
        for learns in (False, True)
    )
    flops = counted(step)
    model.feature_extractor.requires_grad_(False)
    assert flops - counted(step) == trained - frozen > 0


def test_packed_products_have_no_padding():
    """They are those of each utterance alone, taken together."""
    config = random_lobe().config
    together = products(config, LENGTHS, trains=True, padded=False)
    alone = [products(config, [n], trains=True, padded=False) for n in LENGTHS]
    assert total_flops(together) == sum(map(total_flops, alone))
    padded = products(config, LENGTHS, trains=True, padded=True)
    longest = products(config, [max(LENGTHS)], trains=True, padded=True)
    assert total_flops(padded) == len(LENGTHS) * total_flops(longest)


def test_a_frozen_extractor_has_no_backward():
    config = random_lobe().config
    forward = products(config, LENGTHS, trains=False, padded=False)
    both = products(config, LENGTHS, trains=True, padded=False)
    extractor = Product(sum((n - 10) // 5 + 1 for n in LENGTHS), 10, 16)
    assert forward[extractor] == both[extractor] == 1
    flops = 2 * 10 * 16 * extractor.m
    assert extractor.flops == flops
    assert total_flops(both) < 3 * total_flops(forward)


@pytest.mark.parametrize("layout", ["forward", "input gradient", "weight gradient"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_can_be_timed(layout, batch, dtype):
    product = Product(8, 16, 24, batch, layout)
    seconds = seconds_of(product, dtype=dtype, device=torch.device("cpu"), least=0.0)
    assert 0 < seconds < 1


def test_gradients_are_products_of_the_other_two():
    """Of y = x w: as large as each operand, with the operations of the product."""
    product, to_input, to_weight = Product(5, 7, 11).with_gradients()
    assert (to_input.m, to_input.n) == (5, 7)
    assert (to_weight.m, to_weight.n) == (11, 7)  # as Linear holds its weight
    assert product.flops == to_input.flops == to_weight.flops
    inputs, weight = torch.randn(5, 7, requires_grad=True), torch.randn(11, 7)
    weight.requires_grad_()
    F.linear(inputs, weight).sum().backward()
    assert inputs.grad.shape == (to_input.m, to_input.n)
    assert weight.grad.shape == (to_weight.m, to_weight.n)
