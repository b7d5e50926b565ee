"""Saving a run, and bringing it back after a kill."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speechbrain.utils.checkpoints import Checkpoint

from xlsr_sb.errors import InputError
from xlsr_sb.training.checkpoint_files import (
    BOOKKEEPING,
    CheckpointError,
    delete_all,
)
from xlsr_sb.training.distributed import on_main
from xlsr_sb.training.safe_checkpointer import SafeCheckpointer

__all__ = ["AtomicCheckpointer", "CheckpointError"]

MODES = ("min", "max")


class AtomicCheckpointer(SafeCheckpointer):
    """Saves a run so that it can be killed at any instant, and brings it back.

    The folders are SpeechBrain's, and its Checkpointer reads them. What differs:

    - a checkpoint is written beside its place, flushed to the disk and renamed, so
      it is there complete or not at all;
    - a damaged one is renamed and the one before it is used; nothing is given to an
      object before all files were read;
    - no file can run code when it is loaded;
    - what could be saved but not loaded again is refused when it is saved.

    With several processes all of them make the same calls. The main process writes,
    every process reads, and an error on the main process is raised on all. An object
    whose state is spread over processes gathers it in its ``state_dict``.

    Example
    -------
    >>> import tempfile, torch
    >>> head = torch.nn.Linear(2, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpointer = AtomicCheckpointer(folder, {"head": head})
    ...     path = checkpointer.save({"update": 100, "CER": 0.5})
    ...     meta = AtomicCheckpointer(folder, {"head": head}).recover()
    >>> path.name[:5], meta
    ('CKPT+', {'update': 100, 'CER': 0.5})
    """

    def save(
        self,
        meta: Mapping[str, bool | int | float | str],
        *,
        num_recent: int = 1,
        best: Mapping[str, str] | None = None,
    ) -> Path:
        """Folder of a new checkpoint; older ones are deleted once it is on the disk.

        Parameters
        ----------
        meta : mapping
            What ``recover`` returns: plain values, such as the update and scores.
        num_recent : int
            How many of the newest to keep, this one included. With 1 there is nothing
            to fall back on if the disk damages it.
        best : mapping of "key" and "mode", or None
            Also keep the one whose meta has the lowest ("min") or highest ("max") value
            of a key; of equals, the newest.
        """
        if num_recent < 1:
            raise InputError(f"num_recent must be at least 1, got {num_recent!r}")
        order = None if best is None else _order(**best)
        path = self.save_checkpoint(meta, end_of_epoch=False).path
        on_main(lambda: self._keep(num_recent, order))
        return path

    def recover(self) -> dict[str, Any] | None:
        """Load the newest checkpoint that is whole.

        Returns
        -------
        dict or None
            Its meta; None where there is none and the run starts from the beginning.
        """
        checkpoint = self.recover_if_possible()
        return None if checkpoint is None else _own_meta(checkpoint)

    def recover_best(self, key: str, mode: str) -> dict[str, Any]:
        """Load the checkpoint with the lowest ("min") or highest ("max") meta ``key``.

        Returns
        -------
        dict
            Its meta.
        """
        checkpoint = self.recover_if_possible(**_order(key, mode))
        if checkpoint is None:
            known = {name for c in self.list_checkpoints() for name in _own_meta(c)}
            raise CheckpointError(
                f"no checkpoint in {self.checkpoints_dir} has a number for {key!r}; "
                f"they have {', '.join(sorted(known)) or 'no keys'}"
            )
        return _own_meta(checkpoint)

    def _keep(self, num_recent: int, order: dict | None) -> None:
        """Delete all but the newest and the best."""
        newest_first = self.find_checkpoints()
        kept = newest_first[:num_recent]
        if order is not None:
            kept += self.find_checkpoints(**order, max_num_checkpoints=1)
        surplus = set(newest_first) - set(kept)
        delete_all((ckpt.path for ckpt in surplus), verbosity=logging.DEBUG)


def _order(key: str, mode: str) -> dict[str, Any]:
    """SpeechBrain's arguments for "the best first"; a score that is NaN is never it."""
    if mode not in MODES:
        raise InputError(f"mode must be one of {MODES}, got {mode!r}")

    def scored(checkpoint: Checkpoint) -> bool:
        value = checkpoint.meta.get(key)
        return isinstance(value, int | float) and math.isfinite(value)

    return {f"{mode}_key": key, "ckpt_predicate": scored}


def _own_meta(checkpoint: Checkpoint) -> dict[str, Any]:
    """What was given to ``save``."""
    meta = checkpoint.meta
    return {key: value for key, value in meta.items() if key not in BOOKKEEPING}
