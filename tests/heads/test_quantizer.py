"""The quantiser by hand: codes, straight-through gradients, noise, perplexities.

Seen to fail: ones that are not exact, no noise, no temperature, no gradient through the
choice, books exchanged, another logarithm, a perplexity at a temperature or of what was
drawn, half precision, weights drawn otherwise.
"""

import math

import pytest
import torch
import torch.nn.functional as F

from xlsr_sb.heads import quantizer as module
from xlsr_sb.heads.quantizer import GumbelQuantizer, gumbel_softmax, perplexity, usage

SIZES = {"num_groups": 2, "num_entries": 5}


@pytest.fixture
def quantizer():
    torch.manual_seed(0)
    return GumbelQuantizer(8, 6, **SIZES)


def logits_of(quantizer, features):
    """Tensor [M, G, V]."""
    weight, bias = quantizer.projection.weight, quantizer.projection.bias
    return (features @ weight.T + bias).view(len(features), 2, 5)


def entries_of(quantizer, codes):
    """Vectors [M, 6] of codes, entry beside entry."""
    books = quantizer.codevectors[0].view(2, 5, 3)
    return torch.stack([torch.cat([books[0, a], books[1, b]]) for a, b in codes])


def test_starts_as_fairseq_does():
    """Even codevectors in [0, 1), normal weights, no bias."""
    quantizer = GumbelQuantizer(64, 128, num_groups=2, num_entries=80)
    vectors = quantizer.codevectors.detach()
    assert vectors.shape == (1, 160, 64)
    assert 0 <= vectors.min() < 0.01
    assert 0.99 < vectors.max() < 1
    assert vectors.mean().item() == pytest.approx(0.5, abs=0.01)
    weight = quantizer.projection.weight.detach()
    assert weight.std().item() == pytest.approx(1, abs=0.03)
    assert abs(weight.mean().item()) < 0.05
    assert not quantizer.projection.bias.any()


def test_evaluation_takes_the_most_likely_entries(quantizer):
    """One of each book, side by side."""
    features = torch.randn(7, 8)
    found = quantizer.eval()(features, temperature=2.0)
    codes = logits_of(quantizer, features).argmax(dim=-1)
    assert torch.equal(found.codes, codes)
    assert torch.equal(found.vectors, entries_of(quantizer, codes))
    assert torch.equal(
        quantizer(features, temperature=0.1).vectors, found.vectors
    )  # the temperature is for training


def test_training_draws_entries_and_gives_exactly_them(quantizer):
    """So equal codes are equal vectors, to the last bit, however likely they were."""
    features = torch.randn(400, 8)
    found = quantizer(features, temperature=2.0)
    assert torch.equal(found.vectors, entries_of(quantizer, found.codes))
    likely = logits_of(quantizer, features).argmax(dim=-1)
    assert 0.05 < (found.codes != likely).float().mean() < 0.9


def test_gradient_is_that_of_the_soft_choice(quantizer, monkeypatch):
    """Straight through: forward the entry, backward the softmax with the noise."""
    features = torch.randn(6, 8, requires_grad=True)
    noise, temperature = torch.randn(6, 2, 5), 1.3
    monkeypatch.setattr(
        module, "gumbel_softmax", lambda x, t: ((x + noise) / t).softmax(dim=-1)
    )
    weights = torch.randn(6, 6)
    found = quantizer(features, temperature=temperature)
    inputs = [features, *quantizer.projection.parameters()]
    ours = torch.autograd.grad((found.vectors * weights).sum(), inputs)
    soft = ((logits_of(quantizer, features) + noise) / temperature).softmax(dim=-1)
    books = quantizer.codevectors.detach()[0].view(2, 5, 3)
    mixed = torch.einsum("mgv,gvd->mgd", soft, books).flatten(1)
    theirs = torch.autograd.grad((mixed * weights).sum(), inputs)
    for mine, wanted in zip(ours, theirs, strict=True):
        assert wanted.abs().max() > 1e-3
        torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=1e-4)


def test_gradient_of_the_codevectors_is_that_of_the_choice(quantizer):
    """Only entries that were chosen have one."""
    found = quantizer(torch.randn(3, 8), temperature=1.0)
    found.vectors.sum().backward()
    grad = quantizer.codevectors.grad[0].view(2, 5, 3)
    for group in range(2):
        counts = found.codes[:, group].bincount(minlength=5).float()
        torch.testing.assert_close(grad[group], counts[:, None].expand(5, 3))


def test_noise_is_gumbel():
    """Arg-max of logits with it draws from their softmax, however cool."""
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    shares = logits.softmax(dim=0)
    for temperature in (2.0, 0.1):
        draws = 40_000
        soft = gumbel_softmax(logits.expand(draws, 4), temperature)
        torch.testing.assert_close(soft.sum(dim=-1), torch.ones(draws))
        found = soft.argmax(dim=-1).bincount(minlength=4) / draws
        error = 4.5 * (shares * (1 - shares) / draws).sqrt()
        assert ((found - shares).abs() < error).all()


def test_temperature_hardens_the_soft_choice():
    """As ``torch.nn.functional.gumbel_softmax`` with the same random numbers."""
    logits = torch.randn(50, 6)
    for tau in (2.0, 0.5):
        torch.manual_seed(3)
        ours = gumbel_softmax(logits, tau)
        torch.manual_seed(3)
        torch.testing.assert_close(ours, F.gumbel_softmax(logits, tau))


def test_perplexities_by_hand():
    """Exp of the entropy of each book, added up; with fairseq's 1e-7 in the log."""
    shares = torch.tensor([[0.5, 0.25, 0.25, 0.0], [1.0, 0.0, 0.0, 0.0]])
    by_hand = 0.0
    for row in shares.tolist():
        by_hand += math.exp(-sum(p * math.log(p + 1e-7) for p in row))
    assert perplexity(shares).item() == pytest.approx(by_hand, rel=1e-6)
    assert by_hand == pytest.approx(2**1.5 + 1, rel=1e-5)
    even = torch.full((3, 40), 1 / 40)
    assert perplexity(even).item() == pytest.approx(120, rel=1e-4)
    codes = torch.tensor([[0, 3], [0, 3], [1, 3], [2, 3]])
    assert usage(codes, 4).tolist() == [[0.5, 0.25, 0.25, 0.0], [0.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize("training", [True, False])
def test_perplexities_are_of_the_plain_softmax_and_its_arg_max(quantizer, training):
    """Of the mean over the frames; neither noise nor temperature is in them."""
    features = torch.randn(9, 8)
    found = quantizer.train(training)(features, temperature=0.7)
    logits = logits_of(quantizer, features)
    mean = logits.softmax(dim=-1).mean(dim=0)
    torch.testing.assert_close(found.perplexity, perplexity(mean))
    hard = F.one_hot(logits.argmax(dim=-1), 5).float().mean(dim=0)
    torch.testing.assert_close(found.code_perplexity, perplexity(hard))
    assert found.perplexity.requires_grad
    assert not found.code_perplexity.requires_grad


def test_stays_in_fp32_under_autocast(quantizer):
    """Half precision would decide between entries by rounding."""
    features = torch.randn(9, 8)
    quantizer.eval()
    with torch.autocast("cpu", torch.bfloat16):
        found = quantizer(features.bfloat16(), temperature=1.0)
    wanted = quantizer(features.bfloat16().float(), temperature=1.0)
    assert found.vectors.dtype == torch.float32
    assert torch.equal(found.vectors, wanted.vectors)
    assert torch.equal(found.perplexity, wanted.perplexity)


def test_no_frames(quantizer):
    """Nothing to quantise, and nothing that is not a number."""
    found = quantizer(torch.randn(0, 8), temperature=1.0)
    assert found.vectors.shape == (0, 6)
    assert found.codes.shape == (0, 2)
    assert torch.isfinite(found.perplexity + found.code_perplexity)
