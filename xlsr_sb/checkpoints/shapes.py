"""Names and shapes of an encoder's parameters, from its sizes alone."""

import re
from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from xlsr_sb.errors import InputError

SHOWN = 8  # names of a kind in an error; a wrong depth alone misplaces hundreds


def encoder_tensors(sizes: Mapping[str, object]) -> dict[str, Tensor]:
    """Every parameter of an encoder, under our names, without numbers.

    Parameters
    ----------
    sizes : mapping
        ``conv_dims``, ``conv_kernels``, ``dim``, ``ffn_dim``, ``num_layers``,
        ``pos_conv_kernel`` and ``pos_conv_groups`` of ``XLSRConfig``.

    Returns
    -------
    dict of str to Tensor
        On the device ``meta``.

    Example
    -------
    >>> sizes = {"conv_dims": [512] * 7, "conv_kernels": [10, 3, 3, 3, 3, 2, 2]}
    >>> sizes |= {"dim": 1024, "ffn_dim": 4096, "num_layers": 24}
    >>> sizes |= {"pos_conv_kernel": 128, "pos_conv_groups": 16}
    >>> sum(tensor.numel() for tensor in encoder_tensors(sizes).values())
    315438720
    """
    dim, kernel = sizes["dim"], sizes["pos_conv_kernel"]
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 1
    layers = zip(sizes["conv_dims"], sizes["conv_kernels"], strict=True)
    for index, (width, taps) in enumerate(layers):
        layer = f"feature_extractor.layers.{index}"
        shapes |= {
            f"{layer}.weight": (width, channels, taps),
            f"{layer}.bias": (width,),
        }
        shapes |= _norm(f"{layer}.norm", width)
        channels = width
    shapes |= _norm("feature_norm", channels)
    shapes |= _linear("feature_projection", dim, channels)
    shapes["mask_embedding"] = (dim,)
    shapes["positions.magnitude"] = (1, 1, kernel)
    shapes["positions.direction"] = (dim, dim // sizes["pos_conv_groups"], kernel)
    shapes["positions.bias"] = (dim,)
    for index in range(sizes["num_layers"]):
        shapes |= _layer(f"transformer.layers.{index}", dim, sizes["ffn_dim"])
    shapes |= _norm("transformer.norm", dim)
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def _layer(name: str, dim: int, ffn_dim: int) -> dict[str, tuple[int, ...]]:
    return {
        **_norm(f"{name}.attention_norm", dim),
        **_linear(f"{name}.attention.qkv", 3 * dim, dim),
        **_linear(f"{name}.attention.output", dim, dim),
        **_norm(f"{name}.ffn_norm", dim),
        **_linear(f"{name}.ffn_in", ffn_dim, dim),
        **_linear(f"{name}.ffn_out", dim, ffn_dim),
    }


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _linear(name: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def check_tensors(
    found: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    *,
    source: str,
    what: str = "XLS-R encoder",
    optional: Collection[str] = (),
) -> None:
    """Raise one error unless names and shapes are those that are wanted.

    Parameters
    ----------
    found, wanted : mapping of str to Tensor
        Under the names that the file has.
    source, what : str
        For the message.
    optional : collection of str
        Names that may be missing.

    Raises
    ------
    InputError
        With all that is missing, too much, or of another shape.

    Example
    -------
    >>> found = {"a": torch.ones(2), "b": torch.ones(3)}
    >>> wanted = {"a": torch.ones(4), "c": torch.ones(1)}
    >>> check_tensors(found, wanted, source="a.pt")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a.pt is no complete XLS-R encoder: missing: c; \
unexpected: b; of another shape: a is [2], not [4]
    """
    missing = [name for name in wanted if name not in found and name not in optional]
    unexpected = [name for name in found if name not in wanted]
    reshaped = [
        f"{name} is {list(found[name].shape)}, not {list(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    problems = {
        "missing": missing,
        "unexpected": unexpected,
        "of another shape": reshaped,
    }
    said = "; ".join(
        f"{kind}: {_listed(all_)}" for kind, all_ in problems.items() if all_
    )
    if said:
        raise InputError(f"{source} is no complete {what}: {said}")


def _listed(items: list[str]) -> str:
    """The first of them, and how many more there are."""
    items = sorted(items, key=_by_number)
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more


def _by_number(name: str) -> list[tuple[int, str]]:
    """Order in which layer 2 comes before layer 10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
