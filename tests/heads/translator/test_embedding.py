"""A matrix that is embedding and output layer: its gradient, without a second copy.

Seen to fail: a sparse gradient of the rows, and any other that is not added in place.
"""

import pytest
import torch
import torch.nn.functional as F

from xlsr_sb.heads.translator.embedding import embedded


class Product(torch.autograd.Function):
    """A sum over the matrix, which notes where its gradient lies."""

    @staticmethod
    def forward(ctx, matrix, places):
        ctx.places, ctx.shape = places, matrix.shape
        return matrix.sum()

    @staticmethod
    def backward(ctx, grad):
        dense = torch.full(ctx.shape, float(grad))
        ctx.places.append(dense.data_ptr())
        return dense, None


@pytest.mark.parametrize("used", ["rows", "matrix", "both"])
@pytest.mark.parametrize("count", [0, 1, 9])
def test_equals_the_matrix_used_twice(count, used):
    """Values and gradient, with tokens that come several times."""
    torch.manual_seed(1)
    matrix = torch.randn(4, 6, requires_grad=True)
    tokens, factors = torch.randint(4, (count,)), torch.randn(count, 6)

    def gradient(rows, again):
        losses = {"rows": (rows * factors).sum(), "matrix": again.pow(2).sum()}
        losses["both"] = losses["rows"] + losses["matrix"]
        (found,) = torch.autograd.grad(losses[used], matrix, allow_unused=True)
        return found

    rows, again = embedded(matrix, tokens)
    assert torch.equal(rows, matrix[tokens])
    assert torch.equal(again, matrix)
    wanted = gradient(F.embedding(tokens, matrix), matrix)
    torch.testing.assert_close(gradient(rows, again), wanted)


def test_the_gradient_of_the_product_is_added_to_in_place():
    """For mBART another one would take 1 GB."""
    matrix, places = torch.randn(50, 6, requires_grad=True), []
    rows, again = embedded(matrix, torch.tensor([1, 2, 1]))
    (rows.sum() + Product.apply(again, places)).backward()
    assert [matrix.grad.data_ptr()] == places
    assert matrix.grad[:4, 0].tolist() == [1.0, 3.0, 2.0, 1.0]


def test_a_frozen_matrix_gets_none():
    """Nothing is computed for it."""
    rows, again = embedded(torch.randn(5, 2), torch.tensor([1]))
    assert not rows.requires_grad
    assert not again.requires_grad
