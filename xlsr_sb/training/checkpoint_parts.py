"""How each object of a run becomes one file of a checkpoint, and comes back.

Objects with ``state_dict`` and ``load_state_dict`` are saved as their state. Others
bring SpeechBrain's hooks, which write and read a file of their own making.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from speechbrain.utils.checkpoints import (
    DEFAULT_LOAD_HOOKS,
    DEFAULT_SAVE_HOOKS,
    PARAMFILE_EXT,
    Checkpoint,
    get_default_hook,
    torch_recovery,
    torch_save,
    torch_save_once_per_node,
)
from speechbrain.utils.distributed import MainProcessContext
from torch.nn.parallel import DistributedDataParallel

from xlsr_sb.training.checkpoint_files import (
    END_OF_EPOCH,
    FILES,
    CheckpointError,
    DamagedError,
    check_sizes,
)
from xlsr_sb.training.checkpoint_states import read_state, write_state

logger = logging.getLogger(__name__)
STATE_HOOKS = (torch_recovery, torch_save, torch_save_once_per_node)


class Part:
    """One object of a run and how it is saved and loaded.

    Parameters
    ----------
    name : str
        Its file is ``<name>.ckpt``.
    obj : object
        A module is saved without the wrappers of DDP and ``torch.compile``, so that the
        names in the file do not depend on how it was trained.
    save_hook, load_hook : callable or None
        Given by the user. Without one, SpeechBrain's hook for the class is taken, and
        without that the object's state.
    optional : bool
        Whether a checkpoint without it may be loaded.

    Example
    -------
    >>> part = Part("head", torch.nn.Linear(2, 3))
    >>> part.file_name, sorted(part.collect())
    ('head.ckpt', ['bias', 'weight'])
    """

    def __init__(
        self,
        name: str,
        obj: Any,
        *,
        save_hook: Callable | None = None,
        load_hook: Callable | None = None,
        optional: bool = False,
    ) -> None:
        self.name = name
        self.file_name = name + PARAMFILE_EXT
        self.obj = _unwrapped(obj)
        self.save_hook = save_hook or _class_hook(self.obj, DEFAULT_SAVE_HOOKS)
        self.load_hook = load_hook or _class_hook(self.obj, DEFAULT_LOAD_HOOKS)
        self.optional = optional
        has_state = hasattr(obj, "state_dict") and hasattr(obj, "load_state_dict")
        if not has_state and not (self.save_hook and self.load_hook):
            raise CheckpointError(
                f"{name!r} cannot be in a checkpoint: {type(obj).__qualname__} has "
                "neither state_dict and load_state_dict nor SpeechBrain's hooks"
            )

    def collect(self) -> Any:
        """State to be written; nothing (None) where a hook does the writing.

        Every process calls, so that a state spread over processes can be gathered.
        """
        return None if self.save_hook else self.obj.state_dict()

    def write(self, folder: Path, state: Any) -> None:
        """Write the file. Only the main process calls."""
        if self.save_hook is None:
            write_state(folder / self.file_name, state)
        else:
            with MainProcessContext():  # SpeechBrain's hooks would wait for the others
                self.save_hook(self.obj, folder / self.file_name)

    def read(self, folder: Path) -> Any:
        """State in the file, checked; nothing (None) where a hook does the reading."""
        path = folder / self.file_name
        if not path.exists():
            raise DamagedError(f"{self.file_name} is missing")
        if path.is_file() and path.stat().st_size == 0:
            raise DamagedError(f"{self.file_name} is empty")
        return None if self.load_hook else read_state(path)

    def apply(self, folder: Path, state: Any, *, end_of_epoch: bool) -> None:
        """Give the object what was read."""
        if self.load_hook is None:
            self.obj.load_state_dict(state)
        else:
            self.load_hook(self.obj, folder / self.file_name, end_of_epoch)


def _class_hook(obj: Any, hooks: dict) -> Callable | None:
    """SpeechBrain's hook for the object's class, unless it only moves a state."""
    hook = get_default_hook(obj, hooks)
    return None if hook in STATE_HOOKS else hook


def _unwrapped(obj: Any) -> Any:
    """The module inside DDP and ``torch.compile``; anything else as it is."""
    if isinstance(obj, DistributedDataParallel):
        return _unwrapped(obj.module)
    if isinstance(obj, torch.nn.Module) and "_orig_mod" in obj._modules:
        return _unwrapped(obj._orig_mod)
    return obj


def read_parts(checkpoint: Checkpoint, parts: Sequence[Part]) -> dict[str, Any]:
    """States of all objects by name, read in full and checked.

    Raises
    ------
    DamagedError
        If the files are not those that were written.
    CheckpointError
        If they are, but cannot be read or lack an object of this run.
    """
    folder, sizes = checkpoint.path, checkpoint.meta.get(FILES)
    states = {}
    try:
        check_sizes(folder, sizes or {})
        for part in parts:
            found = (folder / part.file_name).exists()
            if found or not (part.optional or sizes):
                states[part.name] = part.read(folder)
            elif part.optional:
                logger.warning("%s has no %r; it keeps its state", folder, part.name)
            else:
                raise CheckpointError(
                    f"{folder} was saved without {part.name!r}; it has "
                    f"{', '.join(sorted(checkpoint.paramfiles))}. Train with the "
                    "settings it was made with, or into another output folder"
                )
    except OSError as error:
        raise CheckpointError(f"cannot read {folder}: {error}") from error
    return states


def apply_parts(
    checkpoint: Checkpoint, parts: Sequence[Part], states: dict[str, Any]
) -> None:
    """Give every object what was read for it."""
    end_of_epoch = checkpoint.meta.get(END_OF_EPOCH, True)
    for part in parts:
        if part.name not in states:
            continue
        try:
            part.apply(checkpoint.path, states[part.name], end_of_epoch=end_of_epoch)
        except Exception as error:
            raise CheckpointError(
                f"{part.name!r} of {checkpoint.path} does not fit this run: {error}. "
                "Train with the settings it was made with, or into another output "
                "folder"
            ) from error
