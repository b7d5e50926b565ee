"""SpeechBrain's Checkpointer, made safe against kills, full disks and damaged files."""

import logging
import math
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from speechbrain.utils.checkpoints import (
    CKPT_PREFIX,
    Checkpoint,
    Checkpointer,
    ckpt_recency,
)

from xlsr_sb.training.checkpoint_files import (
    END_OF_EPOCH,
    TIME,
    CheckpointError,
    DamagedError,
    check_meta,
    delete_all,
    delete_leftovers,
    read_checkpoint,
    set_aside,
    write_folder,
)
from xlsr_sb.training.checkpoint_parts import Part, apply_parts, read_parts
from xlsr_sb.training.checkpoint_states import check_loadable, num_bytes
from xlsr_sb.training.distributed import is_main, on_main, rank

logger = logging.getLogger(__name__)


class SafeCheckpointer(Checkpointer):
    """SpeechBrain's calls, with nothing lost whatever happens during one.

    Parameters
    ----------
    checkpoints_dir : str or Path
    *args, **kwargs
        As in SpeechBrain. A recoverable may also be any object with ``state_dict`` and
        ``load_state_dict``. Saving hooks run on the main process only.
    """

    def __init__(self, checkpoints_dir, *args, **kwargs) -> None:
        try:
            super().__init__(checkpoints_dir, *args, **kwargs)
        except OSError as error:
            raise CheckpointError(
                f"cannot keep checkpoints in {checkpoints_dir}: {error.strerror}; "
                "choose an output folder that can be written"
            ) from error

    def save_checkpoint(
        self, meta=None, end_of_epoch=True, name=None, verbosity=logging.INFO
    ) -> Checkpoint:
        """Save atomically; every process gets the new checkpoint."""
        meta, parts = dict(meta or {}), self._parts()
        states = {part.name: part.collect() for part in parts}

        def write() -> Checkpoint:
            check_meta(meta)
            for part in parts:
                check_loadable(part.name, states[part.name])
            target = self._new_checkpoint_dirpath()
            if name is not None:
                target = self._custom_checkpoint_dirpath(name)
            lines = {**meta, END_OF_EPOCH: bool(end_of_epoch), TIME: self._now()}
            self._write(target, parts, states, lines)
            logger.log(verbosity, "saved %s", target)
            return read_checkpoint(target)

        return on_main(write)

    def save_and_keep_only(self, *args, importance_keys=(), **kwargs) -> None:
        """Save, then delete; what earlier calls asked for has no influence."""
        keys = list(importance_keys)
        super().save_and_keep_only(*args, importance_keys=keys, **kwargs)

    def delete_checkpoints(
        self,
        *,
        num_to_keep=1,
        min_keys=None,
        max_keys=None,
        importance_keys=(ckpt_recency,),
        ckpt_predicate=None,
        verbosity=logging.INFO,
    ) -> None:
        """Delete all but the first of every order."""
        orders = [{"min_key": key} for key in min_keys or ()]
        orders += [{"max_key": key} for key in max_keys or ()]
        orders += [{"importance_key": key} for key in importance_keys]

        def delete() -> None:
            known, kept = set(), set()
            for order in orders:
                found = self.find_checkpoints(**order, ckpt_predicate=ckpt_predicate)
                known.update(found)
                kept.update(found[:num_to_keep])
            delete_all((ckpt.path for ckpt in known - kept), verbosity=verbosity)

        on_main(delete)

    def list_checkpoints(self) -> list[Checkpoint]:
        """List all checkpoints whose CKPT.yaml can be read."""
        found = []
        if not self.checkpoints_dir.is_dir():
            return found
        for folder in self._list_checkpoint_dirs():
            with suppress(DamagedError):
                found.append(read_checkpoint(folder))
        return found

    def recover_if_possible(
        self, importance_key=None, max_key=None, min_key=None, ckpt_predicate=None
    ) -> Checkpoint | None:
        """Load the first that is whole; damaged ones before it are put aside.

        Without an order, as at the start of a run, what a killed process left behind
        is removed as well.
        """
        order = {"importance_key": importance_key, "max_key": max_key}
        order |= {"min_key": min_key, "ckpt_predicate": ckpt_predicate}
        parts, states = self._parts(), {}

        def pick() -> Checkpoint | None:
            if not any(order.values()):
                self._tidy()
            for checkpoint in self.find_checkpoints(**order):
                with _putting_aside(checkpoint.path):
                    states.update(read_parts(checkpoint, parts))
                    return checkpoint
            return None

        checkpoint = on_main(pick)
        if checkpoint is not None:
            states = states if is_main() else _read(checkpoint, parts)
            apply_parts(checkpoint, parts, states)
        return checkpoint

    def load_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Load this one; all files are read before any object is changed."""
        parts = self._parts()
        apply_parts(checkpoint, parts, _read(checkpoint, parts))

    def _parts(self) -> list[Part]:
        """All recoverables with their hooks, in the order they were added."""
        return [
            Part(
                name,
                obj,
                save_hook=self.custom_save_hooks.get(name),
                load_hook=self.custom_load_hooks.get(name),
                optional=self.allow_partial_load
                or self.optional_recoverables.get(name, False),
            )
            for name, obj in self.recoverables.items()
        ]

    def _now(self) -> float:
        """Seconds since 1970, later than all checkpoints even if a clock went back."""
        times = [checkpoint.meta[TIME] for checkpoint in self.list_checkpoints()]
        return max(time.time(), *(math.nextafter(t, math.inf) for t in [0.0, *times]))

    def _write(
        self, target: Path, parts: list[Part], states: dict[str, Any], meta: Mapping
    ) -> None:
        """Write a folder, or raise and leave everything as it was."""

        def fill(folder: Path) -> None:
            for part in parts:
                part.write(folder, states[part.name])

        try:
            write_folder(target, fill=fill, meta=meta)
        except (OSError, RuntimeError) as error:
            # PyTorch raises its own error over that of the disk.
            cause = error.__context__ if isinstance(error, RuntimeError) else error
            if not isinstance(cause, OSError):
                raise
            raise CheckpointError(self._failure(cause, states)) from error

    def _failure(self, cause: OSError, states: dict[str, Any]) -> str:
        """What to tell of a save that failed."""
        free, good = 0, None
        with suppress(OSError):
            free = shutil.disk_usage(self.checkpoints_dir).free
            good = self.find_checkpoint()
        resume = "there is no earlier one, so it starts from the beginning"
        if good is not None:
            resume = f"it resumes from {good.path.name}, the last good one"
        return (
            f"cannot save a checkpoint in {self.checkpoints_dir}: {cause.strerror} "
            f"({_megabytes(num_bytes(states))} needed, {_megabytes(free)} free). "
            "Older checkpoints are untouched. Make room or mend the disk, and start "
            f"the run again with the same command: {resume}."
        )

    def _tidy(self) -> None:
        """Remove what a kill left, and put aside folders without a usable CKPT.yaml."""
        delete_leftovers(self.checkpoints_dir)
        folders = self.checkpoints_dir.glob(f"{CKPT_PREFIX}*")
        for folder in sorted(filter(Path.is_dir, folders)):
            with _putting_aside(folder):
                read_checkpoint(folder)


def _megabytes(count: int) -> str:
    """Bytes, for people; a little is never nothing."""
    return f"{math.ceil(count / 1e6):,} MB"


@contextmanager
def _putting_aside(folder: Path) -> Iterator[None]:
    """Rename the checkpoint and say so if it turns out to be damaged."""
    try:
        yield
    except DamagedError as damage:
        logger.warning(
            "checkpoint %s is damaged: %s. It is kept as %s; the one before is used, "
            "if there is one",
            folder,
            damage,
            set_aside(folder).name,
        )


def _read(checkpoint: Checkpoint, parts: list[Part]) -> dict[str, Any]:
    """Read a checkpoint that was chosen, with no other to fall back on."""
    try:
        return read_parts(checkpoint, parts)
    except DamagedError as damage:
        raise CheckpointError(
            f"process {rank()} cannot use {checkpoint.path}: {damage}. All processes "
            "must see the same folder"
        ) from damage
