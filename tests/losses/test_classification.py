"""Cross-entropy of classes: PyTorch's, the loss of translation, margins by angles.

Seen to fail: the share of a wrong class taken over all classes; the margin in the loss
that is shown; the margin on every class; a margin that is not scaled.
"""

import math

import pytest
import torch
from torch.nn import functional

from xlsr_sb.errors import InputError
from xlsr_sb.losses import Margin, classification_loss, label_smoothed_loss

NUM_CLASSES, SCALE = 5, 12.0


def inputs(dtype=torch.float32):
    """Scaled cosines, one far from its class, and classes."""
    cosines = 2 * torch.rand(7, NUM_CLASSES, dtype=dtype) - 1
    cosines[1, 4] = -0.97
    return (SCALE * cosines).requires_grad_(), torch.tensor([0, 4, 1, 1, 2, 3, 0])


def margin_of(kind, size=0.3):
    """A margin that is full from the beginning."""
    return Margin(kind, size, scale=SCALE)


def by_angles(logits, targets, *, kind, size):
    """Loss of each utterance by itself, from arccos and exponentials, in fp64."""
    total = 0.0
    for row, target in zip(logits.double() / SCALE, targets, strict=True):
        own = row[target] - size
        if kind == "aam_softmax":
            angle = row[target].arccos()
            own = (angle + size).cos()
            if angle + size > math.pi:
                own = row[target] - size * math.sin(size)
        others = sum((SCALE * one).exp() for i, one in enumerate(row) if i != target)
        hit = (SCALE * own).exp()
        total -= (hit / (hit + others)).log()
    return total


def test_equals_pytorch():
    """Without smoothing or margin, gradients too."""
    logits, targets = inputs()
    loss = classification_loss(logits, targets)
    wanted = functional.cross_entropy(logits, targets, reduction="sum")
    torch.testing.assert_close(loss.total, wanted)
    torch.testing.assert_close(loss.nll, wanted)
    assert not loss.nll.requires_grad
    assert loss.num_correct == (logits.argmax(1) == targets).sum()
    assert 0 < loss.num_correct < len(targets)
    found, other = (torch.autograd.grad(one, logits) for one in (loss.total, wanted))
    torch.testing.assert_close(found, other)


@pytest.mark.parametrize("smoothing", [0.1, 0.6])
def test_smoothing_is_that_of_translation(smoothing):
    """Which is fairseq's."""
    hidden, weight = torch.randn(7, 3), torch.randn(NUM_CLASSES, 3)
    _, targets = inputs()
    found = classification_loss(hidden @ weight.t(), targets, smoothing=smoothing)
    wanted = label_smoothed_loss(hidden, weight, targets, smoothing=smoothing)
    torch.testing.assert_close(found.total, wanted.total)
    torch.testing.assert_close(found.nll, wanted.nll)
    assert found.num_correct == wanted.num_correct


@pytest.mark.parametrize("kind", ["am_softmax", "aam_softmax"])
@pytest.mark.parametrize("size", [0.0, 0.3, 1.2])
def test_margins_by_angles(kind, size):
    """Also where the angle is so large that the margin turns beyond pi."""
    if kind == "am_softmax":
        size = min(size, 0.9)
    logits, targets = inputs(torch.float64)
    loss = classification_loss(logits, targets, margin=margin_of(kind, size))
    wanted = by_angles(logits, targets, kind=kind, size=size)
    torch.testing.assert_close(loss.total, wanted)
    found = torch.autograd.grad(loss.total, logits)
    torch.testing.assert_close(found, torch.autograd.grad(wanted, logits))
    own = logits.gather(1, targets[:, None]) / SCALE
    assert (own < math.cos(math.pi - 0.3)).any()
    plain = classification_loss(logits, targets)
    assert torch.equal(loss.nll, plain.nll)
    assert loss.num_correct == plain.num_correct
    assert loss.total > plain.total or size == 0


@pytest.mark.parametrize("kind", [None, "am_softmax", "aam_softmax"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_gradient_by_differences(kind, smoothing):
    """In fp64."""
    logits, targets = inputs(torch.float64)
    margin = kind and margin_of(kind)
    assert torch.autograd.gradcheck(
        lambda one: (
            classification_loss(one, targets, smoothing=smoothing, margin=margin).total
        ),
        logits,
    )


def test_margin_of_an_update():
    """None before it starts, half of it half-way, all of it in the end."""
    logits, targets = inputs()
    growing = Margin("aam_softmax", 0.4, scale=SCALE, start_update=10, full_update=20)
    for update, size in {0: 0.0, 10: 0.0, 15: 0.2, 20: 0.4, 99: 0.4}.items():
        found = classification_loss(logits, targets, margin=growing, update=update)
        fixed = margin_of("aam_softmax", size)
        wanted = classification_loss(logits, targets, margin=fixed)
        torch.testing.assert_close(found.total, wanted.total)


@pytest.mark.parametrize("kind", [None, "am_softmax", "aam_softmax"])
def test_fp32_whatever_surrounds_it(kind):
    """Logits in bf16 are taken as they are; nothing else is rounded."""
    logits, targets = inputs()
    rounded, margin = logits.detach().bfloat16(), kind and margin_of(kind)
    wanted = classification_loss(rounded.float(), targets, margin=margin)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = classification_loss(rounded, targets, margin=margin)
    assert found.total.dtype == found.nll.dtype == torch.float32
    assert torch.equal(found.total, wanted.total)


def test_sums_of_utterances():
    """One by one they are the batch: nothing depends on neighbours."""
    logits, targets = inputs()
    margin = margin_of("aam_softmax")
    together = classification_loss(logits, targets, smoothing=0.1, margin=margin)
    alone = [
        classification_loss(
            logits[i : i + 1], targets[i : i + 1], smoothing=0.1, margin=margin
        )
        for i in range(len(targets))
    ]
    torch.testing.assert_close(together.total, sum(one.total for one in alone))
    assert together.num_correct == sum(one.num_correct for one in alone)


@pytest.mark.parametrize("kind", [None, "am_softmax", "aam_softmax"])
def test_a_broken_model_is_not_hidden(kind):
    """The loss says so, and the gradient as well."""
    logits, targets = inputs()
    with torch.no_grad():
        logits[1, 2] = math.nan
    loss = classification_loss(logits, targets, margin=kind and margin_of(kind))
    loss.total.backward()
    assert not loss.total.isfinite()
    assert not logits.grad.isfinite().all()


def test_an_impossible_class_costs_nothing_without_smoothing():
    """As in PyTorch."""
    logits = torch.tensor([[0.0, 0.0, -math.inf]])
    loss = classification_loss(logits, torch.tensor([0]))
    assert loss.total.item() == pytest.approx(math.log(2))


def test_smoothing_out_of_range():
    """Named with its value."""
    for smoothing in (-0.1, 1.0):
        with pytest.raises(InputError, match=f"smoothing is {smoothing}; .* below 1"):
            classification_loss(*inputs(), smoothing=smoothing)
