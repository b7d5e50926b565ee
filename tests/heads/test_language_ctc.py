"""Outputs for each language: what as many ordinary heads would say and learn.

Seen to fail: rows of the language before; no softmax over the own rows; rows of the
ordinary head in another order.
"""

import pytest
import torch

from xlsr_sb.errors import InputError
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.heads.language_ctc import LanguageCTCHead
from xlsr_sb.losses import ctc_loss

LANGUAGES = {"de": (0, 1, 2, 5), "fr": (0, 1, 2, 3, 4, 6), "pl": (0, 1, 2, 3)}
NUM_TOKENS = 7
COMPANY = ("fr", "pl", "fr", "de")
TARGETS = {"de": [5, 2, 5], "fr": [6, 6, 3], "pl": [3, 1, 3]}
NUM_FRAMES = [9, 7, 5, 8]


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = LanguageCTCHead(CTCHead(24, 14), LANGUAGES, num_tokens=NUM_TOKENS)
    torch.nn.init.normal_(head.rows.projection.bias)
    return head


@pytest.fixture
def features():
    return torch.randn(len(COMPANY), max(NUM_FRAMES), 24, requires_grad=True)


def loss_of(log_probs, targets, num_frames):
    """CTC loss, summed."""
    return ctc_loss(
        log_probs,
        torch.tensor(targets),
        num_frames=torch.tensor(num_frames),
        num_targets=torch.tensor([len(one) for one in targets]),
    ).total


def test_it_is_a_head_for_each_language(head, features):
    """Log-probabilities to 1e-6, losses, and all gradients, to 5e-6 of the largest."""
    log_probs = head(features, languages=COMPANY)
    loss = loss_of(log_probs, [TARGETS[name] for name in COMPANY], NUM_FRAMES)
    grads = torch.autograd.grad(loss, [features, *head.parameters()])

    own = {name: head.only(name) for name in LANGUAGES}
    losses = []
    for i, name in enumerate(COMPANY):
        alone = own[name](features[i : i + 1])
        ids = list(LANGUAGES[name])
        torch.testing.assert_close(log_probs[i, :, ids], alone[0], atol=1e-6, rtol=0)
        targets = [ids.index(token) for token in TARGETS[name]]
        losses.append(loss_of(alone, [targets], NUM_FRAMES[i : i + 1]))
    torch.testing.assert_close(loss, sum(losses))
    parts = [p for name in LANGUAGES for p in own[name].parameters()]
    wanted = torch.autograd.grad(sum(losses), [features, *parts])
    rows = torch.cat(wanted[1::2]), torch.cat(wanted[2::2])
    for found, expected in zip(grads, (wanted[0], *rows), strict=True):
        largest = expected.abs().max().item()
        assert largest > 0.01
        torch.testing.assert_close(found, expected, atol=5e-6 * largest, rtol=0)


def test_a_language_says_nothing_of_others(head, features):
    """Probabilities are of its own tokens, and they are finite numbers."""
    log_probs = head(features, languages=COMPANY)
    assert log_probs.shape == (4, 9, NUM_TOKENS)
    assert log_probs.isfinite().all()
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(4, 9))
    for row, name in zip(log_probs.exp(), COMPANY, strict=True):
        others = sorted(set(range(NUM_TOKENS)) - set(LANGUAGES[name]))
        assert row[:, others].eq(0).all()
        assert row[:, LANGUAGES[name]].gt(0).all()


def test_neighbours_of_other_languages_change_nothing(head, features):
    """Alone, in company, and in another order."""
    together = head(features, languages=COMPANY)
    order = [2, 0, 3, 1]
    turned = head(features[order], languages=[COMPANY[i] for i in order])
    torch.testing.assert_close(turned, together[order], atol=1e-6, rtol=0)
    for i, name in enumerate(COMPANY):
        alone = head(features[i : i + 1], languages=[name])
        torch.testing.assert_close(alone[0], together[i], atol=1e-6, rtol=0)


def test_every_parameter_has_a_gradient(head, features):
    """Also where a language is absent: processes must not wait for each other."""
    loss = loss_of(head(features[:1], languages=["pl"]), [TARGETS["pl"]], [9])
    loss.backward()
    grads = [p.grad for p in head.parameters()]
    assert all(grad is not None for grad in grads)
    for grad in grads:
        assert grad[:10].eq(0).all()
        assert grad[10:].ne(0).any()


def test_a_token_that_the_language_lacks_gives_a_finite_loss(head, features):
    """It has no way to be said; the step is not a bad one."""
    loss = loss_of(head(features[:1], languages=["pl"]), [[5]], [9])
    assert 5e3 < loss.item() < 2e4
    for grad in torch.autograd.grad(loss, [features, *head.parameters()]):
        assert grad.isfinite().all()


def test_stays_in_fp32_under_autocast(head, features):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        log_probs = head(features, languages=COMPANY)
    assert log_probs.dtype == torch.float32
    assert torch.equal(log_probs, head(features, languages=COMPANY))


def test_dropout_only_in_training(features):
    head = LanguageCTCHead(
        CTCHead(24, 4, dropout=0.5), {"de": (0, 1, 2, 5)}, num_tokens=6
    )
    one, other = (head(features, languages=["de"] * 4) for _ in range(2))
    assert not torch.equal(one, other)
    head.eval()
    one, other = (head(features, languages=["de"] * 4) for _ in range(2))
    assert torch.equal(one, other)


def test_only_weights_are_saved(head):
    """The rest follows from the vocabularies."""
    shapes = {name: tuple(one.shape) for name, one in head.state_dict().items()}
    assert shapes == {"rows.projection.weight": (14, 24), "rows.projection.bias": (14,)}


@pytest.mark.parametrize(
    "call", [lambda h, f: h(f, languages=["de", "es"]), lambda h, _: h.only("es")]
)
def test_a_language_that_it_lacks(head, features, call):
    """Those that it has are listed."""
    with pytest.raises(InputError, match="language 'es': .* outputs for de, fr, pl"):
        call(head, features[:2])


def test_rows_must_be_as_many_as_tokens():
    with pytest.raises(ValueError, match="have 14 tokens, the head 13"):
        LanguageCTCHead(CTCHead(24, 13), LANGUAGES, num_tokens=NUM_TOKENS)
