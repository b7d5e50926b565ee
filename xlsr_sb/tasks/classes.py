"""Languages or speakers as a classifier learns and tells them."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xlsr_sb.data.batching import EvalLoader, UpdateLoader
from xlsr_sb.data.class_columns import ClassifiedSpeech, class_of
from xlsr_sb.data.classified import LearntCrops, ScoredCrops, check_crops
from xlsr_sb.data.cropping import CropPlan
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import RECEPTIVE_FIELD, SAMPLE_RATE
from xlsr_sb.manifest import Utterance
from xlsr_sb.tasks.loaders import speech_eval_loader, speech_train_loader

logger = logging.getLogger(__name__)
Splits = Mapping[str, Sequence[Utterance]]
TRAIN, DEV = "train", "dev"
UNKNOWN = -1  # target of a clip whose class was not learnt
SHORTEST = RECEPTIVE_FIELD / SAMPLE_RATE  # seconds that give a frame


@dataclass(frozen=True)
class Classes:
    """The splits with their classes, and the classes that are learnt.

    Parameters
    ----------
    kind : str
        ``language`` or ``speaker``.
    names : tuple of str
        Classes of the training set, in the order of the logits.
    splits : dict of str to ClassifiedSpeech
    scoring : mapping
        That section of the hyperparameters.
    augment : callable or None
        See ``LearntCrops``.
    trials : mapping or None
        That section, where clips are compared.
    """

    kind: str
    names: tuple[str, ...]
    splits: dict[str, ClassifiedSpeech]
    scoring: Mapping
    augment: Callable | None = None
    trials: Mapping | None = None

    @property
    def num_classes(self) -> int:
        """Classes that are learnt."""
        return len(self.names)

    def encode(self, utterance: Utterance) -> list[int]:
        """Place of an utterance's class; -1 if it was not learnt."""
        name = class_of(utterance, self.kind)
        return [self._places.get(name, UNKNOWN)]

    def __post_init__(self) -> None:
        """Number the classes."""
        places = {name: place for place, name in enumerate(self.names)}
        object.__setattr__(self, "_places", places)

    def train_loader(self, settings: Mapping, **how) -> UpdateLoader:
        """Random crops of the training set, in the order that the sampling wants."""
        speech = self.splits[TRAIN]
        dataset = LearntCrops(
            speech,
            encode_target=self.encode,
            max_seconds=settings["max_crop_seconds"],
            augment=self.augment,
        )
        return speech_train_loader(
            dataset,
            settings,
            durations=dataset.durations,
            groups=speech.classes,
            plan_of=CropPlan,
            **how,
        )

    def eval_loader(self, split: str, settings: Mapping, **how) -> EvalLoader:
        """Crops of a set that is scored; of the dev set one each, as it often is."""
        crops = self.scoring["crops"]
        return self.crops_of(
            self.splits[split],
            settings,
            crops=1 if crops and split == DEV else crops,
            **how,
        )

    def crops_of(
        self, speech: Sequence[Utterance], settings: Mapping, *, crops, **how
    ) -> EvalLoader:
        """Crops of any utterances, as they are scored."""
        dataset = ScoredCrops(
            [_heard(one) for one in speech],
            encode_target=self.encode,
            crops=crops,
            crop_seconds=self.scoring["crop_seconds"],
        )
        return speech_eval_loader(dataset, settings, **how)

    @classmethod
    def of(cls, splits: Splits, hparams: Mapping) -> "Classes":
        """Take the classes of the training set.

        Parameters
        ----------
        splits : dict of str to sequence of Utterance
            ``train`` is filtered by length; the others stay whole.
        hparams : mapping
            With the sections ``data``, ``scoring`` and ``augment``, perhaps ``trials``.

        Raises
        ------
        InputError
            If a setting is out of its range, a clip has no class, or there are fewer
            than two classes to learn.
        """
        settings, scoring = hparams["data"], hparams["scoring"]
        check_crops(settings, scoring)
        kind = settings["classes"]
        speech = {name: ClassifiedSpeech(part, kind) for name, part in splits.items()}
        for name, part in speech.items():
            _check_classes(name, part, kind)
        shortest = settings["min_utterance_seconds"]
        speech[TRAIN] = _learnable(speech[TRAIN], shortest)
        names = tuple(speech[TRAIN].occurring)
        if len(names) < 2:
            raise InputError(
                f"the training set has {len(names)} {kind} ({', '.join(names)}); two "
                "are needed to tell them apart"
            )
        trials, augment = hparams.get("trials"), hparams["augment"]["module"]()
        classes = cls(kind, names, speech, scoring, augment, trials)
        for name, part in speech.items():
            if trials is None or name != trials["split"]:
                classes._report_unknown(name, part)
        return classes

    def _report_unknown(self, name: str, speech: ClassifiedSpeech) -> None:
        """Count the clips whose class cannot be answered."""
        counts = Counter(one for one in speech.classes if one not in self._places)
        if counts:
            shown = ", ".join(f"{c!r} {n}" for c, n in counts.most_common(10))
            logger.warning(
                "%s: %d clips are of classes that the training set has not, and count "
                "as errors: %s",
                name,
                counts.total(),
                shown,
            )


def _heard(utterance: Utterance) -> Utterance:
    """The utterance; as one that cannot be read if it is too short for a frame."""
    if utterance.duration < SHORTEST:
        return replace(utterance, duration=0.0)
    return utterance


def _check_classes(name: str, speech: ClassifiedSpeech, kind: str) -> None:
    """Raise if a split is empty, or a clip has no class."""
    if not len(speech):
        raise InputError(f"{name} has no utterance; look at how the corpus is prepared")
    missing = np.flatnonzero(
        np.array([one == "" for one in speech.names])[speech.codes]
    )
    if len(missing):
        column = "language" if kind == "language" else "spk_id"
        raise InputError(
            f"{name}: {len(missing)} of {len(speech)} utterances have no {kind}, the "
            f"first is {speech[missing[0]].id!r}; fill the column {column} of the "
            "manifest, or leave them out"
        )


def _learnable(speech: ClassifiedSpeech, shortest: float) -> ClassifiedSpeech:
    """Training utterances that are long enough; counts those and classes it loses."""
    before = speech.occurring
    kept = speech.among(speech.durations >= shortest)
    if dropped := len(speech) - len(kept):
        logger.warning(
            "%d training utterances shorter than %s s are left out", dropped, shortest
        )
    if lost := sorted(set(before) - set(kept.occurring)):
        logger.warning(
            "no training utterance is left of %d classes: %s", len(lost), lost[:10]
        )
    return kept
