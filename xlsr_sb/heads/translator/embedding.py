"""Embeddings that are the output layer, too: one gradient instead of two."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


def embedded(matrix: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of a matrix, and the matrix for the product that ends in the loss.

    Used twice, a matrix would get two gradients of its own size, 1 GB each for mBART;
    that of the rows is nearly all zeros. Here it is added to that of the product, in
    place.

    Parameters
    ----------
    matrix : Tensor [V, D]
    tokens : LongTensor [N]

    Returns
    -------
    rows : Tensor [N, D]
    matrix : Tensor [V, D]
        For one product only: its gradient is written to, so nobody else may have it.

    Example
    -------
    >>> matrix = torch.ones(4, 2, requires_grad=True)
    >>> rows, again = embedded(matrix, torch.tensor([3, 3]))
    >>> (rows.sum() + (rows.detach() @ again.t()).sum()).backward()
    >>> matrix.grad[:, 0].tolist()
    [2.0, 2.0, 2.0, 4.0]
    """
    return _Embedded.apply(matrix, tokens)


class _Embedded(torch.autograd.Function):
    """Rows and the matrix itself, whose gradients come back together."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, matrix: Tensor, tokens: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Rows of ``tokens``; the matrix."""
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(tokens)
        ctx.shape = matrix.shape
        return F.embedding(tokens, matrix), matrix.view_as(matrix)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: FunctionCtx, by_rows: Tensor | None, by_matrix: Tensor | None
    ) -> tuple[Tensor | None, None]:
        """Gradient of the matrix; the same bits each time."""
        if by_rows is None:
            return by_matrix, None
        (tokens,) = ctx.saved_tensors
        if by_matrix is None:
            by_matrix = by_rows.new_zeros(ctx.shape)
        if by_rows.is_cuda:  # sorts; index_add_ adds in any order there
            by_matrix.index_put_((tokens,), by_rows, accumulate=True)
        else:
            by_matrix.index_add_(0, tokens, by_rows)
        return by_matrix, None
