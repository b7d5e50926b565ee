"""Batches of speech with targets, as the ``data`` section of a run wants them."""

from collections.abc import Mapping, Sequence

from xlsr_sb.data.batching import EvalLoader, SpeechDataset, UpdateLoader
from xlsr_sb.data.sampling import UpdatePlan


def speech_train_loader(
    dataset: SpeechDataset,
    settings: Mapping,
    *,
    durations: Sequence[float],
    groups: Sequence[str],
    pin_memory: bool,
    plan_of: type[UpdatePlan] = UpdatePlan,
    **draw: int,
) -> UpdateLoader:
    """Batches of a training set, in the order that the sampling wants.

    Parameters
    ----------
    dataset : SpeechDataset
    settings : mapping
        The ``data`` section of the hyperparameters.
    durations : sequence of float
        Of the examples, in seconds.
    groups : sequence of str
        What ``sampling_alpha`` mixes: languages, pairs of them, or other classes.
    pin_memory : bool
    plan_of : type
        ``CropPlan`` where the dataset wants places of crops.
    **draw
        ``seed``, ``rank`` and ``world_size`` of the ``UpdatePlan``.
    """
    plan = plan_of(
        durations,
        languages=groups,
        seconds_per_update=settings["seconds_per_update"],
        seconds_per_device=settings["seconds_per_device"],
        alpha=settings["sampling_alpha"],
        **draw,
    )
    return UpdateLoader(
        dataset, plan, num_workers=settings["num_workers"], pin_memory=pin_memory
    )


def speech_eval_loader(
    dataset: SpeechDataset, settings: Mapping, *, rank: int, world_size: int
) -> EvalLoader:
    """Batches of a set that is scored; each rank has its part.

    Parameters
    ----------
    dataset : SpeechDataset
    settings : mapping
        The ``data`` section of the hyperparameters.
    rank, world_size : int
    """
    return EvalLoader(
        dataset,
        seconds_per_device=settings["seconds_per_device"],
        rank=rank,
        world_size=world_size,
        num_workers=settings["num_workers"],
    )
