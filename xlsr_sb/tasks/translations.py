"""Translations as a translator learns them: of learnable length, as ids of subwords."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlsr_sb.checkpoints.hub import locate
from xlsr_sb.data.batching import EvalLoader, SpeechDataset, UpdateLoader
from xlsr_sb.data.pairs import TranslationPairs, few_of_each
from xlsr_sb.data.subwords import SubwordTokeniser, train_tokeniser
from xlsr_sb.data.targets import TargetEncoder, translation_of, without_long_targets
from xlsr_sb.errors import InputError
from xlsr_sb.tasks.loaders import speech_eval_loader, speech_train_loader
from xlsr_sb.training import distributed

logger = logging.getLogger(__name__)
TOKENISER = "tokeniser"  # folder of a run


@dataclass(frozen=True)
class Translations:
    """The splits as examples, and the tokeniser with the code of each target language.

    Parameters
    ----------
    splits : dict of str to TranslationPairs
    encode : TargetEncoder
    """

    splits: dict[str, TranslationPairs]
    encode: TargetEncoder

    @property
    def tokeniser(self) -> SubwordTokeniser:
        """Cuts texts into subwords."""
        return self.encode.tokeniser

    @property
    def num_classes(self) -> int:
        """Ids of the tokeniser."""
        return self.tokeniser.vocab_size

    def train_loader(self, settings: Mapping, **how) -> UpdateLoader:
        """Batches of the training set, pairs mixed as the sampling wants."""
        examples = self.splits["train"]
        return speech_train_loader(
            SpeechDataset(examples, encode_target=self.encode),
            settings,
            durations=examples.durations,  # what the encoder hears
            groups=examples.pair_names,
            **how,
        )

    def eval_loader(self, split: str, settings: Mapping, **how) -> EvalLoader:
        """Batches of a set that is scored."""
        dataset = SpeechDataset(self.splits[split], encode_target=self.encode)
        return speech_eval_loader(dataset, settings, **how)

    @classmethod
    def of(cls, splits: Mapping, settings: Mapping, folder: Path) -> "Translations":
        """Make the examples and the tokeniser, or read the run's own.

        Parameters
        ----------
        splits : mapping of str to sequence of Utterance
            ``train`` is filtered by length; ``dev`` may be thinned; tests stay whole.
        settings : mapping
            The ``data`` section of the hyperparameters.
        folder : Path
            Of the run; the tokeniser is kept there.
        """
        ready = {name: TranslationPairs.of(part) for name, part in splits.items()}
        ready["train"] = _of_learnable_speech(ready["train"], settings)
        if settings["dev_clips_of_pair"] is not None:
            ready["dev"] = few_of_each(ready["dev"], settings["dev_clips_of_pair"])
        targets = sorted({c for part in ready.values() for c in part.target_languages})
        tokeniser = _tokeniser(folder / TOKENISER, ready["train"], targets, settings)
        encode = TargetEncoder(tokeniser, tokeniser.target_ids(targets))
        longest = settings["max_target_tokens"]
        ready["train"], dropped = without_long_targets(
            ready["train"], encode, max_target_tokens=longest
        )
        if dropped:
            shown = ", ".join(f"{name} {n}" for name, n in dropped.most_common(10))
            logger.warning(
                "%d training translations of more than %d tokens are left out: %s",
                *(dropped.total(), longest, shown),
            )
        return cls(ready, encode)


def _of_learnable_speech(examples: TranslationPairs, settings: Mapping):
    """Training examples whose speech is neither too short nor too long."""
    shortest = settings["min_utterance_seconds"]
    longest = settings["max_utterance_seconds"]
    seconds = examples.durations
    fits = (seconds >= shortest) & (seconds <= longest)
    if not fits.any():
        raise InputError(
            f"no training utterance is from {shortest} to {longest} s long; look "
            "at the manifest and at data.min_utterance_seconds and "
            "data.max_utterance_seconds"
        )
    if not fits.all():
        logger.warning(
            "%d training examples shorter than %s s or longer than %s s are left out",
            *(np.count_nonzero(~fits), shortest, longest),
        )
    return examples.among(fits)


def _tokeniser(
    folder: Path, train: TranslationPairs, targets: list[str], settings: Mapping
) -> SubwordTokeniser:
    """The run's tokeniser; made by the first process that asks."""

    def make() -> None:
        if folder.exists():
            return
        if settings["tokeniser"] is not None:
            SubwordTokeniser.load(locate(settings["tokeniser"])).save(folder)
            return
        train_tokeniser(
            (translation_of(one)[1] for one in train),
            num_pieces=settings["num_pieces"],
            languages=targets,
            normalisation=settings["normalisation"],
        ).save(folder)

    distributed.on_main(make)
    return SubwordTokeniser.load(folder)
