"""Pieces of long recordings, each of the longest length that is learnt from."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from xlsr_sb.data.audio import MP3_SLACK, opened
from xlsr_sb.data.dataset import SpeechDataset, naming
from xlsr_sb.data.ordering import crop_places
from xlsr_sb.data.sampling import TICKS, UpdatePlan
from xlsr_sb.manifest import Utterance


def crop(utterance: Utterance, place: float, *, max_seconds: float) -> Utterance:
    """Part of an utterance that is no longer than allowed; a shorter one is whole.

    Parameters
    ----------
    utterance : Utterance
    place : float
        From 0 (the earliest part) to below 1 (nearly 1: the latest).
    max_seconds : float

    Returns
    -------
    Utterance
        With a segment in whole samples at the file's own rate, whose header is read.

    Raises
    ------
    InputError
        When the file cannot be read.

    Example
    -------
    >>> import soundfile
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, np.zeros(44_100 * 9), 44_100)
    >>> part = crop(Utterance("a", path, 9.0), 0.5, max_seconds=2.0)
    >>> part.start, part.stop, part.duration
    (154350, 242550, 2.0)
    """
    limit = round(max_seconds * TICKS)
    if round(utterance.duration * TICKS) <= limit:
        return utterance
    with opened(utterance.wav) as file:
        rate, end = file.samplerate, file.frames
        if file.format == "MP3":  # its length may be an estimate
            end = int(end * (1 - MP3_SLACK))
    first = utterance.start or 0
    if utterance.stop is not None:
        end = utterance.stop
    length = limit * rate // TICKS
    spare = end - first - length
    if spare <= 0:
        return utterance
    start = first + int(place * (spare + 1))
    return replace(utterance, start=start, stop=start + length, duration=length / rate)


class CropPlan(UpdatePlan):
    """A plan whose utterances come with the places of their crops.

    A micro-batch holds pairs of an index and a place from 0 to below 1, which depends
    on the seed, the epoch and the place in the epoch alone.

    Example
    -------
    >>> plan = CropPlan([2.0] * 3, seconds_per_update=2, seconds_per_device=2, seed=1)
    >>> [[(index, place)]] = plan.epoch(0)[0]
    >>> index, round(place, 2)
    (2, 0.98)
    """

    def _requests(self, order: np.ndarray, epoch: int) -> list[tuple[int, float]]:
        """Index and place of the crop, by place of the epoch."""
        places = crop_places(len(order), seed=self.seed, epoch=epoch)
        return list(zip(order.tolist(), places.tolist(), strict=True))


class CroppedDataset(SpeechDataset):
    """Batches of utterances cut to a longest length.

    Asked for an index and a place, as ``CropPlan`` gives them, it cuts a longer
    recording there; asked for an index alone, it gives its beginning.

    Parameters
    ----------
    utterances : sequence of Utterance
    encode_target : callable
    max_seconds : float
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        *,
        encode_target: Callable[[Utterance], Sequence[int]],
        max_seconds: float,
    ) -> None:
        super().__init__(utterances, encode_target=encode_target)
        self.max_seconds = max_seconds

    @property
    def durations(self) -> np.ndarray:
        """Length of each utterance in seconds, as it is loaded."""
        return np.minimum(super().durations, self.max_seconds)

    def _segment(self, index: int | tuple[int, float]) -> Utterance:
        """Return the utterance as it is loaded."""
        number, place = index if isinstance(index, tuple) else (index, 0.0)
        utterance = super()._segment(number)
        with naming(utterance):
            return crop(utterance, place, max_seconds=self.max_seconds)
