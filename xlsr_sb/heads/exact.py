"""Small layers in fp32 whatever surrounds them: half precision costs two decimals."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def exact(tensor: Tensor) -> Tensor:
    """The tensor in fp32, or in fp64 if it is.

    Example
    -------
    >>> exact(torch.ones(1, dtype=torch.bfloat16)).dtype
    torch.float32
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def exact_linear(layer: nn.Linear, inputs: Tensor) -> Tensor:
    """Outputs of a linear layer, computed in fp32 under autocast as well.

    Parameters
    ----------
    layer : nn.Linear
    inputs : Tensor [..., D], of any floating type

    Returns
    -------
    Tensor [..., E], float32

    Example
    -------
    >>> with torch.autocast("cpu", dtype=torch.bfloat16):
    ...     exact_linear(nn.Linear(4, 2), torch.ones(3, 4)).dtype
    torch.float32
    """
    bias = None if layer.bias is None else exact(layer.bias)
    with torch.autocast(inputs.device.type, enabled=False):
        return functional.linear(exact(inputs), exact(layer.weight), bias)


def exact_norm(layer: nn.LayerNorm, inputs: Tensor) -> Tensor:
    """Outputs of a LayerNorm, computed in fp32.

    Parameters
    ----------
    layer : nn.LayerNorm
    inputs : Tensor [..., D], of any floating type

    Returns
    -------
    Tensor [..., D], float32

    Example
    -------
    >>> exact_norm(nn.LayerNorm(2), torch.tensor([1.0, 3.0])).round(decimals=2).tolist()
    [-1.0, 1.0]
    """
    weight, bias = exact(layer.weight), exact(layer.bias)
    return functional.layer_norm(
        exact(inputs), layer.normalized_shape, weight, bias, layer.eps
    )
