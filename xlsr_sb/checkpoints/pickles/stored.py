"""Tensors as a pickle describes them: where they lie, checked before it is read."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from xlsr_sb.checkpoints.pickles.names import Name, UnreadableError

STORAGES = {  # PyTorch's own names
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
HOMES = ("torch", "torch.cuda")


@dataclass(frozen=True)
class Storage:
    """Numbers of one type that lie together in the file.

    Parameters
    ----------
    key : str
        Their place, as the file names it.
    dtype : torch.dtype
    num_elements : int
    first : int
        Element of that place which is the first one here.
    """

    key: str
    dtype: torch.dtype
    num_elements: int
    first: int = 0


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor that is not read yet.

    Parameters
    ----------
    storage : Storage
    offset : int
    shape, strides : tuple of int
        In elements.

    Example
    -------
    >>> storage = Storage("0", torch.float32, 6)
    >>> stored = rebuilt(storage, 0, (2, 3), (3, 1))
    >>> stored.view(torch.arange(6.0)).tolist()
    [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def view(self, elements: Tensor) -> Tensor:
        """Tensor on all elements of the place that its storage is, or is a part of."""
        first = self.storage.first + self.offset
        return elements.as_strided(self.shape, self.strides, first)


def storage_of(kind: object, key: object, num_elements: object) -> Storage:
    """Storage that a pickle refers to.

    Raises
    ------
    UnreadableError
        If there is no such kind, or a value is of another type.

    Example
    -------
    >>> storage_of(Name("torch", "HalfStorage"), "3", 10).dtype
    torch.float16
    """
    is_known = type(kind) is Name and kind.module in HOMES and kind.name in STORAGES
    if not is_known or type(key) is not str or not _are_counts(num_elements):
        raise UnreadableError("its pickle refers to what is no storage of numbers")
    return Storage(key, STORAGES[kind.name], num_elements)


def rebuilt(storage, offset, shape, strides, *settings) -> StoredTensor:
    """Stand in for PyTorch's functions ``_rebuild_tensor`` and ``_rebuild_tensor_v2``.

    Parameters
    ----------
    storage : Storage
    offset : int
    shape, strides : sequence of int
    *settings
        Gradient, hooks and flags; flags would change values, so there must be none.

    Raises
    ------
    UnreadableError
        If the tensor does not lie within its storage.

    Example
    -------
    >>> rebuilt(Storage("0", torch.float32, 6), 1, (2, 3), (3, 1))
    Traceback (most recent call last):
    ...
    xlsr_sb...UnreadableError: a tensor of shape (2, 3) from element 1 \
does not lie within its storage of 6
    """
    if type(storage) is not Storage:
        raise UnreadableError("its pickle makes a tensor of what is no storage")
    shape, strides = tuple(shape), tuple(strides)
    if not _are_counts(offset, *shape, *strides) or len(shape) != len(strides):
        raise UnreadableError("its pickle makes a tensor of a size that is no size")
    if len(settings) > 2 and settings[2]:
        raise UnreadableError("a tensor in it is conjugated or negated")
    reach = sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    end = offset + (reach + 1 if math.prod(shape) else 0)
    if max(end, math.prod(shape)) > storage.num_elements:
        raise UnreadableError(
            f"a tensor of shape {shape} from element {offset} does not lie within its "
            f"storage of {storage.num_elements}"
        )
    return StoredTensor(storage, offset, shape, strides)


def parameter(data, *_settings) -> StoredTensor:
    """Stand in for PyTorch's function ``_rebuild_parameter``; the tensor itself."""
    if type(data) is not StoredTensor:
        raise UnreadableError("its pickle makes a parameter of what is no tensor")
    return data


def typed(function, _kind, arguments, _state) -> StoredTensor:
    """Stand in for PyTorch's function ``_rebuild_from_type_v2``."""
    builder = PLAIN_BUILDERS.get(str(function))
    if builder is None:
        raise UnreadableError("its pickle makes a tensor by an unknown function")
    return builder(*arguments)


def _are_counts(*values: object) -> bool:
    """Whether all are whole numbers from 0 on that PyTorch can hold."""
    return all(type(value) is int and 0 <= value < 2**48 for value in values)


PLAIN_BUILDERS = {
    "torch._utils._rebuild_parameter": parameter,
    "torch._utils._rebuild_parameter_with_state": parameter,
    "torch._utils._rebuild_tensor": rebuilt,
    "torch._utils._rebuild_tensor_v2": rebuilt,
}
BUILDERS = {
    **PLAIN_BUILDERS,
    "torch._tensor._rebuild_from_type_v2": typed,
    "torch.Size": tuple,
}
