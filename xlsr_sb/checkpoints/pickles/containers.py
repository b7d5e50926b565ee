"""Both kinds of files of ``torch.save``: archives, and what there was before."""

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import BinaryIO

from xlsr_sb.checkpoints.pickles.names import UnreadableError
from xlsr_sb.checkpoints.pickles.stored import BUILDERS, Storage, storage_of
from xlsr_sb.checkpoints.pickles.unpickling import unpickle

OLD_MAGIC, OLD_VERSION = 0x1950A86A20F9469CFC6C, 1001


class ZipContainer:
    """An archive with ``data.pkl`` and a member for each storage.

    Parameters
    ----------
    file : binary file
    """

    def __init__(self, file: BinaryIO):
        try:
            self.archive = zipfile.ZipFile(file)
        except RuntimeError as error:  # of a version to come
            raise UnreadableError(f"its archive cannot be read: {error}") from error
        names = self.archive.namelist()
        pickles = [name for name in names if name.split("/")[1:] == ["data.pkl"]]
        if len(pickles) != 1:
            raise UnreadableError("it is an archive, but not one of torch.save")
        self.prefix = pickles[0].removesuffix("data.pkl")
        if f"{self.prefix}constants.pkl" in names:
            raise UnreadableError("it is a program of TorchScript, not a checkpoint")
        if self.member("byteorder", b"little") != b"little":
            raise UnreadableError("its numbers are big-endian")
        self.content = unpickle(
            io.BytesIO(self.member("data.pkl")),
            builders=BUILDERS,
            load_persistent=_zip_storage,
        )

    def member(self, name: str, default: bytes | None = None) -> bytes:
        """Bytes of a member of the archive, checked against their sum."""
        path = f"{self.prefix}{name}"
        if default is not None and path not in self.archive.NameToInfo:
            return default
        try:
            info = self.archive.getinfo(path)
        except KeyError as error:
            raise UnreadableError(f"{name} is missing in it") from error
        if info.compress_type != zipfile.ZIP_STORED:
            raise UnreadableError(
                f"{name} in it is compressed, as torch.save never does"
            )
        try:
            return self.archive.read(info)
        except RuntimeError as error:  # encrypted, or of an unknown kind
            raise UnreadableError(f"{name} in it cannot be read: {error}") from error

    def numbers(self, storage: Storage) -> bytes:
        """Bytes of a storage."""
        found = self.member(f"data/{storage.key}")
        if len(found) != storage.num_elements * storage.dtype.itemsize:
            raise UnreadableError(f"storage {storage.key} in it has another size")
        return found


def _zip_storage(reference: object) -> Storage:
    """Storage of a reference (``"storage"``, kind, key, device, elements)."""
    if type(reference) is not tuple or len(reference) != 5:
        raise UnreadableError("its pickle refers to what is no storage")
    _, kind, key, _, num_elements = reference
    return storage_of(kind, key, num_elements)


class OldContainer:
    """Pickles one after the other, then the storages, as until PyTorch 1.5.

    Parameters
    ----------
    file : binary file
    """

    def __init__(self, file: BinaryIO):
        self.file = file
        if (unpickle(file), unpickle(file)) != (OLD_MAGIC, OLD_VERSION):
            raise UnreadableError("it is a pickle, but not one of torch.save")
        system = unpickle(file)
        if type(system) is not dict or not system.get("little_endian", True):
            raise UnreadableError("its numbers are big-endian")
        self.roots: dict[str, Storage] = {}
        self.content = unpickle(
            file, builders=BUILDERS, load_persistent=self._old_storage
        )
        self.places = self._places(unpickle(file))

    def _old_storage(self, reference: object) -> Storage:
        """Storage of a reference, which may be a part of another."""
        if type(reference) is not tuple or len(reference) != 6:
            raise UnreadableError("its pickle refers to what is no storage")
        _, kind, key, _, num_elements, view = reference
        root = self.roots.setdefault(key, storage_of(kind, key, num_elements))
        if view is None:
            return root
        _, first, size = view
        part = storage_of(kind, key, size)
        if type(first) is not int or not 0 <= first <= root.num_elements - size:
            raise UnreadableError(f"a part of storage {key} does not lie within it")
        return replace(part, first=first)

    def _places(self, keys: object) -> Mapping[str, int]:
        """Where the bytes of each storage begin."""
        places, place = {}, self.file.tell()
        if type(keys) is not list or sorted(map(str, keys)) != sorted(self.roots):
            raise UnreadableError("its list of storages is damaged")
        for key in keys:
            root = self.roots[key]
            self.file.seek(place)
            (count,) = struct.unpack("<q", self.file.read(8))
            if count != root.num_elements:
                raise UnreadableError(f"storage {key} in it has another size")
            places[key] = place + 8
            place += 8 + count * root.dtype.itemsize
        if place > self.file.seek(0, io.SEEK_END):
            raise UnreadableError("it is cut short")
        return places

    def numbers(self, storage: Storage) -> bytes:
        """Bytes of the storage that this one is, or is a part of."""
        root = self.roots[storage.key]
        self.file.seek(self.places[storage.key])
        return self.file.read(root.num_elements * root.dtype.itemsize)
