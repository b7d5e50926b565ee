"""Sizes of an encoder, from the shapes of its tensors and from what is published."""

from collections.abc import Callable, Mapping

from torch import Tensor

from xlsr_sb.errors import InputError
from xlsr_sb.lengths import KERNELS, STRIDES

SIZES = (
    *("conv_dims", "conv_kernels", "conv_strides", "dim", "ffn_dim"),
    *("num_heads", "num_layers", "pos_conv_kernel", "pos_conv_groups"),
)
PUBLISHED_HEADS = {1024: 16, 1280: 16, 1920: 16}  # by width: 300M, 1B, 2B
Find = Callable[[str], Tensor]


def sizes_of(find: Find, *, num_convs: int, num_layers: int) -> dict[str, object]:
    """Sizes that shapes tell: all but the strides and the number of heads.

    Parameters
    ----------
    find : callable
        Tensor of our name.
    num_convs, num_layers : int
        Convolutions and transformer layers that there are tensors of.

    Example
    -------
    >>> from xlsr_sb.checkpoints.shapes import encoder_tensors
    >>> sizes = {"conv_dims": (8,), "conv_kernels": (10,), "dim": 4, "ffn_dim": 6}
    >>> sizes |= {"num_layers": 2, "pos_conv_kernel": 16, "pos_conv_groups": 2}
    >>> tensors = encoder_tensors(sizes)
    >>> sizes_of(tensors.__getitem__, num_convs=1, num_layers=2) == sizes
    True
    """
    convs = [find(f"feature_extractor.layers.{i}.weight") for i in range(num_convs)]
    direction = find("positions.direction")
    dim = direction.shape[0]
    return {
        "conv_dims": tuple(conv.shape[0] for conv in convs),
        "conv_kernels": tuple(conv.shape[2] for conv in convs),
        "dim": dim,
        "ffn_dim": find("transformer.layers.0.ffn_in.weight").shape[0],
        "num_layers": num_layers,
        "pos_conv_kernel": direction.shape[2],
        "pos_conv_groups": max(1, dim // max(1, direction.shape[1])),
    }


def completed(
    told: Mapping[str, object], given: Mapping[str, object], *, source: str
) -> dict[str, object]:
    """All sizes: those that a file tells, else those given, else the published ones.

    Parameters
    ----------
    told, given : mapping
        By the file, and by who loads it.
    source : str
        For messages.

    Raises
    ------
    InputError
        If a size is given that the file tells, one is missing, or one is no size.

    Example
    -------
    >>> told = dict.fromkeys(SIZES, 8) | {"dim": 1024, "conv_dims": (512,)}
    >>> told |= {"conv_kernels": (10,), "conv_strides": (5,)}
    >>> del told["num_heads"]
    >>> completed(told, {}, source="a.pth")["num_heads"]
    16
    >>> completed({**told, "dim": 48}, {}, source="a.pth")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a.pth does not say num_heads; give num_heads=... for an \
encoder of this width
    """
    if clash := sorted(set(told) & set(given)):
        raise InputError(
            f"{source}: {clash} are fixed by the pretrained weights; leave them out"
        )
    _check_numbers({**told, **given}, source)
    sizes = {**_published(told), **told, **given}
    if missing := [name for name in SIZES if name not in sizes]:
        options = ", ".join(f"{name}=..." for name in missing)
        raise InputError(
            f"{source} does not say {', '.join(missing)}; give {options} for an "
            "encoder of this width"
        )
    return {n: tuple(sizes[n]) if _is_list(n) else sizes[n] for n in SIZES}


def _is_list(name: str) -> bool:
    """Whether a size has a value for each convolution."""
    return name.startswith("conv_")


def _check_numbers(sizes: Mapping[str, object], source: str) -> None:
    """Raise unless all are whole numbers, or lists of them for the convolutions."""
    for name, value in sizes.items():
        is_list = isinstance(value, list | tuple) and len(value) > 0
        if is_list != _is_list(name) or any(
            type(one) is not int or one < 1 for one in (value if is_list else [value])
        ):
            kind = "a list of whole numbers" if _is_list(name) else "a whole number"
            raise InputError(
                f"{source}: {name} is {value!r}; it must be {kind} from 1 on"
            )


def _published(told: Mapping[str, object]) -> dict[str, object]:
    """Sizes that models of this width and these kernels have."""
    published: dict[str, object] = {}
    if told.get("dim") in PUBLISHED_HEADS:
        published["num_heads"] = PUBLISHED_HEADS[told["dim"]]
    if tuple(told.get("conv_kernels", ())) == KERNELS:
        published["conv_strides"] = STRIDES
    return published
