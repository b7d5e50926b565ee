"""What each of several languages is written with, as parts of one vocabulary."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from xlsr_sb.data.text.vocabulary import Vocabulary
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic
from xlsr_sb.manifest import Utterance


@dataclass(frozen=True)
class LanguageVocabularies:
    """The vocabulary of each language, and the one that holds them all.

    Parameters
    ----------
    whole : Vocabulary
    parts : mapping of str to Vocabulary
        By language; their tokens are tokens of the whole.

    Example
    -------
    >>> clips = [Utterance("a", "a.wav", 1.0, language="fr", wrd="oui"),
    ...          Utterance("b", "b.wav", 1.0, language="de", wrd="ja")]
    >>> both = LanguageVocabularies.of(clips, units="characters")
    >>> both.whole.tokens[3:], both.parts["de"].tokens[3:], both.ids["de"]
    (('a', 'i', 'j', 'o', 'u'), ('a', 'j'), (0, 1, 2, 3, 5))
    """

    whole: Vocabulary
    parts: Mapping[str, Vocabulary]

    @classmethod
    def of(
        cls, utterances: Sequence[Utterance], *, units: str
    ) -> "LanguageVocabularies":
        """Vocabularies of training utterances.

        Raises
        ------
        InputError
            For an utterance without a language.
        """
        texts: dict[str, list[str]] = {}
        for one in utterances:
            if not one.language:
                raise InputError(
                    f"utterance {one.id!r} has no language, and head.per_language is "
                    "True: every utterance needs one"
                )
            texts.setdefault(one.language, []).append(one.wrd)
        whole = Vocabulary.of((one.wrd for one in utterances), units=units)
        parts = {
            language: Vocabulary.of(texts[language], units=units)
            for language in sorted(texts)
        }
        return cls(whole, parts)

    @classmethod
    def load(cls, path: str | Path, whole: Vocabulary) -> "LanguageVocabularies":
        """Read what ``save`` wrote.

        Raises
        ------
        InputError
            If the file is damaged, or of another vocabulary.
        """
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            parts = {name: Vocabulary(tuple(one)) for name, one in found.items()}
            for name, part in parts.items():
                if strange := sorted(set(part.tokens) - set(whole.tokens)):
                    raise ValueError(f"{strange} of {name} are not in the vocabulary")
        except (OSError, ValueError, TypeError, AttributeError, InputError) as error:
            raise InputError(f"{path} cannot be used: {error}") from error
        return cls(whole, parts)

    def save(self, path: str | Path) -> None:
        """Write the tokens of each language, as JSON."""
        with open_atomic(path) as file:
            tokens = {name: part.tokens for name, part in self.parts.items()}
            json.dump(tokens, file, ensure_ascii=False, indent=2)
            file.write("\n")

    @cached_property
    def ids(self) -> dict[str, tuple[int, ...]]:
        """For each token of each language its id in the whole."""
        place = {token: index for index, token in enumerate(self.whole.tokens)}
        return {
            name: tuple(place[token] for token in part.tokens)
            for name, part in self.parts.items()
        }

    def encode(self, utterance: Utterance) -> list[int]:
        """Ids, in the whole, of a transcript; unknown is what its language lacks."""
        ids, part = self.ids[utterance.language], self.parts[utterance.language]
        return [ids[index] for index in part.encode(utterance.wrd)]

    def unknown(self, utterances: Iterable[Utterance]) -> Counter[str]:
        """Count the characters, or symbols, that the languages of utterances lack."""
        return Counter(
            unit
            for one in utterances
            for unit in self.parts[one.language].unknown(one.wrd)
        )

    def check(self, utterances: Iterable[Utterance], *, source: str) -> None:
        """Raise for the first utterance of another language.

        Parameters
        ----------
        utterances : iterable of Utterance
        source : str
            Their split, for the message.
        """
        for one in utterances:
            if one.language not in self.parts:
                raise InputError(
                    f"{source}: utterance {one.id!r} is of language {one.language!r}; "
                    "with head.per_language there are outputs for the languages of the "
                    f"training set, {', '.join(self.parts)}: leave it out, or train on "
                    "that language as well, in another output_folder"
                )

    def part(self, language: str | None, *, source: str | Path) -> Vocabulary:
        """Vocabulary of the language that a user named.

        Parameters
        ----------
        language : str or None
        source : str or Path
            The model, for the message.

        Raises
        ------
        InputError
            With the languages that there are.
        """
        if language not in self.parts:
            raise InputError(
                f"language is {language!r}; {source} has separate outputs for "
                f"{', '.join(self.parts)}: name one of them, with --language"
            )
        return self.parts[language]
