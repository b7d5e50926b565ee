"""Files that lie inside another file, whole and uncompressed, as in a tar."""

import io
import os
import re
from pathlib import Path

from xlsr_sb.errors import InputError

SLICE = re.compile(r"(.+\.tar):(\d+):(\d+)")


def is_slice(path: str | Path) -> bool:
    """Whether a path is that of a file inside a tar: ``<file>.tar:<offset>:<size>``.

    Example
    -------
    >>> is_slice("shard-000000.tar:512:70000"), is_slice("a.wav")
    (True, False)
    """
    return SLICE.fullmatch(str(path)) is not None


class FileSlice(io.RawIOBase):
    """Some bytes of a file, as a file of their own.

    Parameters
    ----------
    path : str or Path
        ``<file>.tar:<offset>:<size>``, both in bytes.

    Raises
    ------
    InputError
        When the tar is missing or too short.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.tar"
    >>> _ = path.write_bytes(b"0123456789")
    >>> with FileSlice(f"{path}:2:5") as file:
    ...     file.read(), file.seek(-2, 2), file.read()
    (b'23456', 3, b'56')
    """

    def __init__(self, path: str | Path) -> None:
        tar, offset, size = SLICE.fullmatch(str(path)).groups()
        self.name = str(path)
        self._offset, self._size, self._place = int(offset), int(size), 0
        try:
            self._file = os.open(tar, os.O_RDONLY)
        except OSError as error:
            raise InputError(f"{tar} cannot be read: {error.strerror}") from error
        length = os.fstat(self._file).st_size
        if length < self._offset + self._size:
            self.close()
            raise InputError(
                f"{path}: the file has {length} bytes only; it was cut off, or made "
                f"anew without its index: copy it again or make the shards again"
            )

    def __str__(self) -> str:
        return self.name

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            os.close(self._file)
        super().close()

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be read from any place."""
        return True

    def tell(self) -> int:
        """Return the place that is read next."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the place that is read next, and return it."""
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}
        self._place = max(0, starts[whence] + offset)
        return self._place

    def readinto(self, buffer) -> int:
        """Fill a buffer as far as there are bytes, and return their number."""
        wanted = min(len(buffer), self._size - self._place)
        data = os.pread(self._file, max(0, wanted), self._offset + self._place)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
