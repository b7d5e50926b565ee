"""Texts as a denoising model learns them: all of a language mix, as ids of subwords."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlsr_sb.checkpoints.hub import locate
from xlsr_sb.data.batching import EvalLoader, UpdateLoader
from xlsr_sb.data.denoising import TextNoise
from xlsr_sb.data.subwords import SubwordTokeniser, train_tokeniser
from xlsr_sb.data.texts import NoisyPlan, NoisyTexts, Text, key_of, texts_of
from xlsr_sb.errors import InputError
from xlsr_sb.training import distributed

logger = logging.getLogger(__name__)
TOKENISER = "tokeniser"  # folder of a run


@dataclass(frozen=True)
class Texts:
    """The splits as texts, and the tokeniser with the code of each language.

    Parameters
    ----------
    splits : dict of str to list of Text
    tokeniser : SubwordTokeniser
    codes : mapping of str to int
        Id that a text of each language starts with.
    """

    splits: dict[str, list[Text]]
    tokeniser: SubwordTokeniser
    codes: Mapping[str, int]

    @property
    def num_classes(self) -> int:
        """Ids of the tokeniser."""
        return self.tokeniser.vocab_size

    def train_loader(
        self, settings: Mapping, *, seed, rank, world_size, pin_memory
    ) -> UpdateLoader:
        """Batches of the training set, languages mixed as the sampling wants."""
        dataset = self._noisy("train", settings, seed=seed)
        plan = NoisyPlan(
            dataset.durations,
            languages=[one.language for one in dataset.texts],
            seconds_per_update=settings["tokens_per_update"],
            seconds_per_device=settings["tokens_per_device"],
            alpha=settings["sampling_alpha"],
            seed=seed,
            rank=rank,
            world_size=world_size,
        )
        return UpdateLoader(dataset, plan, pin_memory=pin_memory)

    def eval_loader(
        self, split: str, settings: Mapping, *, rank, world_size
    ) -> EvalLoader:
        """Batches of a set that is scored, with the same noise every time."""
        return EvalLoader(
            self._noisy(split, settings, seed=0),
            seconds_per_device=settings["tokens_per_device"],
            rank=rank,
            world_size=world_size,
        )

    def _noisy(self, split: str, settings: Mapping, *, seed: int) -> NoisyTexts:
        """Texts of a split that come with noise."""
        noise = TextNoise(settings["mask_share"], settings["mean_span"])
        texts = self.splits[split]
        return NoisyTexts(texts, self.tokeniser, self.codes, noise=noise, seed=seed)

    @classmethod
    def of(cls, splits: Mapping, settings: Mapping, folder: Path) -> "Texts":
        """Take the texts of the splits, and make the tokeniser or read the run's own.

        Parameters
        ----------
        splits : mapping of str to sequence of Utterance
            Of ``train`` no text is taken that is one of ``dev`` or of a test set.
        settings : mapping
            The ``data`` section of the hyperparameters.
        folder : Path
            Of the run; the tokeniser is kept there.
        """
        longest = settings["max_text_tokens"]
        if longest > settings["tokens_per_device"]:
            raise InputError(
                f"data: max_text_tokens is {longest}; it must be at most "
                f"tokens_per_device, {settings['tokens_per_device']}"
            )
        ready = {name: texts_of(part) for name, part in splits.items()}
        ready["train"] = _not_held_out(ready)
        tokeniser = _tokeniser(folder / TOKENISER, ready["train"], settings)
        languages = sorted({one.language for part in ready.values() for one in part})
        codes = tokeniser.target_ids(languages)
        ready = {
            name: _short(part, tokeniser, longest, name) for name, part in ready.items()
        }
        known = sorted(Counter(one.language for one in ready["train"]).items())
        shown = ", ".join(f"{language} {number}" for language, number in known)
        logger.info("texts to learn from: %s", shown)
        return cls(ready, tokeniser, codes)


def _not_held_out(splits: Mapping[str, Sequence[Text]]) -> list[Text]:
    """Texts of training that are no sentence of another split, in any language."""
    others = [part for name, part in splits.items() if name != "train"]
    held_out = {key_of(one.text) for part in others for one in part}
    kept = [one for one in splits["train"] if key_of(one.text) not in held_out]
    if not kept:
        raise InputError(
            "every text of train is one of dev or of a test set; give other splits"
        )
    if dropped := len(splits["train"]) - len(kept):
        logger.info("%d texts of train are in dev or test, and left out", dropped)
    return kept


def _short(
    texts: list[Text], tokeniser: SubwordTokeniser, longest: int, name: str
) -> list[Text]:
    """Texts of at most so many tokens."""
    kept = [one for one in texts if len(tokeniser.encode(one.text)) < longest]
    if not kept:
        raise InputError(
            f"all {len(texts)} texts of {name} have more than {longest} tokens; raise "
            "data.max_text_tokens"
        )
    if dropped := len(texts) - len(kept):
        logger.warning(
            "%d texts of %s of more than %d tokens are left out",
            *(dropped, name, longest),
        )
    return kept


def _tokeniser(
    folder: Path, train: Sequence[Text], settings: Mapping
) -> SubwordTokeniser:
    """The run's tokeniser; made by the first process that asks."""

    def make() -> None:
        if folder.exists():
            return
        if settings["tokeniser"] is not None:
            SubwordTokeniser.load(locate(settings["tokeniser"])).save(folder)
            return
        train_tokeniser(
            (one.text for one in train),
            num_pieces=settings["num_pieces"],
            languages=sorted({one.language for one in train}),
            normalisation=settings["normalisation"],
        ).save(folder)

    distributed.on_main(make)
    return SubwordTokeniser.load(folder)
