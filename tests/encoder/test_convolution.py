"""Both convolutions equal PyTorch's, and so do their gradients.

Seen to fail: the mirrored kernel without exchanged channels; rows of one block too few.
"""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from xlsr_sb.encoder.convolution import (
    grouped_convolution,
    lookahead,
    strided_convolution,
)

STRIDED = [(3, 2), (2, 2), (10, 5), (5, 2), (7, 3), (1, 1), (4, 1), (2, 3), (1, 4)]
GROUPED = [(1, 1), (2, 2), (3, 1), (4, 3), (9, 2), (16, 3)]  # taps, groups


def random(*shape):
    """Doubles that want a gradient."""
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def strided_inputs(kernel, stride, *, input_dim, num_outputs=4):
    """Frames of complete rows, weight and bias."""
    num_frames = stride * (num_outputs + lookahead(kernel, stride))
    return random(num_frames, input_dim), random(3, input_dim, kernel), random(3)


@pytest.mark.parametrize(("kernel", "stride"), STRIDED)
@pytest.mark.parametrize("input_dim", [1, 2])
def test_strided_convolution_and_its_gradients(kernel, stride, input_dim):
    """Raw audio has one channel and takes a way of its own."""
    inputs = strided_inputs(kernel, stride, input_dim=input_dim)
    frames, weight, bias = inputs
    outputs = strided_convolution(*inputs, stride)
    wanted = F.conv1d(frames.t()[None], weight, bias, stride=stride)[0].t()
    torch.testing.assert_close(outputs, wanted[: len(outputs)])
    assert outputs.shape == (4, 3)
    assert gradcheck(lambda *tensors: strided_convolution(*tensors, stride), inputs)


def test_strided_convolution_gives_the_gradients_that_are_wanted():
    """Frozen weights have none, and frames that need none cost nothing."""
    frames, weight, bias = strided_inputs(3, 2, input_dim=2)
    weight.requires_grad_(False)
    strided_convolution(frames, weight, bias, 2).sum().backward()
    assert weight.grad is None
    assert frames.grad is not None
    assert bias.grad is not None
    outputs = strided_convolution(frames.detach(), weight, bias.detach(), 2)
    assert not outputs.requires_grad


def test_strided_convolution_obeys_autocast():
    """It is as exact as a linear layer there."""
    frames, weight, bias = (t.float() for t in strided_inputs(3, 2, input_dim=8))
    exact = strided_convolution(frames, weight, bias, 2)
    with torch.autocast("cpu", torch.bfloat16):
        rough = strided_convolution(frames, weight, bias, 2)
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - exact).abs().max() < 0.05 * exact.abs().max()


@pytest.mark.parametrize(("kernel", "groups"), GROUPED)
def test_grouped_convolution_and_its_gradients(kernel, groups):
    """Even kernels make one frame more; signals may be shorter than the kernel."""
    dim = 2 * groups
    inputs = random(1, dim, 5), random(dim, 2, kernel), random(dim)
    wanted = F.conv1d(*inputs, padding=kernel // 2, groups=groups)
    torch.testing.assert_close(grouped_convolution(*inputs, groups), wanted)
    assert gradcheck(lambda *tensors: grouped_convolution(*tensors, groups), inputs)


def test_grouped_convolution_under_autocast_is_pytorchs():
    """With its type and its gradients."""
    inputs = [t.detach().float().requires_grad_() for t in (random(1, 4, 9),)]
    weight, bias = torch.randn(4, 2, 3, requires_grad=True), torch.zeros(4)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = grouped_convolution(*inputs, weight, bias, 2)
    assert outputs.dtype == torch.bfloat16
    outputs.float().sum().backward()
    assert torch.isfinite(weight.grad).all()
