"""Transcripts as a recogniser learns them: of learnable length, as ids of units."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from xlsr_sb.data.batching import EvalLoader, SpeechDataset, UpdateLoader
from xlsr_sb.data.text import (
    CHARACTERS,
    LanguageVocabularies,
    Vocabulary,
    transcript_of,
    unknown_characters,
)
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance
from xlsr_sb.tasks.loaders import speech_eval_loader, speech_train_loader
from xlsr_sb.tasks.vocabularies import run_vocabularies

logger = logging.getLogger(__name__)
Splits = dict[str, list[Utterance]]


@dataclass(frozen=True)
class Transcripts:
    """The splits with transcripts as they are learnt, and the vocabulary for them.

    Parameters
    ----------
    splits : dict of str to list of Utterance
    vocabulary : Vocabulary
        Of all languages.
    languages : LanguageVocabularies, optional
        What each can say, where each has outputs of its own.
    """

    splits: Splits
    vocabulary: Vocabulary
    languages: LanguageVocabularies | None = None

    @property
    def num_classes(self) -> int:
        """Tokens, blank and unknown included."""
        return len(self.vocabulary)

    def encode(self, utterance: Utterance) -> list[int]:
        """Token ids of an utterance's transcript."""
        if self.languages is not None:
            return self.languages.encode(utterance)
        return self.vocabulary.encode(utterance.wrd)

    def train_loader(self, settings: Mapping, **how) -> UpdateLoader:
        """Batches of the training set, in the order that the sampling wants."""
        utterances = self.splits["train"]
        return speech_train_loader(
            SpeechDataset(utterances, encode_target=self.encode),
            settings,
            durations=[one.duration for one in utterances],
            groups=[one.language for one in utterances],
            **how,
        )

    def eval_loader(self, split: str, settings: Mapping, **how) -> EvalLoader:
        """Batches of a set that is scored."""
        dataset = SpeechDataset(self.splits[split], encode_target=self.encode)
        return speech_eval_loader(dataset, settings, **how)

    @classmethod
    def of(
        cls,
        splits: Splits,
        settings: Mapping,
        folder: Path,
        *,
        per_language: bool = False,
    ) -> "Transcripts":
        """Make the transcripts and the vocabulary, or read the run's own.

        Parameters
        ----------
        splits : dict of str to list of Utterance
            ``train`` is filtered by length and text; the others stay whole.
        settings : mapping
            The ``data`` section of the hyperparameters.
        folder : Path
            Of the run; the vocabulary is kept there.
        per_language : bool
            Whether each language has outputs of its own.

        Raises
        ------
        InputError
            If nothing is left to learn or to score, for units that are not known, where
            the folder has a vocabulary of others, and for an utterance of a language
            that has no outputs.
        """
        # Runs of earlier versions do not name their units.
        units = settings.get("units", CHARACTERS)
        ready = {
            name: _as_learnt(part, units=units, keep=settings["keep_characters"])
            for name, part in splits.items()
        }
        ready["train"] = _learnable(ready["train"], settings)
        if settings["train_minutes"] is not None:
            ready["train"] = part_of(ready["train"], settings["train_minutes"])
        for name, utterances in ready.items():
            _check_text(name, utterances)
        vocabulary, languages = run_vocabularies(
            folder, ready["train"], units=units, per_language=per_language
        )
        labels = cls(ready, vocabulary, languages)
        for name, utterances in ready.items():
            labels._report_unknown(name, utterances)
        return labels

    def _report_unknown(self, name: str, utterances: list[Utterance]) -> None:
        """Count the characters or symbols that the head cannot say."""
        if self.languages is not None:
            self.languages.check(utterances, source=name)
            counts = self.languages.unknown(utterances)
        else:
            texts = [one.wrd for one in utterances]
            counts = unknown_characters(texts, self.vocabulary)
        if counts:
            shown = ", ".join(f"{c!r} {n}" for c, n in counts.most_common(10))
            logger.warning(
                "%s: %d %s are not in the vocabulary and count as errors: %s",
                name,
                sum(counts.values()),
                self.vocabulary.units,
                shown,
            )


def _as_learnt(
    utterances: list[Utterance], *, units: str, keep: str
) -> list[Utterance]:
    """Utterances with their transcripts as they are learnt and scored."""
    return [
        replace(one, wrd=transcript_of(one.wrd, one.language, units=units, keep=keep))
        for one in utterances
    ]


def _learnable(utterances: list[Utterance], settings: Mapping) -> list[Utterance]:
    """Training utterances with text and of a learnable length; counts the rest."""
    shortest = settings["min_utterance_seconds"]
    longest = settings["max_utterance_seconds"]
    reasons = {
        f"shorter than {shortest} s": lambda one: one.duration < shortest,
        f"longer than {longest} s": lambda one: one.duration > longest,
        "without text": lambda one: not one.wrd,
    }
    for reason, is_dropped in reasons.items():
        kept = [one for one in utterances if not is_dropped(one)]
        if dropped := len(utterances) - len(kept):
            logger.warning("%d training utterances %s are left out", dropped, reason)
        utterances = kept
    if not utterances:
        raise InputError(
            "no training utterance is left: all are without text, shorter than "
            f"{shortest} s or longer than {longest} s; look at the manifest and at "
            "data.min_utterance_seconds and data.max_utterance_seconds"
        )
    return utterances


def part_of(utterances: list[Utterance], minutes: float) -> list[Utterance]:
    """A random part of so many minutes, drawn by the ids alone.

    It is the same in every run, and a longer part holds a shorter one whole.

    Parameters
    ----------
    utterances : list of Utterance
    minutes : float
        The utterance that reaches them is the last.

    Returns
    -------
    list of Utterance
        In their order.

    Raises
    ------
    InputError
        If there is less speech, or nothing is asked for.

    Example
    -------
    >>> clips = [Utterance(name, f"{name}.wav", 60.0) for name in "abcd"]
    >>> [one.id for one in part_of(clips, 2)]
    ['c', 'd']
    """
    there = sum(one.duration for one in utterances) / 60
    if not 0 < minutes <= there:
        raise InputError(
            f"data: train_minutes is {minutes}; it must be above 0 and at most "
            f"{there:.2f}, the minutes of the training set, or null for all"
        )
    chosen, seconds = set(), 0.0
    for one in sorted(utterances, key=lambda one: _drawn(one.id)):
        if seconds >= 60 * minutes:
            break
        chosen.add(one.id)
        seconds += one.duration
    return [one for one in utterances if one.id in chosen]


def _drawn(name: str) -> bytes:
    """An order that has nothing to do with the names."""
    return hashlib.sha256(name.encode()).digest()


def _check_text(name: str, utterances: list[Utterance]) -> None:
    """Raise if a split has nothing to be scored against."""
    if not any(one.wrd for one in utterances):
        raise InputError(
            f"{name}: none of its {len(utterances)} utterances has a transcript with "
            "a letter or digit; look at the text column of its list"
        )
