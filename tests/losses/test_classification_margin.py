"""Margins: by angles, SpeechBrain's, and what happens at the ends of the circle.

Seen to fail: a margin that turns on beyond pi; the arccos of rounded cosines; a margin
before its first update.
"""

import math

import pytest
import torch
from speechbrain.nnet.losses import AdditiveAngularMargin, AngularMargin

from xlsr_sb.errors import InputError
from xlsr_sb.losses import Margin
from xlsr_sb.losses.margin import angular_margin, cosine_margin

SIZES = pytest.mark.parametrize("size", [0.0, 0.1, 0.2, 0.5, 1.5])


@SIZES
def test_angles_by_arccos(size):
    """In fp64; beyond pi as the authors do it."""
    angles = torch.linspace(1e-3, math.pi - 1e-3, 1001, dtype=torch.float64)
    found = angular_margin(angles.cos(), size)
    turned = angles + size < math.pi
    torch.testing.assert_close(found[turned], (angles + size).cos()[turned])
    beyond = angles.cos() - size * math.sin(size)
    torch.testing.assert_close(found[~turned], beyond[~turned])
    assert size == 0 or (~turned).any()


@SIZES
def test_farther_is_never_better(size):
    """From one end to the other, also across pi - margin."""
    cosines = torch.linspace(-1, 1, 2001)
    found = angular_margin(cosines, size)
    assert (found.diff() > 0).all()
    assert (found <= cosines + 1e-6).all()


@SIZES
def test_gradients_are_finite_everywhere(size):
    """Where an embedding lies on its class, or opposite, and a hair beside."""
    eps = torch.finfo(torch.float32).eps
    ends = [1 + eps, 1, 1 - eps / 2, 1 - eps, 0, -1 + eps, -1, -1 - eps]
    cosines = torch.tensor(ends, requires_grad=True)
    found = angular_margin(cosines, size)
    found.sum().backward()
    assert found.isfinite().all()
    assert cosines.grad.isfinite().all()
    assert cosines.grad.min() > 0
    assert cosines.grad.max() < 1 / math.sqrt(eps) + 1


@pytest.mark.parametrize("kind", ["am_softmax", "aam_softmax"])
@pytest.mark.parametrize("size", [0.1, 0.35])
def test_equals_speechbrain(kind, size):
    """Values and gradients, the ends aside, where it cuts off cosines."""
    cosines = torch.linspace(-0.999, 0.999, 60).view(20, 3).requires_grad_()
    targets = torch.arange(20) % 3
    peer = {"am_softmax": AngularMargin, "aam_softmax": AdditiveAngularMargin}[kind]
    one_hot = torch.nn.functional.one_hot(targets, 3).float()
    wanted = peer(margin=size, scale=30.0)(cosines, one_hot)
    found = Margin(kind, size).applied(30 * cosines, targets, update=0)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-4)
    weights = torch.randn(20, 3)
    gradients = (
        torch.autograd.grad((weights * one).sum(), cosines) for one in (found, wanted)
    )
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_without_a_size_nothing_changes():
    """Bit for bit, as before the first update of the schedule."""
    cosines = torch.linspace(-1, 1, 101)
    assert torch.equal(angular_margin(cosines, 0.0), cosines)
    assert torch.equal(cosine_margin(cosines, 0.0), cosines)


@pytest.mark.parametrize(
    ("start", "full", "wanted"),
    [
        (0, 0, [0.4, 0.4, 0.4, 0.4]),
        (0, 20, [0.0, 0.2, 0.3, 0.4]),
        (10, 20, [0.0, 0.0, 0.2, 0.4]),
        (15, 15, [0.0, 0.0, 0.4, 0.4]),
    ],
)
def test_schedule(start, full, wanted):
    """At updates 0, 10, 15 and 25."""
    margin = Margin("am_softmax", 0.4, start_update=start, full_update=full)
    found = [margin.at(update) for update in (0, 10, 15, 25)]
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "softmax"}, "no kind 'softmax'; there are .*'aam_softmax'"),
        ({"size": 1.6}, r"is 1.6; .* from 0 to below 1.571"),
        ({"size": math.nan}, "is nan; it must be from 0"),
        ({"kind": "am_softmax", "size": 1.0}, "is 1.0; it must be .* below 1$"),
        ({"scale": 0.0}, "scale of aam_softmax is 0.0; it must be a number above 0"),
        ({"start_update": 5}, "starts at update 5 and is full at 0; it must start"),
        ({"start_update": -1}, "starts at update -1"),
    ],
)
def test_what_cannot_work(options, message):
    """Named with its value and what is allowed."""
    with pytest.raises(InputError, match=message):
        Margin(**{"kind": "aam_softmax", **options})
