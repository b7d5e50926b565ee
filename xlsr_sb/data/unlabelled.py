"""Speech without transcripts, as pretraining learns from it."""

import logging
from collections.abc import Mapping, Sequence

from xlsr_sb.data.batching import EvalLoader, UpdateLoader
from xlsr_sb.data.cropping import CroppedDataset, CropPlan
from xlsr_sb.data.mixture import Mixture
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import RECEPTIVE_FIELD, SAMPLE_RATE
from xlsr_sb.manifest import Utterance, columns_of

logger = logging.getLogger(__name__)


def pretraining_loader(
    utterances: Sequence[Utterance],
    settings: Mapping,
    *,
    seed: int,
    rank: int = 0,
    world_size: int = 1,
    pin_memory: bool = False,
) -> UpdateLoader:
    """Updates of crops, drawn from languages and corpora.

    Parameters
    ----------
    utterances : sequence of Utterance
        Of any number: of a table nothing but its columns is read at the start.
    settings : mapping
        The ``data`` section of the hyperparameters, see
        ``hparams/data/unlabelled.yaml``.
    seed : int
    rank, world_size : int
        Which of how many processes this one is.
    pin_memory : bool
        See ``UpdateLoader``.

    Returns
    -------
    UpdateLoader
        Of batches whose targets [B, 0] are empty. The same updates whatever the number
        of processes; the same crops from any update of any epoch on.

    Raises
    ------
    InputError
        When a setting is out of its range, or no utterance is long enough.

    Example
    -------
    >>> import numpy as np
    >>> import soundfile
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, np.zeros(64_000), 16_000)
    >>> clips = [Utterance("a", path, 4.0), Utterance("b", path, 1.0)]
    >>> settings = {"min_crop_seconds": 2.0, "max_crop_seconds": 3.0}
    >>> settings |= {"corpus_alpha": 0.5, "language_alpha": 0.5, "num_workers": 0}
    >>> settings |= {"seconds_per_update": 6.0, "seconds_per_device": 6.0}
    >>> settings |= {"utterances_per_epoch": 10}
    >>> loader = pretraining_loader(clips, settings, seed=1)
    >>> [[batch], *_] = loader.epoch(0)
    >>> batch.ids, batch.waveforms.shape, batch.targets.shape
    (['a', 'a'], torch.Size([2, 48000]), torch.Size([2, 0]))
    """
    shortest, longest = _crop_seconds(settings)
    mixture = Mixture(
        columns_of(utterances),
        min_seconds=shortest,
        corpus_alpha=settings["corpus_alpha"],
        language_alpha=settings["language_alpha"],
        draws=settings["utterances_per_epoch"],
        seed=seed,
    )
    if mixture.draws < world_size:
        raise InputError(
            f"{mixture.draws} utterances an epoch are too few for {world_size} "
            f"processes; raise utterances_per_epoch"
        )
    if rank == 0:
        _report(mixture, len(utterances), shortest)
    dataset = CroppedDataset(utterances, encode_target=_no_target, max_seconds=longest)
    plan = CropPlan(
        dataset.durations,
        seconds_per_update=settings["seconds_per_update"],
        seconds_per_device=settings["seconds_per_device"],
        seed=seed,
        order=mixture.epoch,
        rank=rank,
        world_size=world_size,
    )
    return UpdateLoader(
        dataset, plan, num_workers=settings["num_workers"], pin_memory=pin_memory
    )


def pretraining_eval_loader(
    utterances: Sequence[Utterance],
    settings: Mapping,
    *,
    rank: int = 0,
    world_size: int = 1,
) -> EvalLoader:
    """Every utterance once, the same each time: of long ones their beginning.

    Parameters
    ----------
    utterances : sequence of Utterance
        Cut to their first ``max_crop_seconds``. Those that are shorter than
        ``min_crop_seconds`` are kept, as nothing depends on them but the score; only
        those too short for one frame (400 samples) are left out.
    settings : mapping
        As for ``pretraining_loader``.
    rank, world_size : int
        Which of how many processes this one is.

    Raises
    ------
    InputError
        When no utterance is long enough.
    """
    _, longest = _crop_seconds(settings)
    kept = [
        one
        for one in utterances
        if round(one.duration * SAMPLE_RATE) >= RECEPTIVE_FIELD
    ]
    if not kept:
        raise InputError(
            f"none of {len(utterances)} utterances to be scored has "
            f"{RECEPTIVE_FIELD} samples, the least that gives a frame"
        )
    dataset = CroppedDataset(kept, encode_target=_no_target, max_seconds=longest)
    return EvalLoader(
        dataset,
        seconds_per_device=settings["seconds_per_device"],
        rank=rank,
        world_size=world_size,
        num_workers=settings["num_workers"],
    )


def _no_target(utterance: Utterance) -> list[int]:  # noqa: ARG001
    """Return nothing: there is nothing to be told."""
    return []


def _crop_seconds(settings: Mapping) -> tuple[float, float]:
    """Shortest and longest crop, checked."""
    shortest, longest = settings["min_crop_seconds"], settings["max_crop_seconds"]
    if shortest * SAMPLE_RATE < RECEPTIVE_FIELD:
        raise InputError(
            f"min_crop_seconds is {shortest}; it must be at least "
            f"{RECEPTIVE_FIELD / SAMPLE_RATE}, which gives one frame"
        )
    device = settings["seconds_per_device"]
    if not shortest <= longest <= device:
        raise InputError(
            f"max_crop_seconds is {longest}; it must be at least min_crop_seconds, "
            f"{shortest}, and at most seconds_per_device, {device}"
        )
    return shortest, longest


def _report(mixture: Mixture, num_utterances: int, shortest: float) -> None:
    """Say what is drawn from, and what is not."""
    if mixture.num_dropped:
        logger.warning(
            "%d of %d utterances (%.2f h) are shorter than min_crop_seconds, %s s, and "
            "left out",
            mixture.num_dropped,
            num_utterances,
            mixture.seconds_dropped / 3600,
            shortest,
        )
    logger.info(
        "an epoch is %d draws from %d languages of %d corpora, %.1f h:\n%s",
        mixture.draws,
        len({group.language for group in mixture.groups}),
        len({group.corpus for group in mixture.groups}),
        sum(group.seconds for group in mixture.groups) / 3600,
        mixture.table(),
    )
