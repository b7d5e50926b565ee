"""Attention inside each utterance; no [B, heads, F, F] tensor anywhere.

Rows of all utterances lie one after another: queries, keys and values are one tensor
[N, 3, H, d], and what comes out is [N, H, d].

On a CPU the gradient is written out as well (``attention_forward``,
``attention_backward``), in two ways. In 16 bits it is matrix products and softmax, one
utterance at a time in one buffer: nothing but the queries, keys and values is kept for
the backward pass, and the products run at the speed of a large matrix product, where
PyTorch's own kernel falls back to 32 bits. In 32 bits that kernel is as fast as the
products, and it is used as it is.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from xlsr_sb.encoder.packing import Packing

HALF = (torch.bfloat16, torch.float16)
MOST_FRAMES = 2_048  # of an utterance whose products are held whole: 268 MB at 300M


def attend(qkv: Tensor, packing: Packing, *, dropout: float = 0.0) -> Tensor:
    """Attended values, by the kernel that suits device and dtype.

    Parameters
    ----------
    qkv : Tensor [N, 3, H, d]
    packing : Packing
    dropout : float
        On the attention weights.

    Returns
    -------
    Tensor [N, H, d]

    Example
    -------
    >>> from xlsr_sb.encoder.config import XLSRConfig
    >>> packing = Packing.of([16_000, 720], XLSRConfig.preset("tiny"))
    >>> attend(torch.randn(51, 3, 6, 64), packing).shape
    torch.Size([51, 6, 64])
    """
    if has_varlen(qkv, dropout):
        return _attend_packed(qkv, packing)
    return _attend_by_utterance(qkv, packing.num_frames, dropout)


def has_varlen(qkv: Tensor, dropout: float) -> bool:
    """Whether PyTorch's variable-length attention takes these rows (CUDA, 16 bits)."""
    return qkv.is_cuda and qkv.dtype in HALF and dropout == 0


def _attend_packed(qkv: Tensor, packing: Packing) -> Tensor:
    """All utterances in one call."""
    from torch.nn.attention.varlen import varlen_attn  # needs CUDA only when called

    longest, bounds = max(packing.num_frames), packing.boundaries
    return varlen_attn(*qkv.unbind(1), bounds, bounds, longest, longest)


def _attend_by_utterance(
    qkv: Tensor, num_frames: Sequence[int], dropout: float
) -> Tensor:
    """One call an utterance."""
    outputs = []
    for piece in qkv.split(num_frames):
        query, key, value = piece.permute(1, 2, 0, 3)[:, None].unbind()  # [1, H, n, d]
        attended = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        outputs.append(attended[0].transpose(0, 1))
    return torch.cat(outputs)


def attention_forward(
    qkv: Tensor, num_frames: Sequence[int]
) -> tuple[Tensor, list[Tensor]]:
    """Attended values on a CPU, without autograd, and what the gradient needs of them.

    Parameters
    ----------
    qkv : Tensor [N, 3, H, d]
    num_frames : sequence of int
        Rows of each utterance.

    Returns
    -------
    attended : Tensor [N, H, d]
    log_sums : list of Tensor [1, H, n]
        One for each utterance that PyTorch's kernel took, in their order.

    Example
    -------
    >>> attention_forward(torch.randn(51, 3, 6, 64), [49, 2])[0].shape
    torch.Size([51, 6, 64])
    """
    attended, log_sums = torch.empty_like(qkv[:, 0]), []
    buffer = _Buffer(qkv, num_frames, squares=1)
    pieces = zip(qkv.split(num_frames), attended.split(num_frames), strict=True)
    for piece, target in pieces:
        if _uses_products(piece):
            query, key, value = _heads(piece)
            (weights,) = buffer.squares(len(piece))
            torch.bmm(query, key.transpose(1, 2), out=weights)
            torch.softmax(weights, -1, out=weights)
            values = torch.bmm(weights, value)
        else:
            values, log_sum = (
                torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
                    *piece.permute(1, 2, 0, 3)[:, None].unbind()
                )
            )
            log_sums.append(log_sum)
            values = values[0]
        target.copy_(values.transpose(0, 1))
    return attended, log_sums


def attention_backward(
    grad: Tensor,
    qkv: Tensor,
    attended: Tensor,
    log_sums: Sequence[Tensor],
    num_frames: Sequence[int],
) -> Tensor:
    """Gradient of ``attention_forward``.

    Parameters
    ----------
    grad : Tensor [N, H, d]
        Gradient of what it returned.
    qkv, attended, log_sums, num_frames
        What it was given, and what it returned.

    Returns
    -------
    Tensor [N, 3, H, d]
    """
    grad_qkv, log_sums = torch.empty_like(qkv), iter(log_sums)
    buffer = _Buffer(qkv, num_frames, squares=2)
    pieces = (tensor.split(num_frames) for tensor in (grad, qkv, attended, grad_qkv))
    for grad_piece, piece, values, target in zip(*pieces, strict=True):
        target = target.permute(1, 2, 0, 3)
        if _uses_products(piece):
            grad_piece = grad_piece.transpose(0, 1).contiguous()
            _products_backward(grad_piece, piece, target, buffer.squares(len(piece)))
            continue
        gradients = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
            grad_piece.transpose(0, 1)[None],
            *piece.permute(1, 2, 0, 3)[:, None].unbind(),
            values.transpose(0, 1)[None],
            next(log_sums),
            dropout_p=0.0,
            is_causal=False,
        )
        for part, gradient in zip(target, gradients, strict=True):
            part.copy_(gradient[0])
    return grad_qkv


def _products_backward(
    grad: Tensor, piece: Tensor, target: Tensor, squares: Tensor
) -> None:
    """Write the gradient of one utterance into ``target`` [3, H, n, d]."""
    weights, grad_weights = squares
    query, key, value = _heads(piece)
    torch.bmm(query, key.transpose(1, 2), out=weights)
    torch.softmax(weights, -1, out=weights)
    torch.bmm(grad, value.transpose(1, 2), out=grad_weights)
    target[2].copy_(torch.bmm(weights.transpose(1, 2), grad))
    torch._softmax_backward_data(
        grad_weights, weights, -1, weights.dtype, grad_input=grad_weights
    )
    target[1].copy_(torch.bmm(grad_weights.transpose(1, 2), query))
    target[0].copy_(torch.bmm(grad_weights, key)).mul_(_scale(piece))


def _uses_products(piece: Tensor) -> bool:
    return piece.dtype in HALF and len(piece) <= MOST_FRAMES


def _scale(piece: Tensor) -> float:
    return piece.shape[-1] ** -0.5


def _heads(piece: Tensor) -> tuple[Tensor, ...]:
    """Scaled queries, keys and values of an utterance, each [H, n, d]."""
    query, key, value = piece.permute(1, 2, 0, 3).contiguous().unbind()
    return query.mul_(_scale(piece)), key, value


class _Buffer:
    """Memory for square matrices [H, n, n], taken once for all utterances."""

    def __init__(self, qkv: Tensor, num_frames: Sequence[int], *, squares: int):
        self.num_heads = qkv.shape[2]
        fitting = [n for n in num_frames if n <= MOST_FRAMES]
        longest = max(fitting, default=0) if qkv.dtype in HALF else 0
        self.memory = qkv.new_empty(squares, self.num_heads * longest**2)

    def squares(self, num_frames: int) -> Tensor:
        """Matrices [squares, H, n, n]; what the last ones held is lost."""
        shape = len(self.memory), self.num_heads, num_frames, num_frames
        return self.memory[:, : self.num_heads * num_frames**2].view(shape)
