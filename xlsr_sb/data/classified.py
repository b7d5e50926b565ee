"""Speech of known classes: random crops to learn from, set crops to be scored."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from torch import Tensor

from xlsr_sb.data.class_columns import ClassifiedSpeech
from xlsr_sb.data.cropping import CroppedDataset, crop
from xlsr_sb.data.dataset import SpeechDataset, naming
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import RECEPTIVE_FIELD, SAMPLE_RATE
from xlsr_sb.manifest import Utterance

Augment = Callable[[Tensor, int], Tensor]  # a waveform [T] and a seed: another [T']
SEEDS = 2**52  # a place between 0 and 1 holds so many bits


class LearntCrops(CroppedDataset):
    """Crops of utterances, each changed at random if that is wanted.

    Asked for an index and a place, as ``CropPlan`` gives them, it cuts there and draws
    what is changed from the place alone: whoever loads the crop, it is the same.

    Parameters
    ----------
    utterances, encode_target, max_seconds
        As for ``CroppedDataset``.
    augment : callable, optional
        From a waveform [T] and a seed to another; what becomes longer than
        ``max_seconds`` is cut.

    Example
    -------
    >>> import numpy as np
    >>> import soundfile
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, np.ones(32_000) / 2, 16_000)
    >>> clips = [Utterance("a", path, 2.0)]
    >>> crops = LearntCrops(clips, encode_target=lambda one: [3], max_seconds=1.5,
    ...                     augment=lambda waveform, seed: waveform * 0)
    >>> batch = crops[[(0, 0.7)]]
    >>> batch.waveforms.shape, batch.waveforms.sum().item(), batch.targets.tolist()
    (torch.Size([1, 24000]), 0.0, [[3]])
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        *,
        encode_target: Callable[[Utterance], Sequence[int]],
        max_seconds: float,
        augment: Augment | None = None,
    ) -> None:
        super().__init__(
            utterances, encode_target=encode_target, max_seconds=max_seconds
        )
        self.augment = augment

    @property
    def durations(self) -> np.ndarray:
        """Most that each crop can have in seconds, when it is changed."""
        is_known = isinstance(self.utterances, ClassifiedSpeech)  # it may be on disk
        seconds = self.utterances.durations if is_known else super().durations
        growth = getattr(self.augment, "max_growth", 1.0)
        return np.minimum(seconds * growth, self.max_seconds)

    def _example(self, request, utterance: Utterance) -> tuple[Tensor, Tensor]:
        """Waveform [T] and target [1] of a crop."""
        waveform, target = super()._example(request, utterance)
        if self.augment is not None:
            with naming(utterance):
                waveform = self.augment(waveform, int(request[1] * SEEDS))
            waveform = waveform[: round(self.max_seconds * SAMPLE_RATE)]
        return waveform, target


class ScoredCrops(SpeechDataset):
    """The crops by which utterances are scored: the same ones whenever they are.

    Parameters
    ----------
    utterances : sequence of Utterance
    encode_target : callable
    crops : int or None
        Of each utterance that is longer than one; None takes each whole.
    crop_seconds : float

    Example
    -------
    >>> clips = [Utterance("a", "a.wav", 25.0), Utterance("b", "b.wav", 4.0)]
    >>> options = {"encode_target": lambda one: [0], "crop_seconds": 10.0}
    >>> crops = ScoredCrops(clips, crops=3, **options)
    >>> [one.id for one in crops.utterances], crops.durations
    (['a', 'a', 'a', 'b'], [10.0, 10.0, 10.0, 4.0])
    >>> ScoredCrops(clips, crops=None, **options).durations
    [25.0, 4.0]
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        *,
        encode_target: Callable[[Utterance], Sequence[int]],
        crops: int | None,
        crop_seconds: float,
    ) -> None:
        self.max_seconds = float("inf") if crops is None else crop_seconds
        self.places, parts = [], []
        for one in utterances:
            number = crops if one.duration > self.max_seconds else 1
            parts += [one] * number
            self.places += [place_of(one.id, part) for part in range(number)]
        super().__init__(parts, encode_target=encode_target)

    @property
    def durations(self) -> list[float]:
        """Length of each crop in seconds."""
        return [min(one.duration, self.max_seconds) for one in self.utterances]

    def _segment(self, index: int) -> Utterance:
        """Return the utterance as it is loaded."""
        utterance = self.utterances[index]
        if utterance.duration <= self.max_seconds:
            return utterance
        with naming(utterance):
            return crop(utterance, self.places[index], max_seconds=self.max_seconds)


def place_of(name: str, part: int) -> float:
    """Where a crop of a recording lies, from 0 to below 1: drawn by the name.

    Example
    -------
    >>> [round(place_of("a", part), 3) for part in range(3)]
    [0.058, 0.169, 0.845]
    """
    drawn = hashlib.sha256(f"{name}:{part}".encode()).digest()
    return int.from_bytes(drawn[:6], "big") / 2**48


def check_crops(settings: Mapping, scoring: Mapping) -> None:
    """Raise if a length or a number of crops cannot be.

    Example
    -------
    >>> lengths = {"min_utterance_seconds": 0.01, "max_crop_seconds": 3.0}
    >>> check_crops(lengths, {"crops": None, "crop_seconds": 10.0})
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: data: min_utterance_seconds is 0.01; it must be at \
least 0.025, which gives one frame
    """
    least = RECEPTIVE_FIELD / SAMPLE_RATE
    shortest, longest = settings["min_utterance_seconds"], settings["max_crop_seconds"]
    if not shortest >= least:
        raise InputError(
            f"data: min_utterance_seconds is {shortest}; it must be at least {least}, "
            "which gives one frame"
        )
    device = settings["seconds_per_device"]
    if not shortest <= longest <= device:
        raise InputError(
            f"data: max_crop_seconds is {longest}; it must be at least "
            f"min_utterance_seconds, {shortest}, and at most seconds_per_device, "
            f"{device}"
        )
    crops, seconds = scoring["crops"], scoring["crop_seconds"]
    if crops is not None and (type(crops) is not int or crops < 1):
        raise InputError(
            f"scoring: crops is {crops!r}; it must be a whole number of at least 1, or "
            "null for whole clips"
        )
    if not seconds >= least:
        raise InputError(
            f"scoring: crop_seconds is {seconds}; it must be at least {least}, which "
            "gives one frame"
        )
    _check_counting(scoring)


def _check_counting(scoring: Mapping) -> None:
    """Raise if there is no such number of answers, or no such ranges of durations."""
    top, edges = scoring.get("top", 1), scoring.get("duration_edges") or []
    if type(top) is not int or top < 1:
        raise InputError(
            f"scoring: top is {top!r}; it must be a whole number of at least 1"
        )
    is_number = [type(one) in (int, float) for one in edges]
    if not all(is_number) or any(b <= a for a, b in pairwise([0, *edges])):
        raise InputError(
            f"scoring: duration_edges is {edges}; it must be seconds that rise, as "
            "[5, 20], or null"
        )
