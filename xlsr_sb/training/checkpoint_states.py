"""States of objects in files: what may stand in them, and reading them safely."""

import collections
import errno
import io
import pickle
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from xlsr_sb.training.checkpoint_files import CheckpointError, DamagedError

SAFE_LEAVES = (bool, int, float, str, type(None), Tensor, torch.nn.Parameter)
CONTAINERS = (list, tuple, set)
MAPPINGS = (dict, collections.OrderedDict)
# What zipfile and PyTorch raise on broken files, tried by altering every byte of one.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
)


def write_state(path: Path, state: Any) -> None:
    """Write a state in PyTorch's format.

    Through a file of Python's, for it gives the reason when the disk is full.
    """
    with open(path, "wb") as file:
        torch.save(state, file)


def read_state(path: Path) -> Any:
    """State in a file, on the CPU; nothing in the file can run code.

    Raises
    ------
    DamagedError
        If bytes are missing or altered: all are checked against the sums in the file.
    CheckpointError
        If the file is whole, but holds other things than tensors and plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            altered = archive.testzip()
        if altered is not None:
            raise DamagedError(f"{path.name} is altered")
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is not loaded: it holds other things than tensors and plain "
            f"values, which could run code ({error})"
        ) from error
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # The disk cannot be read; the file may be as good as ever.
        if "allocate" in str(error):
            raise  # Out of memory.
        raise DamagedError(f"{path.name} is truncated or altered") from error


def check_loadable(name: str, state: Any) -> None:
    """Raise if a state could be saved but not be loaded again.

    Parameters
    ----------
    name : str
        Of the object, for the message.
    state : nested dict, list, tuple or set
        Of tensors and plain Python values.

    Example
    -------
    >>> check_loadable("sampler", {"update": 3, "weights": torch.ones(2)})
    """
    for place, value in leaves(state):
        if type(value) not in SAFE_LEAVES and not _survives(value):
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise CheckpointError(
                f"the state of {name!r} has a {kind} at {place or 'its top'}, which "
                "could be saved but not loaded safely; keep tensors and plain Python "
                "values in it (int(...), float(...), torch.as_tensor(...))"
            )


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value and mapping key inside plain containers, with where it stands.

    Example
    -------
    >>> list(leaves({"a": [1, 2.5]}))
    [("key 'a'", 'a'), ("['a'][0]", 1), ("['a'][1]", 2.5)]
    """
    if type(value) in MAPPINGS:
        for key, inner in value.items():
            yield f"{place} key {key!r}".lstrip(), key
            yield from leaves(inner, f"{place}[{key!r}]")
    elif type(value) in CONTAINERS:
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{place}[{index}]")
    else:
        yield place, value


def num_bytes(state: Any) -> int:
    """Bytes of all tensors of a state.

    Example
    -------
    >>> num_bytes({"weight": torch.zeros(3, 2), "update": 1})
    24
    """
    tensors = (value for _, value in leaves(state) if isinstance(value, Tensor))
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _survives(value: Any) -> bool:
    """Whether an unusual value can be loaded again."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    try:
        torch.load(buffer, weights_only=True)
    except pickle.UnpicklingError:
        return False
    return True
