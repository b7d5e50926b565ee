"""Label-smoothed cross-entropy of a large vocabulary: a pure function, in fp32.

The logits of 1,000 tokens with 250,000 words each are a gigabyte, and their gradient is
another. Here they exist for some tokens at a time, and never in the backward pass: what
they mean for the decoder and for the output matrix is computed along with the loss.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from xlsr_sb.errors import InputError

MAX_LOGITS = 1 << 26  # at a time: 256 MiB in fp32, 268 tokens of 250,000 words
# Rows of the output matrix whose gradient is added up at a time: on a CPU what stays in
# its cache, which took a third of the time; for a GPU, few large products.
ROWS_AT_A_TIME = {"cpu": 1 << 10}
MANY_ROWS = 1 << 15


@dataclass(frozen=True)
class TranslationLoss:
    """Loss of a batch, and what it is without smoothing; all of them are sums.

    Parameters
    ----------
    total : Tensor [], float32
        What is minimised.
    nll : Tensor [], float32
        -log p(target) in nats; no gradient goes through it. Per token, its exponential
        is the perplexity.
    num_correct : Tensor [], int64
        Tokens whose target is the most likely word.
    """

    total: Tensor
    nll: Tensor
    num_correct: Tensor


def label_smoothed_loss(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    *,
    smoothing: float = 0.1,
    max_logits: int = MAX_LOGITS,
) -> TranslationLoss:
    """Sum over tokens of the cross-entropy with smoothed targets.

    The target keeps the probability 1 - ``smoothing`` and all other words share
    ``smoothing`` equally. So does fairseq's ``label_smoothed_nll_loss``; PyTorch's
    ``cross_entropy`` shares it over all words, the target among them, so its
    ``label_smoothing`` is ours times V / (V - 1).

    Products are in bf16 under bf16 autocast and in the inputs' precision else: the
    gradient of an unlikely word is below what fp16 holds. Everything else is in fp32.

    Parameters
    ----------
    hidden : Tensor [N, D]
        Outputs of the decoder where there is a token to predict; no padding.
    weight : Tensor [V, D]
        Output matrix, which may be the embeddings.
    targets : LongTensor [N]
    smoothing : float
        From 0 to below 1.
    max_logits : int
        Of so many there is memory at a time, but at least of one token's.

    Returns
    -------
    TranslationLoss
        Not finite where the inputs are not: it is the sign of a bad step.

    Raises
    ------
    InputError
        If the smoothing is out of its range.

    Example
    -------
    Two words are equally likely, whichever of them is smoothed.

    >>> hidden, weight = torch.ones(3, 4), torch.ones(2, 4)
    >>> loss = label_smoothed_loss(hidden, weight, torch.tensor([0, 0, 1]))
    >>> round(loss.total.item(), 4), round(loss.nll.item(), 4), loss.num_correct.item()
    (2.0794, 2.0794, 2)
    """
    if not 0 <= smoothing < 1:
        raise InputError(
            f"label smoothing is {smoothing}; it must be from 0 to below 1"
        )
    settings = _Settings(
        smoothing=smoothing,
        chunk=max(1, max_logits // len(weight)),
        dtype=_product_dtype(hidden, weight),
        needs=[torch.is_grad_enabled() and t.requires_grad for t in (hidden, weight)],
    )
    return TranslationLoss(*_SmoothedLoss.apply(hidden, weight, targets, settings))


@dataclass(frozen=True)
class _Settings:
    """How the loss is computed: its smoothing, and the memory and time that it takes.

    ``chunk`` tokens at a time, products in ``dtype``, gradients where they are needed:
    of ``hidden``, of ``weight``.
    """

    smoothing: float
    chunk: int
    dtype: torch.dtype
    needs: list[bool]

    @property
    def exact(self) -> torch.dtype:
        """Precision of everything but the products."""
        return torch.promote_types(self.dtype, torch.float32)


class _SmoothedLoss(torch.autograd.Function):
    """Sums of ``TranslationLoss``, their gradients computed in the forward pass.

    Three products a token, as many as without chunks; a backward pass that computed the
    logits again would need four. The first backward pass gives the gradients away, as
    they are as large as the output matrix. Another one, through a graph that was
    retained, computes them anew.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        settings: _Settings,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Loss, loss without smoothing, tokens that are right."""
        ctx.settings = settings
        ctx.save_for_backward(hidden, weight, targets)
        sums, ctx.gradients = _compute(hidden, weight, targets, settings)
        total, nll, correct = sums.unbind()
        num_correct = correct.long()
        ctx.mark_non_differentiable(nll, num_correct)
        return total, nll, num_correct

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor, *_) -> tuple[Tensor | None, ...]:
        """Gradients of the decoder's outputs and of the output matrix."""
        gradients, ctx.gradients = ctx.gradients, None
        if gradients is None:
            _, gradients = _compute(*ctx.saved_tensors, ctx.settings)
        scaled = [one if one is None else one.mul_(grad) for one in gradients]
        return (*scaled, None, None)


def _product_dtype(hidden: Tensor, weight: Tensor) -> torch.dtype:
    """Precision of the products."""
    device = hidden.device.type
    is_bf16 = torch.get_autocast_dtype(device) == torch.bfloat16
    if torch.is_autocast_enabled(device) and is_bf16:
        return torch.bfloat16
    dtype = torch.promote_types(hidden.dtype, weight.dtype)
    return torch.float32 if dtype == torch.float16 else dtype


def _compute(
    hidden: Tensor, weight: Tensor, targets: Tensor, settings: _Settings
) -> tuple[Tensor, list[Tensor | None]]:
    """Sums of ``_errors_``; gradients of the first one by ``hidden`` and ``weight``."""
    dtype, exact, chunk = settings.dtype, settings.exact, settings.chunk
    by_hidden, by_weight = settings.needs
    rows = hidden.detach().to(dtype)
    grad_hidden = torch.empty_like(hidden) if by_hidden else None
    grad_weight = torch.zeros_like(weight, dtype=exact) if by_weight else None
    size = min(chunk, len(rows)), len(weight)
    products, errors = (rows.new_empty(size, dtype=one) for one in (dtype, exact))
    sums = rows.new_zeros(3, dtype=exact)
    for start in range(0, len(rows), chunk):
        own = slice(start, start + chunk)
        part, target = rows[own], targets[own]
        product, error = products[: len(part)], errors[: len(part)]
        with torch.autocast(part.device.type, enabled=False):
            for words, matrix in _pieces(weight, dtype):
                error[:, words] = torch.mm(part, matrix.t())
            sums += _errors_(error, target, smoothing=settings.smoothing)
            product.copy_(error)
            if by_hidden:
                pieces = _pieces(weight, dtype)
                grad_hidden[own] = sum(product[:, words] @ one for words, one in pieces)
            if by_weight:
                _add_outer(grad_weight, product, part)
    if by_weight:
        grad_weight = grad_weight.to(weight.dtype)
    return sums, [grad_hidden, grad_weight]


def _pieces(weight: Tensor, dtype: torch.dtype) -> Iterator[tuple[slice, Tensor]]:
    """Words, and their rows of ``weight`` [V, D] in ``dtype``; not all copied at once.

    A whole copy in bf16 is half a gigabyte, while all activations are there.
    """
    num_words = len(weight)
    size = num_words if weight.dtype == dtype else MANY_ROWS
    for start in range(0, num_words, size):
        words = slice(start, start + size)
        yield words, weight[words].detach().to(dtype)


def _errors_(logits: Tensor, targets: Tensor, *, smoothing: float) -> Tensor:
    """Turn logits [N, V] into the gradient of the loss by them.

    Returns
    -------
    Tensor [3]
        Sums of the loss, of the loss without smoothing, and of tokens that are right.
    """
    num_words = logits.shape[1]
    share = smoothing / max(1, num_words - 1)  # of each word that is wrong
    kept = 1 - smoothing - share  # of the right one, beside the share of every word
    columns = targets[:, None]
    top, best = logits.max(dim=1, keepdim=True)
    target = logits.gather(1, columns) - top
    mean = logits.mean(dim=1, keepdim=True) - top
    logits.sub_(top).exp_()
    mass = logits.sum(dim=1, keepdim=True)
    logits.div_(mass).sub_(share)
    logits.scatter_add_(1, columns, torch.full_like(target, -kept))
    nll = mass.log() - target
    loss = nll
    if smoothing:  # else an impossible word would make it 0 * inf
        loss = kept * nll + share * num_words * (mass.log() - mean)
    return torch.stack([loss.sum(), nll.sum(), (best == columns).sum()])


def _add_outer(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add ``left.t() @ right`` to ``total`` [V, D], some of its rows at a time."""
    size = ROWS_AT_A_TIME.get(total.device.type, MANY_ROWS)
    parts = zip(total.split(size), left.split(size, dim=1), strict=True)
    for rows, columns in parts:
        rows.add_(columns.t() @ right)
