"""PyTorch's files, today's zip archives and those from before, read without risk.

What is read of them is a pickle, on a machine where nothing in it can run
(``unpickling``), and the numbers of those tensors that are asked for: the state of an
optimiser is passed over.
"""

import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import torch
from torch import Tensor

from xlsr_sb.checkpoints.pickles.containers import OldContainer, ZipContainer
from xlsr_sb.checkpoints.pickles.names import UnreadableError
from xlsr_sb.checkpoints.pickles.stored import Storage, StoredTensor
from xlsr_sb.errors import InputError

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError)


class Container(Protocol):
    """A file with a pickle and the numbers that it refers to."""

    content: Any

    def numbers(self, storage: Storage) -> bytes:
        """Bytes of a storage."""


@dataclass(frozen=True)
class TorchFile:
    """What a file holds.

    Parameters
    ----------
    content : object
        Numbers, texts and containers, a ``StoredTensor`` for each tensor and a ``Stub``
        for each object of any other class.
    container : Container
    """

    content: Any
    container: Container

    def tensor(self, stored: StoredTensor) -> Tensor:
        """Tensor, read now; in fp32 if it was in another floating type."""
        storage = stored.storage
        elements = torch.empty(0, dtype=storage.dtype)
        if storage.num_elements:
            whole = bytearray(self.container.numbers(storage))
            elements = torch.frombuffer(whole, dtype=storage.dtype)
        return in_fp32(stored.view(elements)).contiguous()


def in_fp32(tensor: Tensor) -> Tensor:
    """Tensor in fp32 if it is in another floating type.

    Example
    -------
    >>> in_fp32(torch.ones(1, dtype=torch.float16)).dtype, in_fp32(torch.ones(1)).dtype
    (torch.float32, torch.float32)
    """
    return tensor.float() if tensor.is_floating_point() else tensor


@contextmanager
def open_torch_file(path: Path) -> Iterator[TorchFile]:
    """Open a file that ``torch.save`` wrote; nothing in it can run.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        If it cannot be read, is damaged, or asks for what no checkpoint needs.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.pt"
    >>> torch.save({"weight": torch.ones(2), "update": 3}, path)
    >>> with open_torch_file(path) as file:
    ...     file.tensor(file.content["weight"]), file.content["update"]
    (tensor([1., 1.]), 3)
    """
    try:
        with path.open("rb") as file:
            container = _container(file)
            yield TorchFile(container.content, container)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(f"{path} is damaged or cut short: {error}") from error
    except UnreadableError as error:
        raise InputError(f"{path} cannot be used: {error}") from error


def _container(file: BinaryIO) -> Container:
    """What kind of file it is."""
    if zipfile.is_zipfile(file):
        return ZipContainer(file)
    file.seek(0)
    start = file.read(2)
    file.seek(0)
    if start[:1] == b"\x80":
        return OldContainer(file)
    if start == b"PK":
        raise UnreadableError("it is cut short: the end of the archive is missing")
    if _is_tar(file):
        raise UnreadableError(
            "it is older than PyTorch 0.2; save it again with a newer"
        )
    raise UnreadableError("it is no file of PyTorch")


def _is_tar(file: BinaryIO) -> bool:
    try:
        return tarfile.is_tarfile(file)
    except (tarfile.TarError, OSError):
        return False
