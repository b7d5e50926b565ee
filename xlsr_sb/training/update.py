"""One update: micro-batches, gradient, clipping, the guard against bad steps."""

import logging
import math
from contextlib import nullcontext

import torch
from speechbrain import Stage
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from xlsr_sb.data.batching import Batch
from xlsr_sb.errors import InputError
from xlsr_sb.training import distributed
from xlsr_sb.training.heap import return_large_blocks
from xlsr_sb.training.randomness import seed_update, shared_seed
from xlsr_sb.training.settings import check_settings

logger = logging.getLogger(__name__)
PREPARING = 1  # stream of random numbers, apart from that of the modules


class TrainingLoss(nn.Module):
    """The whole way from a batch to its loss, as one module that DDP can wrap."""

    def __init__(self, brain):
        super().__init__()
        self.modules_of_brain = brain.modules
        object.__setattr__(self, "brain", brain)  # no submodule: it holds us

    def forward(self, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Summed loss of a batch, and what the task wants to see beside it."""
        brain, stage = self.brain, Stage.TRAIN
        with brain.training_ctx:
            predictions = brain.compute_forward(batch, stage)
            loss = brain.compute_objectives(predictions, batch, stage)
        return loss, brain.observe(predictions, batch)


class Updater:
    """Turns micro-batches into one step of the optimiser.

    - The loss is summed and divided by the count of the whole update, over all
      micro-batches and ranks, so neither number changes the gradient.
    - The gradient of all parameters is clipped together.
    - A loss or gradient that is not finite changes no weight; too many in a row end the
      run with the ids of the utterances.
    - While the encoder is frozen it runs without gradient and in evaluation mode.

    Parameters
    ----------
    brain : UpdateBrain
        Gives modules, settings, precision and progress.
    """

    def __init__(self, brain):
        self.brain, self.optim = brain, brain.optim
        check_settings(self.optim)
        encoder, head = brain.modules["encoder"], brain.modules["head"]
        groups = [
            {"params": _trainable(encoder), "lr": self.optim["encoder_lr"]},
            {"params": _trainable(head), "lr": self.optim["head_lr"]},
        ]
        self.parameters = [p for group in groups for p in group["params"]]
        return_large_blocks(
            num_parameters=sum(p.numel() for p in self.parameters), device=brain.device
        )
        self.optimizer = self.optim["optimizer"](groups)
        self.schedule = self.optim["schedule"](self.optimizer)
        self.num_bad_updates = self.optim["num_bad_updates"]
        self.loss = TrainingLoss(brain)
        self._wrapped: nn.Module | None = None

    @property
    def rate(self) -> float:
        """Learning rate of the head at the last update."""
        return self.optimizer.param_groups[-1]["lr"]

    def step(self, batches: list[Batch]) -> None:
        """Make one update; ``brain.progress`` is moved on by it."""
        brain, progress = self.brain, self.brain.progress
        self._freeze_or_not(progress.update)
        self.schedule.set_update(progress.update)
        seed = shared_seed(brain.hparams.seed, progress.update)
        brain.modules["encoder"].seed_layerdrop(seed)
        sums = self._backward([self._prepared(*one) for one in enumerate(batches)])
        applied = self._apply(sums["loss"])
        progress.update += 1
        self._add(sums, applied)
        if not applied:
            self._report_bad(batches, sums["loss"])

    def _freeze_or_not(self, update: int) -> None:
        """Freeze or free the encoder where the update calls for it."""
        encoder = self.brain.modules["encoder"]
        freeze = update < self.optim["encoder_frozen_updates"]
        if freeze != encoder.is_frozen:
            encoder.freeze() if freeze else encoder.unfreeze()
            logger.info(
                "update %d: encoder %s", update, "frozen" if freeze else "trains"
            )
            self._wrapped = None
        if self._wrapped is None:
            self._wrapped = self._wrap()

    def _wrap(self) -> nn.Module:
        """The loss, in DDP if there are several processes.

        Layers dropped by layerdrop have no gradient, hence ``find_unused_parameters``.
        """
        if distributed.world_size() == 1:
            return self.loss
        return DistributedDataParallel(
            self.loss, find_unused_parameters=True, gradient_as_bucket_view=True
        )

    def _seed(self, number: int, *, stream: int = 0) -> None:
        """Seed what is drawn for a micro-batch of this process."""
        part = number * distributed.world_size() + distributed.rank()
        seed, update = self.brain.hparams.seed, self.brain.progress.update
        seed_update(seed, update, part=part, stream=stream)

    def _prepared(self, number: int, batch: Batch) -> Batch:
        """A micro-batch on the device, with what the task draws for it."""
        self._seed(number, stream=PREPARING)
        return self.brain.prepare(batch.to(self.brain.device, non_blocking=True))

    def _backward(self, batches: list[Batch]) -> dict[str, float]:
        """Gradient of the update; returns sums over all ranks."""
        brain = self.brain
        local = [
            float(sum(map(brain.count, batches))),
            sum(b.num_seconds for b in batches),
        ]
        count, seconds = distributed.sum_over_ranks(local)
        scale = distributed.world_size() / max(1.0, count)  # DDP takes the mean
        totals: dict[str, torch.Tensor] = {}
        for i, batch in enumerate(batches):
            self._seed(i)
            with self._no_sync(i < len(batches) - 1):
                loss, observed = self._wrapped(batch)
                brain.scaler.scale(loss * scale).backward()
            for name, value in {"loss": loss, **observed}.items():
                totals[name] = totals.get(name, 0.0) + value.detach().double()
        names = list(totals)
        values = torch.stack([totals[name] for name in names])
        summed = distributed.sum_over_ranks(values).tolist()
        sums = dict(zip(names, summed, strict=True))
        return {"count": count, "seconds": seconds, **sums}

    def _no_sync(self, wanted: bool):
        """Keep gradients on each rank until the last micro-batch."""
        if wanted and isinstance(self._wrapped, DistributedDataParallel):
            return self._wrapped.no_sync()
        return nullcontext()

    def _apply(self, loss: float) -> bool:
        """Clip and step if everything is finite; returns whether it was."""
        scaler = self.brain.scaler
        scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.parameters, self.optim["max_grad_norm"])
        finite = math.isfinite(norm.item()) and math.isfinite(loss)
        if finite:
            scaler.step(self.optimizer)
        if finite or scaler.is_enabled():
            scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return finite

    def _add(self, sums: dict[str, float], applied: bool) -> None:
        """Put the update into the running sums."""
        progress, running = self.brain.progress, self.brain.progress.running
        progress.audio_seconds += sums["seconds"]
        progress.bad_in_a_row = 0 if applied else progress.bad_in_a_row + 1
        running.updates += 1
        if not applied:
            running.bad_updates += 1
            return
        running.loss += sums["loss"]
        running.count += sums["count"]
        for name in sums.keys() - {"loss", "count", "seconds"}:
            running.extras[name] = running.extras.get(name, 0.0) + sums[name]

    def _report_bad(self, batches: list[Batch], loss: float) -> None:
        """Name the utterances of a bad update; raise if there were too many."""
        progress = self.brain.progress
        mine = [name for batch in batches for name in batch.ids]
        ids = [name for ids in distributed.gather_objects(mine) for name in ids]
        what = "gradient" if math.isfinite(loss) else "loss"
        shown = ", ".join(ids[:20]) + (" ..." if len(ids) > 20 else "")
        if math.isfinite(loss) and self.brain.scaler.is_enabled():
            logger.info("update %d skipped: fp16 overflow", progress.update)
        else:
            logger.warning(
                "update %d skipped, its %s is not finite: %s",
                progress.update,
                what,
                shown,
            )
        if progress.bad_in_a_row >= self.num_bad_updates:
            raise InputError(
                f"{progress.bad_in_a_row} updates in a row had a {what} that is not "
                f"finite; the last one was made of {shown}; look at these recordings "
                "and transcripts, lower the learning rates, or use precision bf16 or "
                "fp32"
            )


def _trainable(module: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]
