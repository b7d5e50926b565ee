"""Label-smoothed cross-entropy: PyTorch's, fairseq's formula, gradients, memory.

Seen to fail: the share of a wrong word taken over all words; the last chunk's gradients
alone; gradients scaled in place that were given away; gradients where nothing trains.
"""

import math

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from tests.encoder.kept import pretended_gpu
from xlsr_sb.errors import InputError
from xlsr_sb.losses import label_smoothed_loss, translation
from xlsr_sb.losses.translation import ROWS_AT_A_TIME

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
NUM_TOKENS, NUM_WORDS, DIM = 7, 11, 5


def inputs(*, device="cpu", dtype=torch.float32, size=(NUM_TOKENS, NUM_WORDS, DIM)):
    """Decoder's outputs, output matrix, targets."""
    num_tokens, num_words, dim = size
    options = {"device": device, "dtype": dtype, "requires_grad": True}
    hidden = torch.randn(num_tokens, dim, **options)
    weight = torch.randn(num_words, dim, **options)
    return hidden, weight, torch.randint(num_words, (num_tokens,), device=device)


def by_formula(hidden, weight, targets, *, smoothing):
    """As ``label_smoothed_nll_loss`` of fairseq; the loss, and without smoothing."""
    log_probs = (hidden @ weight.t()).log_softmax(1)
    nll = -log_probs[torch.arange(len(targets)), targets].sum()
    share = smoothing / (len(weight) - 1)
    return (1 - smoothing - share) * nll - share * log_probs.sum(), nll


def by_torch(hidden, weight, targets, *, smoothing):
    """The same by ``cross_entropy``, which shares over all words."""
    return functional.cross_entropy(
        hidden @ weight.t(),
        targets,
        label_smoothing=smoothing * len(weight) / (len(weight) - 1),
        reduction="sum",
    )


class Largest(TorchDispatchMode):
    """Remembers the most elements of any tensor that an operation returns."""

    num_elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Run the operation."""
        outputs = func(*args, **(kwargs or {}))
        for one in outputs if isinstance(outputs, (tuple, list)) else [outputs]:
            if isinstance(one, torch.Tensor):
                self.num_elements = max(self.num_elements, one.numel())
        return outputs


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("tokens_at_a_time", [1, 3, NUM_TOKENS, 100])
def test_equals_both_references(tokens_at_a_time, smoothing, device):
    """Also in chunks that do not divide the tokens."""
    tensors = inputs(device=device)
    limit = tokens_at_a_time * NUM_WORDS + 2
    loss = label_smoothed_loss(*tensors, smoothing=smoothing, max_logits=limit)
    formula, nll = by_formula(*tensors, smoothing=smoothing)
    peer = by_torch(*tensors, smoothing=smoothing)
    best = (tensors[0] @ tensors[1].t()).argmax(1)
    torch.testing.assert_close(loss.total, formula, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(loss.total, peer, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(loss.nll, nll, rtol=1e-5, atol=1e-5)
    assert loss.num_correct == (best == tensors[2]).sum()
    found = torch.autograd.grad(3 * loss.total, tensors[:2])
    wanted = torch.autograd.grad(3 * peer, tensors[:2])
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_equals_the_reference_with_more_words_than_are_added_up_at_once():
    """The output matrix in two parts, the second of one row."""
    tensors = inputs(size=(4, ROWS_AT_A_TIME["cpu"] + 1, 3))
    loss = label_smoothed_loss(*tensors)
    found = torch.autograd.grad(loss.total, tensors[:2])
    wanted = torch.autograd.grad(by_torch(*tensors, smoothing=0.1), tensors[:2])
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_gradient_by_differences(smoothing):
    """In fp64; ``gradcheck`` goes through the same graph many times."""
    hidden, weight, targets = inputs(dtype=torch.float64)
    options = {"smoothing": smoothing, "max_logits": 3 * NUM_WORDS}
    assert torch.autograd.gradcheck(
        lambda *tensors: label_smoothed_loss(*tensors, targets, **options).total,
        (hidden, weight),
    )


def test_a_graph_that_is_retained_can_be_used_again():
    """With another scale; what was given away before stays as it was."""
    tensors = inputs()
    total = label_smoothed_loss(*tensors).total
    first = torch.autograd.grad(2 * total, tensors[:2], retain_graph=True)
    second = torch.autograd.grad(3 * total, tensors[:2])
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one * 1.5, other)


@pytest.mark.parametrize("inner", [torch.float32, torch.bfloat16])
def test_bf16_autocast(inner):
    """Products in bf16, the rest in fp32: close to fp32, in the types of the inputs."""
    hidden, weight, targets = inputs(size=(40, 300, 64))
    given = hidden.to(inner)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = label_smoothed_loss(given, weight, targets, max_logits=7 * 300)
    reference = by_torch(hidden, weight, targets, smoothing=0.1)
    assert loss.total.dtype == loss.nll.dtype == torch.float32
    torch.testing.assert_close(loss.total, reference, rtol=3e-3, atol=0)
    assert loss.total != reference  # it was in bf16
    found = torch.autograd.grad(loss.total, [given, weight], retain_graph=True)
    wanted = torch.autograd.grad(reference, [hidden, weight])
    assert [one.dtype for one in found] == [inner, torch.float32]
    for one, other in zip(found, wanted, strict=True):
        error = (one.float() - other).norm() / other.norm()
        assert error < 2e-2
    again = torch.autograd.grad(loss.total, [given, weight])  # outside of autocast
    torch.testing.assert_close(again, found, rtol=0, atol=0)


def test_fp16_is_left_to_fp32():
    """The share of a wrong word would be rounded to a tenth of itself, or to none."""
    hidden, weight, targets = inputs(size=(4, 5000, 8))
    loss = label_smoothed_loss(hidden.half(), weight.half(), targets, smoothing=1e-3)
    plain = label_smoothed_loss(
        hidden.half().float(), weight.half().float(), targets, smoothing=1e-3
    )
    assert torch.equal(loss.total, plain.total)


def test_no_token_is_no_loss():
    """A batch of empty translations."""
    hidden, weight, targets = inputs(size=(0, NUM_WORDS, DIM))
    loss = label_smoothed_loss(hidden, weight, targets)
    assert [loss.total.item(), loss.nll.item(), loss.num_correct.item()] == [0, 0, 0]
    loss.total.backward()
    assert hidden.grad.shape == (0, DIM)
    assert weight.grad.count_nonzero() == 0


def test_padding_is_left_out_by_not_being_there():
    """Ragged rows one by one are the rows together: nothing depends on neighbours."""
    hidden, weight, targets = inputs()
    together = label_smoothed_loss(hidden, weight, targets).total
    parts = [slice(0, 2), slice(2, 3), slice(3, NUM_TOKENS)]
    alone = [label_smoothed_loss(hidden[p], weight, targets[p]).total for p in parts]
    torch.testing.assert_close(together, torch.stack(alone).sum())


# What is not kept


def test_nothing_but_the_inputs_is_kept():
    """PyTorch keeps the probabilities of every word."""
    kept = []
    hooks = torch.autograd.graph.saved_tensors_hooks(
        lambda one: kept.append(one.shape) or one, lambda one: one
    )
    tensors = inputs()
    with hooks:
        label_smoothed_loss(*tensors)
    assert kept == [one.shape for one in tensors]
    kept.clear()
    with hooks:
        by_torch(*tensors, smoothing=0.1)
    assert (NUM_TOKENS, NUM_WORDS) in kept


def test_logits_exist_for_some_tokens_at_a_time():
    """Forward and backward; PyTorch has them all."""
    tensors = inputs(size=(60, 50, 4))
    with Largest() as largest:
        label_smoothed_loss(*tensors, max_logits=7 * 50).total.backward()
    assert largest.num_elements == 7 * 50
    with Largest() as largest:
        by_torch(*tensors, smoothing=0.1).backward()
    assert largest.num_elements == 60 * 50


def test_the_output_matrix_is_not_copied_as_a_whole(monkeypatch):
    """In bf16 that would be half a gigabyte; pieces that do not divide the words."""
    monkeypatch.setattr(translation, "MANY_ROWS", 16)
    hidden, weight, targets = inputs(size=(6, 50, 300))
    with Largest() as largest, torch.autocast("cpu", dtype=torch.bfloat16):
        loss = label_smoothed_loss(hidden, weight.requires_grad_(False), targets)
    assert largest.num_elements == 16 * 300
    with torch.autocast("cpu", dtype=torch.bfloat16):
        monkeypatch.setattr(translation, "MANY_ROWS", 64)
        whole = label_smoothed_loss(hidden, weight, targets)
    torch.testing.assert_close(loss.total, whole.total)
    found = [torch.autograd.grad(one.total, hidden) for one in (loss, whole)]
    torch.testing.assert_close(*found, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("frozen", ["hidden", "weight", "both", "no_grad"])
def test_gradients_are_computed_only_where_they_are_needed(frozen, monkeypatch):
    """A frozen output matrix saves a third of the products, and memory as large."""
    hidden, weight, targets = inputs()
    hidden.requires_grad_(frozen not in ("hidden", "both"))
    weight.requires_grad_(frozen not in ("weight", "both"))
    products = []
    matmul = torch.Tensor.__matmul__
    monkeypatch.setattr(
        torch.Tensor,
        "__matmul__",
        lambda one, other: products.append(one.shape) or matmul(one, other),
    )
    with torch.set_grad_enabled(frozen != "no_grad"):
        loss = label_smoothed_loss(hidden, weight, targets)
    monkeypatch.undo()
    by_hidden, by_weight = (NUM_TOKENS, NUM_WORDS), (NUM_WORDS, NUM_TOKENS)
    wanted = {"hidden": [by_weight], "weight": [by_hidden]}
    assert products == wanted.get(frozen, [])
    assert loss.total.requires_grad == (frozen in ("hidden", "weight"))
    if loss.total.requires_grad:
        loss.total.backward()
        assert (hidden.grad is None, weight.grad is None) == (
            frozen == "hidden",
            frozen == "weight",
        )


def test_gradients_add_up_over_batches_and_a_tied_matrix():
    """As with embeddings that are the output matrix, in two micro-batches."""
    hidden, weight, targets = inputs()
    for _ in range(2):
        rows = hidden + functional.embedding(targets, weight)
        label_smoothed_loss(rows, weight, targets).total.backward()
    found = weight.grad
    weight.grad = None
    rows = hidden + functional.embedding(targets, weight)
    (2 * by_torch(rows, weight, targets, smoothing=0.1)).backward()
    torch.testing.assert_close(found, weight.grad)


def test_on_a_pretended_gpu_nothing_waits_for_it():
    """Shapes and devices with gradients wanted, in bf16; not the numbers."""
    with pretended_gpu(), torch.autocast("cuda", dtype=torch.bfloat16):
        tensors = inputs(device="cuda", size=(10, 300, 4))
        loss = label_smoothed_loss(*tensors, max_logits=3 * 300)
        outputs = loss.total, loss.nll, loss.num_correct
    assert {(one.device.type, tuple(one.shape)) for one in outputs} == {("cuda", ())}
    assert loss.total.requires_grad


# What is wrong


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("place", ["hidden", "weight"])
def test_a_broken_model_is_not_hidden(place, bad):
    """The loss says so, and the gradient as well."""
    hidden, weight, targets = inputs()
    with torch.no_grad():
        (hidden if place == "hidden" else weight)[1, 2] = bad
    loss = label_smoothed_loss(hidden, weight, targets)
    assert not loss.total.isfinite()
    loss.total.backward()
    assert not weight.grad.isfinite().all()


def test_an_impossible_word_costs_nothing_without_smoothing():
    """As in PyTorch; with smoothing the loss is infinite."""
    hidden, weight, targets = torch.ones(1, 1), torch.ones(3, 1), torch.tensor([0])
    weight[2] = -1e38
    hidden *= 10
    plain = label_smoothed_loss(hidden, weight, targets, smoothing=0.0)
    assert plain.total.item() == pytest.approx(math.log(2))
    assert label_smoothed_loss(hidden, weight, targets).total == math.inf


def test_smoothing_out_of_range():
    """Named with its value."""
    for smoothing in (-0.1, 1.0):
        with pytest.raises(InputError, match=f"smoothing is {smoothing}; .* below 1"):
            label_smoothed_loss(*inputs(), smoothing=smoothing)
