"""Batches for the loops of training and evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset

from xlsr_sb.data.dataset import Batch, SpeechDataset
from xlsr_sb.data.sampling import UpdatePlan
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

__all__ = ["Batch", "EvalLoader", "SpeechDataset", "UpdateLoader"]

ROUNDING = 1e-6  # seconds by which a sum of durations may pass its limit


class UpdateLoader:
    """What each optimiser update is computed from, epoch by epoch.

    Parameters
    ----------
    dataset : SpeechDataset
    plan : UpdatePlan
        Of the dataset's utterances.
    num_workers : int
        Processes that load audio; 0 loads in this one. Batches are the same.
    pin_memory : bool
        Whether batches come in page-locked memory, where there is a GPU.
    """

    def __init__(
        self,
        dataset: SpeechDataset,
        plan: UpdatePlan,
        *,
        num_workers: int = 0,
        pin_memory: bool = False,
    ) -> None:
        if len(dataset) != len(plan.durations):
            raise InputError(
                f"the plan is of {len(plan.durations)} utterances and the dataset of "
                f"{len(dataset)}; they must be the same"
            )
        self.dataset = dataset
        self.plan = plan
        self.num_workers = num_workers
        self.pin_memory = pin_memory

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[list[Batch]]:
        """Yield this process's micro-batches of each update, from update ``start`` on.

        Raises
        ------
        InputError
            Naming the utterance that cannot be used.
        """
        updates = self.plan.epoch(epoch)[start:]
        batches = _loaded(
            self.dataset,
            [micro_batch for update in updates for micro_batch in update],
            num_workers=self.num_workers,
            pin_memory=self.pin_memory,
        )
        for update in updates:
            yield [next(batches) for _ in update]

    def updates_per_epoch(self, epoch: int) -> int:
        """Return the number of updates of an epoch."""
        return self.plan.num_updates(epoch)


class EvalLoader:
    """Every utterance once, longest first, shared out over the processes.

    Processes may have different numbers of batches. An utterance longer than
    ``seconds_per_device`` has a batch of its own, one without a readable recording
    (``duration`` 0) has none.

    Parameters
    ----------
    dataset : SpeechDataset
    seconds_per_device : float
        Most speech in one batch.
    rank, world_size : int
        Which of how many processes this one is.
    num_workers : int
        Processes that load audio; 0 loads in this one.
    """

    def __init__(
        self,
        dataset: SpeechDataset,
        *,
        seconds_per_device: float,
        rank: int = 0,
        world_size: int = 1,
        num_workers: int = 0,
    ) -> None:
        batches = _longest_first(dataset.durations, seconds_per_device)
        self.dataset = dataset
        self.batches = batches[rank::world_size]
        self.num_workers = num_workers
        self.rank, self.world_size = rank, world_size

    @property
    def unreadable(self) -> list[Utterance]:
        """Utterances that no batch holds: the part of this process."""
        seconds = self.dataset.durations
        indices = [i for i in range(len(seconds)) if not seconds[i]]
        mine = indices[self.rank :: self.world_size]
        return [self.dataset.utterances[index] for index in mine]

    def __len__(self) -> int:
        """Return the number of batches of this process."""
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of this process."""
        return _loaded(self.dataset, self.batches, num_workers=self.num_workers)


def _longest_first(
    durations: Sequence[float], seconds_per_device: float
) -> list[list[int]]:
    """Group indices into batches of at most so many seconds."""
    batches: list[list[int]] = []
    seconds = 0.0
    readable = [index for index in range(len(durations)) if durations[index] > 0]
    for index in sorted(readable, key=durations.__getitem__, reverse=True):
        seconds += durations[index]
        if not batches or seconds > seconds_per_device + ROUNDING:
            batches.append([])
            seconds = durations[index]
        batches[-1].append(index)
    return batches


def _loaded(
    dataset: SpeechDataset,
    batches: Sequence[Sequence[int]],
    *,
    num_workers: int,
    pin_memory: bool = False,
) -> Iterator[Batch]:
    """Load batches one after another, ahead of time where there are workers."""
    loader = DataLoader(
        _ErrorsAsValues(dataset),
        sampler=batches,
        batch_size=None,
        collate_fn=_unchanged,
        num_workers=num_workers,
        pin_memory=pin_memory and torch.cuda.is_available(),
        # Its own, as it draws a number: a resumed run would be out of step for good.
        generator=torch.Generator(),
    )
    for batch in loader:
        if isinstance(batch, _Failure):
            raise InputError(batch.message)
        yield batch


@dataclass(frozen=True)
class _Failure:
    """An InputError on its way from a worker."""

    message: str


class _ErrorsAsValues(Dataset):
    """A dataset whose InputErrors come without the traceback of a worker."""

    def __init__(self, dataset: SpeechDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, indices: Sequence[int]) -> Batch | _Failure:
        try:
            return self.dataset[indices]
        except InputError as error:
            return _Failure(str(error))


def _unchanged(batch: Batch) -> Batch:
    """Return what the dataset made, in place of torch's conversions."""
    return batch
