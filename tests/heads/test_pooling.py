"""Pooling: each utterance by itself and by hand, and SpeechBrain's where it is right.

Seen to fail: padding in the mean, in the deviation and in the softmax; a deviation
without its floor; one weight a frame where each channel has its own; context left out.
"""

import math

import pytest
import torch
from speechbrain.lobes.models.ECAPA_TDNN import AttentiveStatisticsPooling

from tests.encoder.kept import pretended_gpu
from xlsr_sb.errors import InputError
from xlsr_sb.heads.pooling import FLOOR, POOLINGS, AttentivePooling, build_pooling

DIM = 6
COUNTS = torch.tensor([9, 4, 1])
EVERY = pytest.mark.parametrize("name", POOLINGS)
ATTENTIVE = pytest.mark.parametrize("name", ["attention", "channel_attention"])


def ragged(dtype=torch.float32):
    """Features with noise in the padding."""
    return 2 * torch.randn(3, 9, DIM, dtype=dtype) + 1


def pooling_of(name):
    """A pooling whose scores differ much from frame to frame."""
    pooling = build_pooling(name, DIM, attention_dim=5)
    for parameter in pooling.parameters():
        torch.nn.init.normal_(parameter)
    return pooling


def by_hand(pooling, frames):
    """Vector of one utterance's own frames [F, D], channel by channel, in fp64."""
    frames = frames.double()
    columns = []
    for channel in range(DIM):
        own = frames[:, channel]
        weights = torch.full_like(own, 1 / len(own))
        if isinstance(pooling, AttentivePooling):
            scores = torch.stack([score(pooling, frames, f, channel) for f in frames])
            weights = scores.exp() / scores.exp().sum()
        mean = sum(weights * own)
        columns.append((mean, sum(weights * (own - mean) ** 2).sqrt()))
    means, deviations = map(torch.stack, zip(*columns, strict=True))
    deviations = deviations.clamp(min=FLOOR)
    return torch.cat([means, deviations])[: pooling.output_dim].float()


def score(pooling, frames, frame, channel):
    """Of one frame for one channel: v tanh(W h + b) + k."""
    hidden = pooling.frame.weight.double() @ frame + pooling.frame.bias.double()
    if pooling.context is not None:
        context = torch.cat([frames.mean(0), frames.std(0, correction=0)])
        hidden = hidden + pooling.context.weight.double() @ context
    row = channel if len(pooling.score.bias) > 1 else 0
    layer = pooling.score
    return layer.weight[row].double() @ hidden.tanh() + layer.bias[row].double()


@EVERY
def test_equals_the_formula(name):
    """Of each utterance's own frames."""
    pooling, features = pooling_of(name), ragged()
    with torch.no_grad():
        found = pooling(features, num_frames=COUNTS)
        for row, one, count in zip(found, features, COUNTS.tolist(), strict=True):
            wanted = by_hand(pooling, one[:count])
            torch.testing.assert_close(row, wanted, rtol=1e-5, atol=1e-5)


def test_deviation_is_that_of_the_frames():
    """PyTorch's, without Bessel's correction; in fp64 as well."""
    features = ragged(torch.float64)
    found = pooling_of("statistics")(features, num_frames=COUNTS)
    assert found.dtype == torch.float64
    for row, one, count in zip(found[:2], features, COUNTS.tolist(), strict=False):
        torch.testing.assert_close(row[:DIM], one[:count].mean(0))
        torch.testing.assert_close(row[DIM:], one[:count].std(0, correction=0))


@pytest.mark.parametrize("global_context", [False, True])
def test_equals_speechbrain(global_context):
    """ECAPA-TDNN's pooling with neither ReLU nor batch norm before its tanh."""
    ours = AttentivePooling(DIM, 5, per_channel=True, global_context=global_context)
    peer = AttentiveStatisticsPooling(DIM, 5, global_context=global_context)
    peer.tdnn.activation = peer.tdnn.norm = torch.nn.Identity()
    layer, scores = peer.tdnn.conv.conv, peer.conv.conv
    features = ragged()
    with torch.no_grad():
        ours.frame.weight.copy_(layer.weight[:, :DIM, 0])
        ours.frame.bias.copy_(layer.bias)
        if global_context:
            ours.context.weight.copy_(layer.weight[:, DIM:, 0])
        ours.score.weight.copy_(scores.weight[..., 0])
        ours.score.bias.copy_(scores.bias)
        found = ours(features, num_frames=COUNTS)
        wanted = peer(features.transpose(1, 2), COUNTS / 9)[..., 0]
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


@ATTENTIVE
def test_weights(name):
    """Exactly zero in the padding; the rest adds up to one and differs."""
    pooling = pooling_of(name)
    weights = pooling.weights(ragged(), num_frames=COUNTS)
    assert weights.shape == (3, 9, 1 if name == "attention" else DIM)
    for row, count in zip(weights, COUNTS.tolist(), strict=True):
        assert (row[:count] > 0).all()
        assert torch.equal(row[count:], torch.zeros_like(row[count:]))
        torch.testing.assert_close(row.sum(0), torch.ones_like(row[0]))
    assert weights[0].std(dim=0).min() > 1e-3
    if name == "channel_attention":
        assert weights[0].std(dim=1).min() > 1e-3


@EVERY
def test_padding_is_not_read(name):
    """Not even if there is no number in it, backwards as well."""
    pooling, features = pooling_of(name), ragged()
    wanted = pooling(features, num_frames=COUNTS)
    features[1, 4:], features[2, 1:] = math.nan, math.inf
    features.requires_grad_()
    found = pooling(features, num_frames=COUNTS)
    assert torch.equal(found, wanted)
    found.sum().backward()
    assert features.grad.isfinite().all()
    assert not features.grad[1, 4:].any()
    assert all(one.grad.isfinite().all() for one in pooling.parameters())


@EVERY
def test_neighbours_are_not_read(name):
    """At one shape bit for bit; alone, where sums are of another length, to 1e-6."""
    pooling, features = pooling_of(name).train(), ragged()
    with torch.no_grad():
        together = pooling(features, num_frames=COUNTS)
        for i, count in enumerate(COUNTS.tolist()):
            others = ragged()
            others[i] = features[i]
            again = pooling(others, num_frames=COUNTS)
            assert torch.equal(again[i], together[i])
            assert torch.equal(again[[i - 1]], together[[i - 1]]) is False
            alone = pooling(features[i : i + 1, :count], num_frames=COUNTS[i : i + 1])
            torch.testing.assert_close(alone[0], together[i], rtol=1e-6, atol=1e-6)


@EVERY
def test_the_same_every_time(name):
    """Nothing is drawn."""
    pooling, features = pooling_of(name), ragged()
    first = pooling(features, num_frames=COUNTS)
    torch.manual_seed(5)
    assert torch.equal(pooling(features, num_frames=COUNTS), first)


@EVERY
def test_gradient_by_differences(name):
    """In fp64, of features and weights; an utterance of one frame has a floor."""
    pooling = pooling_of(name).double()
    features = ragged(torch.float64).requires_grad_()

    def pooled(features, *_):
        return pooling(features, num_frames=COUNTS)

    assert torch.autograd.gradcheck(pooled, (features, *pooling.parameters()))


@EVERY
def test_frames_that_are_all_alike(name):
    """Silence has no deviation, but a gradient that is finite."""
    pooling = pooling_of(name)
    features = torch.ones(1, 9, DIM, requires_grad=True)
    found = pooling(features, num_frames=COUNTS[:1])
    torch.testing.assert_close(found[:, :DIM], torch.ones(1, DIM))
    if pooling.output_dim > DIM:
        assert (found[:, DIM:] <= 2 * FLOOR).all()
    found.sum().backward()
    assert features.grad.isfinite().all()
    assert features.grad.abs().max() < 2


@EVERY
def test_fp32_whatever_surrounds_it(name):
    """Features in bf16 are taken as they are; nothing else is rounded."""
    pooling, features = pooling_of(name), ragged().bfloat16()
    wanted = pooling(features.float(), num_frames=COUNTS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = pooling(features, num_frames=COUNTS)
    assert found.dtype == torch.float32
    assert torch.equal(found, wanted)


@EVERY
def test_on_a_pretended_gpu(name):
    """Shapes and devices; the counts may be on the host."""
    with pretended_gpu(), torch.device("cuda"):
        pooling = pooling_of(name)
        found = pooling(torch.ones(3, 9, DIM), num_frames=COUNTS)
    assert (found.device.type, found.shape) == ("cuda", (3, pooling.output_dim))


def test_no_such_pooling():
    """The message lists those that there are."""
    with pytest.raises(InputError, match="pooling is 'max'; .* one of .*'statistics'"):
        build_pooling("max", DIM)
