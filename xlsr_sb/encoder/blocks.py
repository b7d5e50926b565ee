"""The two halves of a transformer layer, each as one step of autograd, for CPUs.

A half is LayerNorm, two matrix products with something between them, and the residual.
Written as modules it would keep every intermediate tensor for the backward pass. Here
it keeps what is dear to compute (its input, the outputs of the first product, attended
values) and computes again what is cheap (LayerNorm, GELU, weights in 16 bits). That
halves what a layer holds, and saves passes over memory.

Products are in ``dtype``; the residual, LayerNorm and the gradients of parameters stay
in the parameters' own.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from xlsr_sb.encoder.attention import attention_backward, attention_forward
from xlsr_sb.encoder.dropout import draw_kept, kept_scale, zero_dropped_

EPSILON = 1e-5  # of LayerNorm
ONEDNN = (torch.float32, torch.bfloat16)
NUM_PARAMETERS = 6  # norm, first product, second product: weight and bias of each


class AttentionBlock(torch.autograd.Function):
    """``rows + output(attention(qkv(norm(rows))))``.

    Arguments: rows [N, D]; weight and bias of norm, qkv and output; rows of each
    utterance (list of int); number of heads; dtype of the products.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor, *arguments) -> Tensor:
        """Rows [N, D]."""
        parameters = arguments[:NUM_PARAMETERS]
        ctx.num_frames, num_heads, ctx.dtype = arguments[NUM_PARAMETERS:]
        norm, first, second = _pairs(parameters)
        qkv = _product(_norm(rows, norm, ctx.dtype)[0], first)
        qkv = qkv.view(len(rows), 3, num_heads, -1)
        attended, log_sums = attention_forward(qkv, ctx.num_frames)
        ctx.save_for_backward(rows, *parameters, qkv, attended, *log_sums)
        return _add_product(rows, attended.flatten(1), second)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of rows and parameters."""
        rows, *saved = ctx.saved_tensors
        norm, first, second = _pairs(saved)
        qkv, attended, *log_sums = saved[NUM_PARAMETERS:]
        needs = ctx.needs_input_grad[1 : NUM_PARAMETERS + 1]
        outer = grad.to(ctx.dtype)
        grads_second = _product_grads(outer, attended.flatten(1), second, needs[4:])
        inner = (outer @ second[0].to(ctx.dtype)).view_as(attended)
        inner = attention_backward(inner, qkv, attended, log_sums, ctx.num_frames)
        return _through_norm(grad, inner.flatten(1), rows, (norm, first), needs) + (
            *grads_second,
            *[None] * 3,
        )


class FeedForwardBlock(torch.autograd.Function):
    """``rows + output(dropout(gelu(inner(norm(rows)))))``.

    Arguments: rows [N, D]; weight and bias of norm, inner and output; probability of
    the dropout (0 outside training); dtype of the products.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor, *arguments) -> Tensor:
        """Rows [N, D]."""
        parameters = arguments[:NUM_PARAMETERS]
        ctx.p, ctx.dtype = arguments[NUM_PARAMETERS:]
        norm, first, second = _pairs(parameters)
        inner = _product(_norm(rows, norm, ctx.dtype)[0], first)
        kept = [draw_kept(inner.shape, ctx.p)] if ctx.p else []
        ctx.save_for_backward(rows, *parameters, inner, *kept)
        hidden = zero_dropped_(F.gelu(inner), *kept)
        return _add_product(rows, hidden, second, scale=kept_scale(ctx.p))

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of rows and parameters."""
        rows, *saved = ctx.saved_tensors
        norm, first, second = _pairs(saved)
        inner, *kept = saved[NUM_PARAMETERS:]
        needs = ctx.needs_input_grad[1 : NUM_PARAMETERS + 1]
        hidden = zero_dropped_(F.gelu(inner), *kept)
        scaled = (grad * kept_scale(ctx.p)).to(ctx.dtype)
        grad_weight, _ = _product_grads(scaled, hidden, second, (needs[4], False))
        grad_bias = grad.sum(0) if needs[5] else None
        del hidden
        grad_hidden = zero_dropped_(scaled @ second[0].to(ctx.dtype), *kept)
        grad_inner = torch.ops.aten.gelu_backward(grad_hidden, inner)
        return _through_norm(grad, grad_inner, rows, (norm, first), needs) + (
            grad_weight,
            grad_bias,
            *[None] * 2,
        )


Pair = tuple[Tensor, Tensor]  # weight and bias


def _pairs(parameters) -> tuple[Pair, Pair, Pair]:
    """Weight and bias of the norm, the first and the second product."""
    return tuple(zip(parameters[:6:2], parameters[1:6:2], strict=True))


def _norm(
    rows: Tensor, norm: Pair, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised rows in ``dtype``; their means and inverse deviations."""
    outputs, mean, rstd = torch.native_layer_norm(rows, rows.shape[1:], *norm, EPSILON)
    return outputs.to(dtype), mean, rstd


def _product(inputs: Tensor, linear: Pair) -> Tensor:
    """``inputs @ weight + bias`` in the dtype of the inputs."""
    weight, bias = (p if p is None else p.to(inputs.dtype) for p in linear)
    if inputs.dtype in ONEDNN and torch.backends.mkldnn.is_available():
        # PyTorch leaves fp32 to another library and adds a bias to bf16 in a pass of
        # its own: 8 and 4 % slower than oneDNN's product with a bias.
        return torch.ops.mkldnn._linear_pointwise(inputs, weight, bias, "none", [], "")
    return F.linear(inputs, weight, bias)


def _add_product(
    rows: Tensor, inputs: Tensor, linear: Pair, *, scale: float = 1.0
) -> Tensor:
    """``rows + scale * inputs @ weight + bias``, summed in the dtype of the rows."""
    weight, bias = linear
    outputs = _product(inputs, (weight, None))
    return rows.add(outputs, alpha=scale).add_(bias)


def _product_grads(
    grad: Tensor, inputs: Tensor, linear: Pair, needs: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of weight and bias, where they are needed."""
    weight, bias = linear
    return (
        (grad.t() @ inputs).to(weight.dtype) if needs[0] else None,
        grad.sum(0).to(bias.dtype) if needs[1] else None,
    )


def _through_norm(
    grad: Tensor, inner: Tensor, rows: Tensor, pairs: tuple[Pair, Pair], needs
) -> tuple[Tensor | None, ...]:
    """Gradients of rows, norm and first product, from that of the product's output."""
    norm, first = pairs
    normed, mean, rstd = _norm(rows, norm, inner.dtype)
    grads_first = _product_grads(inner, normed, first, needs[2:4])
    del normed
    grad_normed = (inner @ first[0].to(inner.dtype)).to(rows.dtype)
    grad_rows, *grads_norm = torch.ops.aten.native_layer_norm_backward(
        grad_normed, rows, rows.shape[1:], mean, rstd, *norm, [True, *needs[:2]]
    )
    return grad_rows.add_(grad), *grads_norm, *grads_first
