"""Unpack the members that are needed of a ``.deb``: an ``ar`` of tarballs."""

import io
import lzma
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from xlsr_sb.errors import InputError

MAGIC = b"!<arch>\n"
HEADER = 60  # bytes: name 16, date 12, owner 6, group 6, mode 8, size 10, end 2
MODES = {"data.tar": "r|", "data.tar.gz": "r|gz", "data.tar.xz": "r|xz"}
DAMAGE = (EOFError, tarfile.TarError, lzma.LZMAError, zlib.error, ValueError)


def unpack(deb: Path, wanted: Callable[[str], bool], into: Path) -> Path:
    """Folder with the files of ``deb`` for whose path ``wanted`` is true.

    The folder appears under its name only when it is complete; where it is already
    there, from the same ``.deb``, nothing is done.

    Parameters
    ----------
    deb : Path
        The package.
    wanted : callable
        Gets paths such as ``usr/share/doc/x/y.txt.gz``.
    into : Path
        The folder.
    """
    made_from = into / ".made-from"
    if made_from.is_file() and made_from.read_text(encoding="utf-8") == _identity(deb):
        return into
    into.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))
    try:
        _extract(deb, wanted, partial)
        (partial / ".made-from").write_text(_identity(deb), encoding="utf-8")
        shutil.rmtree(into, ignore_errors=True)
        partial.rename(into)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return into


def _identity(deb: Path) -> str:
    """What tells one version of a package from another."""
    return f"{deb.name} {deb.stat().st_size}"


def _extract(deb: Path, wanted: Callable[[str], bool], folder: Path) -> None:
    """Write the files that are wanted under ``folder``."""
    try:
        with (
            _data(deb) as (stream, mode),
            tarfile.open(fileobj=stream, mode=mode) as tar,
        ):
            for member in tar:
                parts = PurePosixPath(member.name).parts
                safe = ".." not in parts and not member.name.startswith("/")
                if member.isfile() and safe and wanted("/".join(parts)):
                    path = folder.joinpath(*parts)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    content = tar.extractfile(member)
                    assert content is not None  # true of every file
                    with path.open("wb") as file:
                        shutil.copyfileobj(content, file)
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(
            f"{deb}: not a complete Debian package ({error}); fetch it again"
        ) from error


@contextmanager
def _data(deb: Path) -> Iterator[tuple[IO[bytes], str]]:
    """The tarball of a package's files, and the mode to open it with."""
    with deb.open("rb") as file:
        name = _seek_data(file)
        if name in MODES:
            yield file, MODES[name]
        else:
            yield _from_dpkg(deb, name), "r:"


def _seek_data(file: IO[bytes]) -> str:
    """Put ``file`` at the start of the member ``data.tar.*`` and return its name."""
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError("it does not start as an ar archive")
    while len(header := file.read(HEADER)) == HEADER:
        name = header[:16].decode("ascii").strip().rstrip("/")
        size = int(header[48:58])
        if name.startswith("data.tar"):
            _check_length(file, size)
            return name
        file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError("it holds no data.tar")


def _check_length(file: IO[bytes], size: int) -> None:
    """Raise if fewer than ``size`` bytes follow: tarfile may take that for the end."""
    here = file.tell()
    left = file.seek(0, io.SEEK_END) - here
    if left < size:
        raise ValueError(f"{left} bytes of files are left of {size}")
    file.seek(here)


def _from_dpkg(deb: Path, name: str) -> IO[bytes]:
    """The tarball in a compression that only ``dpkg-deb`` knows, such as zst."""
    if shutil.which("dpkg-deb") is None:
        raise InputError(
            f"{deb}: its files are compressed as {name}, which needs dpkg-deb; "
            "install dpkg, or get the package of Debian 12, which uses xz"
        )
    tarball = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the last reference
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    done = subprocess.run(command, stdout=tarball, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise ValueError(done.stderr.decode(errors="replace").strip())
    tarball.seek(0)
    return tarball
