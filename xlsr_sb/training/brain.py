"""The update-based training loop on SpeechBrain's Brain.

One update is one step of the optimiser on ``seconds_per_update`` of speech, whatever
number of devices and micro-batches that takes. A task subclasses ``UpdateBrain`` and
says how a batch becomes a loss and how a set is scored.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path

import speechbrain as sb
import torch
from torch import nn
from tqdm import tqdm

from xlsr_sb.data.batching import Batch, EvalLoader, UpdateLoader
from xlsr_sb.errors import InputError
from xlsr_sb.training import distributed
from xlsr_sb.training.checkpointer import AtomicCheckpointer, CheckpointError
from xlsr_sb.training.evaluation import Evaluation
from xlsr_sb.training.interruption import Interruption
from xlsr_sb.training.journal import Journal
from xlsr_sb.training.progress import Progress
from xlsr_sb.training.update import Updater

logger = logging.getLogger(__name__)


class UpdateBrain(sb.Brain, ABC):
    """Trains an encoder and a head by updates, and can be stopped at any instant.

    Parameters
    ----------
    modules : dict of str to Module
        ``encoder`` (an ``XLSR``) and ``head``.
    hparams : dict
        ``seed``, ``output_folder`` and the ``sections`` (see ``hparams/``).
    run_opts : dict
        SpeechBrain's run options.
    checkpointer : AtomicCheckpointer

    Notes
    -----
    Subclasses set ``best_metric`` (the lower the better), may need more ``sections`` of
    the hyperparameters, and define
    ``compute_forward``, ``compute_objectives`` (the *sum* of the loss over the batch,
    in fp32), ``validate`` and ``score``.
    """

    best_metric: str
    sections: tuple[str, ...] = ("optim",)

    def __init__(self, modules, hparams, run_opts, checkpointer: AtomicCheckpointer):
        super().__init__(modules, None, hparams, run_opts, checkpointer)
        self.optim = self.hparams.optim
        self.progress = Progress()
        self.journal = Journal(self.hparams.output_folder)
        self.updater: Updater | None = None
        self._last_save = time.monotonic()

    # What a task defines

    @classmethod
    def build_labels(cls, hparams: Mapping, splits: Mapping, folder: Path):
        """What is learnt of the splits, as the hyperparameters want it."""
        return cls.labels_of(splits, hparams["data"], folder)

    @classmethod
    def build_head(cls, hparams: Mapping, encoder: nn.Module, labels) -> nn.Module:
        """The head, as the hyperparameters want it, on an encoder."""
        return hparams["head"]["module"](encoder.config.dim, labels.num_classes)

    def finish(self, folder: Path) -> None:
        """Write what others use of the best checkpoint; nothing by default."""

    def prepare(self, batch: Batch) -> Batch:
        """The batch with what is drawn for it before any module runs, such as masks.

        It is on the device. ``count`` and ``compute_forward`` are given the result.
        """
        return batch

    def count(self, batch: Batch) -> int:
        """What the loss of a batch is divided by: its sentences, as in the paper."""
        return len(batch)

    def observe(self, predictions, batch: Batch) -> dict[str, torch.Tensor]:
        """Sums to show beside the loss, each a 0-d tensor; none by default."""
        del predictions, batch
        return {}

    @abstractmethod
    def validate(self, loader: Iterable[Batch]) -> dict[str, float]:
        """Scores of a set, ``best_metric`` among them."""

    @abstractmethod
    def score(self, loader: Iterable[Batch]) -> Evaluation:
        """Everything about a test set."""

    # The loop

    def on_fit_start(self) -> None:
        """Build the optimiser, then take everything from the newest checkpoint."""
        self.updater = Updater(self)
        parts = {"optimizer": self.updater.optimizer, "progress": self.progress}
        self.checkpointer.add_recoverables(parts)
        meta = self.checkpointer.recover()
        if meta is not None:
            logger.info("resumed at update %d", self.progress.update)

    def fit(self, train: UpdateLoader, valid: EvalLoader) -> bool:
        """Train until ``num_updates`` is reached.

        Parameters
        ----------
        train : UpdateLoader
            Gives each update of an epoch as a list of micro-batches.
        valid : EvalLoader
            Scored every ``validate_every_updates`` and at the end.

        Returns
        -------
        bool
            False if a signal asked to stop before the end.

        Raises
        ------
        InputError
            If speech cannot be read, or the loss is not finite too often; what was
            trained until then is saved.
        """
        self.on_fit_start()
        self.modules.train()
        self._last_save = time.monotonic()
        with Interruption() as interruption, self._bar() as bar:
            try:
                if self._must_validate():  # it could not be done when it was due
                    self._validate_and_save(valid)
                while self.progress.update < self.optim["num_updates"]:
                    if self._fit_epoch(train, valid, bar, interruption):
                        return False
            except CheckpointError:
                raise  # the one before is there; another would fail as well
            except InputError:
                if distributed.world_size() == 1 and self.progress.update:
                    self.save({})
                raise
        return True

    def _fit_epoch(self, train, valid, bar, interruption) -> bool:
        """Run one epoch from where it stands; returns whether a stop was asked for."""
        progress = self.progress
        last_time = time.monotonic()
        for update in train.epoch(progress.epoch, start=progress.position):
            self.fit_batch(update)
            progress.position += 1
            now = time.monotonic()
            progress.seconds, last_time = progress.seconds + now - last_time, now
            self._show(bar)
            stop, late = self._agree(
                interruption.requested,
                now - self._last_save > 60 * self.optim["checkpoint_every_minutes"],
            )
            if self._must_validate():
                self._validate_and_save(valid)
                last_time = time.monotonic()
            elif stop or late:
                self.save({})
            if progress.update >= self.optim["num_updates"]:
                return False
            if stop:
                return True
        progress.end_epoch()
        return False

    def _must_validate(self) -> bool:
        """Whether the development set is to be scored now, and was not yet."""
        update, history = self.progress.update, self.progress.history
        done = update >= self.optim["num_updates"]
        is_due = done or update % self.optim["validate_every_updates"] == 0
        scored = history[-1]["update"] if history else 0
        return is_due and scored < update

    def fit_batch(self, batch: list[Batch]) -> None:
        """Make one update of micro-batches and add it to the sums."""
        self.updater.step(batch)

    def _agree(self, *wishes: bool) -> list[bool]:
        """Wishes of the main process, the same on all."""
        mine = [float(wish and distributed.is_main()) for wish in wishes]
        return [total > 0 for total in distributed.sum_over_ranks(mine)]

    def _validate_and_save(self, valid: EvalLoader) -> None:
        """Score the development set, write the learning curve, save a checkpoint."""
        with self.evaluating():
            scores = self.validate(valid)
        row = self.journal.row(self.progress, self.updater.rate, scores)
        history = [*self.progress.history, self.summarise(row)]
        distributed.on_main(lambda: self.journal.write(history))
        self.progress.add_row(history[-1])
        self.save({self.best_metric: float(scores[self.best_metric])})

    def summarise(self, row: dict) -> dict:
        """Turn the sums of ``observe`` into what the learning curve shows."""
        return row

    @contextmanager
    def evaluating(self):
        """Evaluation mode and no gradients; training mode again afterwards."""
        self.modules.eval()
        with torch.no_grad():
            yield
        self.modules.train()

    def save(self, scores: dict[str, float]) -> None:
        """Save a checkpoint; the newest two and the best one are kept."""
        meta = {"update": self.progress.update, **scores}
        best = {"key": self.best_metric, "mode": "min"}
        self.checkpointer.save(meta, num_recent=2, best=best)
        self._last_save = time.monotonic()

    def recover_best(self) -> dict:
        """Load the weights with the best score on the development set."""
        reached = self.progress.state_dict()
        meta = self.checkpointer.recover_best(self.best_metric, "min")
        self.progress.load_state_dict(reached)  # the run went on from there
        return meta

    def _bar(self) -> tqdm:
        return tqdm(
            total=self.optim["num_updates"],
            initial=self.progress.update,
            unit="update",
            dynamic_ncols=True,
            disable=self.noprogressbar or not distributed.is_main(),
        )

    def _show(self, bar: tqdm) -> None:
        running = self.progress.running
        loss = running.loss / max(1.0, running.count)
        scores = self.progress.history[-1] if self.progress.history else {}
        best = scores.get(self.best_metric)
        known = {} if best is None else {self.best_metric: f"{best:.3f}"}
        bar.set_postfix(loss=f"{loss:.2f}", **known, refresh=False)
        bar.update()
