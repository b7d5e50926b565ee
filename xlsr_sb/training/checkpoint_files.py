"""Folders that appear on disk complete or not at all, and how to tell damaged ones.

A checkpoint keeps SpeechBrain's layout, ``CKPT+<time>/`` with ``CKPT.yaml`` and one
``<name>.ckpt`` an object; ``CKPT.yaml`` also lists the size of every file. Folders on
their way in or out have other first letters, so that no reader takes them for
checkpoints::

    saving-CKPT+...  --rename-->  CKPT+...  --rename-->  deleting-CKPT+...
      (being written)                |                     (being removed)
                                     '------rename-->  damaged-CKPT+...  (kept)
"""

import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from speechbrain.utils.checkpoints import (
    CKPT_PREFIX,
    METAFNAME,
    PARAMFILE_EXT,
    Checkpoint,
)

from xlsr_sb.errors import InputError

logger = logging.getLogger(__name__)

SAVING, DELETING, DAMAGED = "saving-", "deleting-", "damaged-"
END_OF_EPOCH, FILES, TIME = "end-of-epoch", "files", "unixtime"  # our keys in CKPT.yaml
BOOKKEEPING = (END_OF_EPOCH, FILES, TIME)
PLAIN = (bool, int, float, str)


class CheckpointError(InputError):
    """Raised when a checkpoint can be neither written nor used; says how to go on."""


class DamagedError(Exception):
    """Raised on a checkpoint whose files are not those that were written."""


def check_meta(meta: Mapping[str, Any]) -> None:
    """Raise unless every value is one that every reader of CKPT.yaml understands.

    Parameters
    ----------
    meta : mapping of str to bool, int, float or str
        NumPy's float64 is a float to Python but not to YAML, so types must be exact.

    Example
    -------
    >>> check_meta({"CER": 0.25, "update": 100})
    """
    for key, value in meta.items():
        if type(key) is not str or key in BOOKKEEPING:
            raise CheckpointError(
                f"a checkpoint's meta cannot have the key {key!r}; keys are strings "
                f"other than {', '.join(BOOKKEEPING)}"
            )
        if type(value) not in PLAIN:
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise CheckpointError(
                f"a checkpoint's meta has {key!r} = {value!r}, a {kind}; it must be a "
                "plain bool, int, float or str: write float(...) or .item()"
            )


def write_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """Write CKPT.yaml, whose presence makes the folder a checkpoint.

    Parameters
    ----------
    folder : Path
        Holds all other files already.
    meta : mapping
        The time comes last in the file: if it is cut short, the time is missing.
    """
    sizes = {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    others = {key: value for key, value in meta.items() if key != TIME}
    lines = {**others, FILES: sizes, TIME: meta[TIME]}
    text = yaml.safe_dump(lines, sort_keys=False, allow_unicode=True)
    (folder / METAFNAME).write_text("# yamllint disable\n" + text, encoding="utf-8")


def read_meta(folder: Path) -> dict[str, Any]:
    """Content of CKPT.yaml.

    Raises
    ------
    DamagedError
        If it is missing, empty, cut short or not YAML.
    """
    try:
        meta = yaml.safe_load((folder / METAFNAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedError(f"{METAFNAME} is missing") from None
    except (yaml.YAMLError, ValueError):
        raise DamagedError(f"{METAFNAME} is not valid YAML") from None
    if meta is None:
        raise DamagedError(f"{METAFNAME} is empty")
    if not isinstance(meta, dict) or not isinstance(meta.get(TIME), int | float):
        raise DamagedError(f"{METAFNAME} has no {TIME}")
    return meta


def read_checkpoint(folder: Path) -> Checkpoint:
    """SpeechBrain's record of a folder: its path, its meta and its files by name."""
    files = {path.stem: path for path in folder.glob(f"*{PARAMFILE_EXT}")}
    return Checkpoint(folder, read_meta(folder), files)


def check_sizes(folder: Path, sizes: Mapping[str, int]) -> None:
    """Raise ``DamagedError`` unless every file is there with its size in bytes."""
    for name, size in sizes.items():
        if not (folder / name).is_file():
            raise DamagedError(f"{name} is missing")
        found = (folder / name).stat().st_size
        if found != size:
            raise DamagedError(f"{name} has {found} of {size} bytes")


def write_folder(
    target: Path, *, fill: Callable[[Path], None], meta: Mapping[str, Any]
) -> None:
    """Make a checkpoint folder appear complete and on the disk, or not at all.

    Parameters
    ----------
    target : Path
        Where it shall stand; nothing may stand there yet.
    fill : callable of a Path
        Writes the files into the folder it is given, a sibling of the target.
    meta : mapping
        For CKPT.yaml, which is written when all else is on the disk.
    """
    if target.exists():
        raise FileExistsError(errno.EEXIST, "the folder exists already", str(target))
    temporary = target.with_name(SAVING + target.name)
    try:
        temporary.mkdir(parents=True)
        fill(temporary)
        for path in temporary.rglob("*"):
            sync(path)
        write_meta(temporary, meta)
        sync(temporary / METAFNAME)
        sync(temporary)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync(target.parent)


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders.
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems cannot flush a folder.
        if not path.is_dir() or error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def delete_all(folders: Iterable[Path], *, verbosity: int) -> None:
    """Delete checkpoints; one that cannot be deleted is no reason to stop a run."""
    for folder in folders:
        _delete(folder, verbosity)


def _delete(folder: Path, verbosity: int) -> None:
    """Delete a checkpoint; killed half-way, what is left is not taken for one."""
    doomed = folder.with_name(DELETING + folder.name)
    shutil.rmtree(doomed, ignore_errors=True)
    try:
        folder.rename(doomed)
    except OSError as error:
        logger.warning("cannot delete %s: %s", folder, error)
    else:
        shutil.rmtree(doomed, ignore_errors=True)
        logger.log(verbosity, "deleted %s", folder)


def delete_leftovers(parent: Path) -> None:
    """Remove what a killed process left half written or half deleted."""
    for first in (SAVING, DELETING):
        for folder in parent.glob(f"{first}{CKPT_PREFIX}*"):
            shutil.rmtree(folder, ignore_errors=True)


def set_aside(folder: Path) -> Path:
    """Rename a damaged checkpoint so that nothing reads it; where it is now."""
    target = folder.with_name(DAMAGED + folder.name)
    while target.exists():
        target = target.with_name(target.name + "+")
    try:
        return folder.rename(target)
    except OSError:  # On a read-only disk it stays, and is passed over each time.
        return folder
