"""The encoder's two convolutions, in the forms that are fast.

``strided_convolution``, of the feature extractor, is matrix products that copy nothing.
A kernel of ``k`` taps at stride ``s`` is cut in blocks of ``s`` taps. Rows of ``s``
frames times a block are one matrix product, and block ``b`` reads the rows ``b``
further on, so each product reads its operand where it lies (k=3, s=2):

    frames   0 1 | 2 3 | 4 5        output t = rows[t] @ taps 0, 1
    rows      0     1     2                  + rows[t + 1] @ tap 2

The backward pass adds into the same places. Written as slices it would make a tensor of
zeros for each block, which cost a tenth of a training step.

``grouped_convolution``, of the positions, is PyTorch's, but on a CPU both gradients are
computed as forward convolutions, since the library's own take two to three times as
long.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


def lookahead(kernel: int, stride: int) -> int:
    """Rows of ``stride`` frames that an output reads beyond its own."""
    return -(-kernel // stride) - 1


def strided_convolution(
    frames: Tensor, weight: Tensor, bias: Tensor, stride: int
) -> Tensor:
    """Valid convolution over time; time first, channels last.

    Parameters
    ----------
    frames : Tensor [stride * (n + lookahead), C_in]
    weight : Tensor [C_out, C_in, kernel]
        As ``torch.nn.Conv1d`` holds it.
    bias : Tensor [C_out]
    stride : int

    Returns
    -------
    Tensor [n, C_out]

    Example
    -------
    >>> frames, conv = torch.randn(8, 4), torch.nn.Conv1d(4, 6, kernel_size=3, stride=2)
    >>> outputs = strided_convolution(frames, conv.weight, conv.bias, 2)
    >>> bool(torch.allclose(outputs, conv(frames.t()[None])[0].t(), atol=1e-6))
    True
    """
    output_dim, input_dim, kernel = weight.shape
    if input_dim == 1:  # ten samples a row: cheaper to copy than to read twice
        num_outputs = frames.shape[0] // stride - lookahead(kernel, stride)
        rows = frames[:, 0].unfold(0, kernel, stride)[:num_outputs]
        frames, stride = rows.contiguous(), 1
    taps = weight.permute(2, 1, 0).reshape(kernel * input_dim, output_dim)
    if torch.is_autocast_enabled(frames.device.type):
        dtype = torch.get_autocast_dtype(frames.device.type)
        frames, taps, bias = frames.to(dtype), taps.to(dtype), bias.to(dtype)
    return _Blocks.apply(frames, taps, bias, stride)


def _views(frames: Tensor, taps: Tensor, stride: int) -> list[tuple[Tensor, Tensor]]:
    """Rows and taps of each block, all of them views."""
    width = stride * frames.shape[1]
    blocks = taps.split(width)
    num_outputs = frames.shape[0] // stride - len(blocks) + 1
    return [
        (
            frames[b * stride : (b + num_outputs) * stride]
            .view(num_outputs, width)[:, : block.shape[0]],
            block,
        )
        for b, block in enumerate(blocks)
    ]  # fmt: skip


class _Blocks(torch.autograd.Function):
    """The matrix products of all blocks, forward and backward."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, frames: Tensor, taps: Tensor, bias: Tensor, stride: int
    ) -> Tensor:
        """Sum of the products [n, C_out]."""
        ctx.save_for_backward(frames, taps)
        ctx.stride = stride
        (rows, block), *others = _views(frames, taps, stride)
        outputs = torch.addmm(bias, rows, block)
        for rows, block in others:
            outputs.addmm_(rows, block)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of frames, taps and bias."""
        frames, taps = ctx.saved_tensors
        needs_frames, needs_taps, needs_bias, _ = ctx.needs_input_grad
        grad_frames = grad_taps = grad_bias = None
        if needs_frames:
            grad_frames = torch.empty_like(frames)
            (rows, block), *others = _views(grad_frames, taps, ctx.stride)
            if rows.is_contiguous():  # taps for all of a row: nothing to add to yet
                torch.mm(grad, block.t(), out=rows)
                grad_frames[rows.shape[0] * ctx.stride :] = 0
            else:
                grad_frames.zero_()
                rows.addmm_(grad, block.t())
            for rows, block in others:
                rows.addmm_(grad, block.t())
        if needs_taps:
            views = _views(frames, taps, ctx.stride)
            grad_taps = torch.cat([rows.t() @ grad for rows, _ in views])
        if needs_bias:
            grad_bias = grad.sum(0)
        return grad_frames, grad_taps, grad_bias, None


def grouped_convolution(
    signal: Tensor, weight: Tensor, bias: Tensor, groups: int
) -> Tensor:
    """Convolution over time with ``kernel // 2`` zeros at both ends.

    Parameters
    ----------
    signal : Tensor [1, C, L]
    weight : Tensor [C, C / groups, kernel]
    bias : Tensor [C]
    groups : int

    Returns
    -------
    Tensor [1, C, L], or [1, C, L + 1] for an even kernel

    Example
    -------
    >>> signal, weight = torch.randn(1, 4, 9), torch.randn(4, 2, 3)
    >>> grouped_convolution(signal, weight, torch.zeros(4), 2).shape
    torch.Size([1, 4, 9])
    """
    if signal.is_cuda:
        padding = weight.shape[-1] // 2
        return F.conv1d(signal, weight, bias, padding=padding, groups=groups)
    if torch.is_autocast_enabled("cpu"):
        dtype = torch.get_autocast_dtype("cpu")
        signal, weight, bias = signal.to(dtype), weight.to(dtype), bias.to(dtype)
    return _Grouped.apply(signal, weight, bias, groups)


class _Grouped(torch.autograd.Function):
    """Grouped convolution whose gradients are forward convolutions too."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, signal: Tensor, weight: Tensor, bias: Tensor, groups: int
    ) -> Tensor:
        """Output [1, C, L']."""
        ctx.save_for_backward(signal, weight)
        ctx.groups = groups
        padding = weight.shape[-1] // 2
        return F.conv1d(signal, weight, bias, padding=padding, groups=groups)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of signal, weight and bias."""
        signal, weight = ctx.saved_tensors
        groups, (dim, width, kernel) = ctx.groups, weight.shape
        padding = kernel // 2
        # Signal: the kernel reversed in time, inputs and outputs of a group exchanged.
        mirrored = weight.view(groups, width, width, kernel).transpose(1, 2).flip(-1)
        grad_signal = F.conv1d(
            grad,
            mirrored.reshape(dim, width, kernel),
            padding=kernel - 1 - padding,
            groups=groups,
        )
        # Weight: the signal's channels are the batch, the gradient is the kernel.
        padded = F.pad(signal, (padding, padding)).view(groups, width, -1)
        products = F.conv1d(
            padded.transpose(0, 1), grad.view(dim, 1, -1), groups=groups
        )
        return grad_signal, products.transpose(0, 1), grad.sum((0, 2)), None
