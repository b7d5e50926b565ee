"""The classification head: a mean over real frames between two layers.

Seen to fail: padding in the mean; the activation before the mean; weights of layers
without softmax.
"""

import pytest
import torch
import torch.nn.functional as F

from xlsr_sb.errors import InputError
from xlsr_sb.heads.classifier import ClassificationHead
from xlsr_sb.heads.classifier_config import ACTIVATIONS


def ragged(num_layers=1):
    """Features with noise in the padding, and numbers of frames."""
    layers = [torch.randn(3, 9, 16) for _ in range(num_layers)]
    return layers, torch.tensor([9, 4, 1])


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_equals_the_order_of_peers(activation):
    """Project each frame, take the mean of an utterance's own, activate, classify."""
    head = ClassificationHead(16, 8, 5, activation=activation)
    (features,), counts = ragged()
    found = head(features, num_frames=counts)
    for row, one, count in zip(found, features, counts.tolist(), strict=True):
        mean = head.projection(one[:count]).mean(dim=0)
        wanted = head.classifier(ACTIVATIONS[activation](mean))
        torch.testing.assert_close(row, wanted)


def test_weighted_layers():
    """With a softmax over the layers' weights; alike at first."""
    head = ClassificationHead(16, 8, 5, num_layers=3)
    layers, counts = ragged(3)
    at_first = head(layers[-1], num_frames=counts, layers=layers)
    plain = ClassificationHead(16, 8, 5)
    plain.load_state_dict(head.state_dict(), strict=False)
    mean = torch.stack(layers).mean(dim=0)
    torch.testing.assert_close(at_first, plain(mean, num_frames=counts))
    torch.nn.init.normal_(head.layer_weights)
    shares = head.layer_weights.softmax(dim=0)
    mixed = sum(share * layer for share, layer in zip(shares, layers, strict=True))
    found = head(layers[-1], num_frames=counts, layers=layers)
    torch.testing.assert_close(found, plain(mixed, num_frames=counts))
    found.sum().backward()
    assert head.layer_weights.grad.abs().sum() > 0


def test_padding_is_not_read():
    """Not even if there is no number in it."""
    head = ClassificationHead(16, 8, 5)
    (features,), counts = ragged()
    wanted = head(features, num_frames=counts)
    features[1, 4:] = float("nan")
    torch.testing.assert_close(head(features, num_frames=counts), wanted)
    head(features, num_frames=counts).sum().backward()
    assert torch.isfinite(head.projection.weight.grad).all()


def test_alone_and_in_a_batch():
    """The same logits."""
    head = ClassificationHead(16, 8, 5)
    (features,), counts = ragged()
    together = head(features, num_frames=counts)
    for i, count in enumerate(counts.tolist()):
        alone = head(features[i : i + 1, :count], num_frames=counts[i : i + 1])
        torch.testing.assert_close(alone[0], together[i])


def test_logits_are_in_fp32_whatever_surrounds_them():
    """As those of the CTC head."""
    head = ClassificationHead(16, 8, 5)
    (features,), counts = ragged()
    wanted = head(features.bfloat16().float(), num_frames=counts)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = head(features.bfloat16(), num_frames=counts)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted)


def test_layers_are_asked_for_only_if_they_are_needed():
    """All layers of a big encoder are much memory."""
    assert not ClassificationHead(4, 4, 2).needs_layers
    assert ClassificationHead(4, 4, 2, num_layers=3).needs_layers
    names = ["projection.weight", "projection.bias", "classifier.weight"]
    assert list(ClassificationHead(4, 4, 2).state_dict()) == [*names, "classifier.bias"]


def test_no_such_activation():
    """The message lists those that there are."""
    with pytest.raises(InputError, match="activation must be .* gelu,.* got 'elu'"):
        ClassificationHead(4, 4, 2, activation="elu")


def test_it_learns():
    """A separable problem, to the end."""
    head = ClassificationHead(8, 8, 2, activation="gelu")
    features = torch.randn(40, 5, 8)
    classes = (features[:, :3].mean(dim=1)[:, 0] > 0).long()
    counts = torch.full((40,), 3)
    optimiser = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.cross_entropy(head(features, num_frames=counts), classes)
        loss.backward()
        optimiser.step()
    assert loss < 0.05
