"""Speech without transcripts, as pretraining takes it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlsr_sb.data.audio import load_audio
from xlsr_sb.data.batching import EvalLoader, UpdateLoader
from xlsr_sb.data.cropping import crop
from xlsr_sb.data.unlabelled import pretraining_eval_loader, pretraining_loader
from xlsr_sb.errors import InputError
from xlsr_sb.heads.units import AcousticUnits
from xlsr_sb.lengths import RECEPTIVE_FIELD, SAMPLE_RATE
from xlsr_sb.manifest import Utterance, columns_of
from xlsr_sb.training import distributed

logger = logging.getLogger(__name__)
UNITS = "units.json"
CLUSTERED_SECONDS = 3600.0  # speech that units are made from
Splits = Mapping[str, Sequence[Utterance]]


@dataclass(frozen=True)
class Unlabelled:
    """The splits, and the acoustic units of their frames if there are any.

    Parameters
    ----------
    splits : dict of str to list of Utterance
    units : AcousticUnits or None
    """

    splits: Splits
    units: AcousticUnits | None

    @property
    def num_classes(self) -> int:
        """Acoustic units; 0 for none."""
        return len(self.units.centroids) if self.units else 0

    @classmethod
    def of(cls, splits: Splits, settings: Mapping, folder: Path) -> "Unlabelled":
        """Cluster frames of the training set, or read the units of the run.

        Parameters
        ----------
        splits : dict of str to list of Utterance
        settings : mapping
            The ``data`` section of the hyperparameters.
        folder : Path
            Of the run; the units are kept there.

        Raises
        ------
        InputError
            If their number cannot be, or there is too little speech for them.
        """
        number = settings["num_units"]
        if type(number) is not int or number < 0:
            raise InputError(
                f"data: num_units is {number!r}; it must be a whole number of at least "
                "0, which stands for none"
            )
        if not number:
            return cls(splits, None)
        path = folder / UNITS
        distributed.on_main(lambda: _make_units(path, splits["train"], settings))
        return cls(splits, AcousticUnits.load(path))

    def train_loader(self, settings: Mapping, **options) -> UpdateLoader:
        """Crops for training, in the order that the sampling wants."""
        return pretraining_loader(self.splits["train"], settings, **options)

    def eval_loader(self, split: str, settings: Mapping, **options) -> EvalLoader:
        """Every utterance of a set once."""
        return pretraining_eval_loader(self.splits[split], settings, **options)


def _make_units(path: Path, train: Sequence[Utterance], settings: Mapping) -> None:
    """Write units of a random sample of the training set, unless a run did before.

    Of whole utterances; where all are longer than a crop, of their middles.
    """
    if path.exists():
        return
    longest, durations = settings["max_crop_seconds"], columns_of(train).durations
    is_usable = durations >= RECEPTIVE_FIELD / SAMPLE_RATE
    if not is_usable.any():
        raise InputError(
            f"none of {len(train)} training utterances has {RECEPTIVE_FIELD} samples, "
            "the least that gives a frame"
        )
    if (is_usable & (durations <= longest)).any():
        is_usable &= durations <= longest
    waveforms, seconds = [], 0.0
    for index in np.random.default_rng(0).permutation(len(train)):
        if seconds >= CLUSTERED_SECONDS:
            break
        if is_usable[index]:
            one = crop(train[int(index)], 0.5, max_seconds=longest)
            waveforms.append(load_audio(one.wav, start=one.start, stop=one.stop))
            seconds += one.duration
    number = settings["num_units"]
    logger.info("clustering %.0f s of speech into %d units", seconds, number)
    AcousticUnits.fit(waveforms, num_units=number, seed=0).save(path)
