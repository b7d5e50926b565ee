"""Linear layers for the products of decoding: a few rows by every matrix, on a CPU.

PyTorch gives products in single precision to MKL, which spends more on arranging the
matrix than on so few rows; oneDNN does not. On a CPU with AVX-512 a step of the 459M
decoder with 40 rows takes two thirds of the time.
"""

import copy

import torch
from torch import Tensor, nn

ALONE = "none", [], ""  # nothing is computed along with the product


class OneDNNLinear(nn.Module):
    """A linear layer whose products oneDNN computes; nothing in it is trained.

    Parameters
    ----------
    weight : Tensor [O, I], float32
        Not copied: changes of its values are seen.
    bias : Tensor [O], optional
        Likewise.

    Example
    -------
    >>> linear = nn.Linear(3, 5)
    >>> rows = torch.randn(2, 3)
    >>> with torch.no_grad():
    ...     if is_possible(linear.weight):
    ...         found = OneDNNLinear(linear.weight, linear.bias)(rows)
    ...         torch.testing.assert_close(found, linear(rows))
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None):
        super().__init__()
        self.weight = weight.detach()
        self.bias = None if bias is None else bias.detach()

    def forward(self, rows: Tensor) -> Tensor:
        """Outputs [N, O] of rows [N, I]."""
        product = torch.ops.mkldnn._linear_pointwise
        return product(rows, self.weight, self.bias, *ALONE)


def is_possible(weight: Tensor) -> bool:
    """Whether oneDNN would compute as PyTorch does: on a CPU, in single precision.

    Example
    -------
    >>> is_possible(torch.zeros(2, 2, dtype=torch.float64))
    False
    """
    return (
        torch.backends.mkldnn.is_available()
        and weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch.is_grad_enabled()
    )


def with_onednn(module: nn.Module) -> nn.Module:
    """A twin of a module whose linear layers are ``OneDNNLinear``.

    All weights and everything else belong to both.

    Parameters
    ----------
    module : Module

    Returns
    -------
    Module
        The module itself where there is nothing to be gained.

    Example
    -------
    >>> module = nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 5))
    >>> rows = torch.randn(2, 3)
    >>> with torch.no_grad():
    ...     twin = with_onednn(module)
    ...     torch.testing.assert_close(twin(rows), module(rows))
    >>> twin[0] is module[0], module[1].weight.shape
    (True, torch.Size([5, 3]))
    """
    if type(module) is nn.Linear and is_possible(module.weight):
        return OneDNNLinear(module.weight, module.bias)
    twins = {name: with_onednn(child) for name, child in module.named_children()}
    if all(twins[name] is child for name, child in module.named_children()):
        return module
    twin = copy.copy(module)
    twin._modules = {**module._modules, **twins}
    return twin
