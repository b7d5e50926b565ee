"""Transcripts made comparable, and the characters that they are written with."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import ClassVar

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic, read_lines

APOSTROPHES = "'`´‘’‛ʼ＇′՚׳"  # all written '
HYPHENS = "-‐‑‒–−﹣－־"  # all written -; longer dashes part words
# Stand inside words and are no letters: Arabic's stretch, Armenian's marks of tone,
# Hebrew's mark of abbreviations.
DROPPED = "ـ՛՜՞״\N{COMBINING GRAPHEME JOINER}"
VARIATION_SELECTORS = "\ufe00-\ufe0f\u180b-\u180d"
# What the spelling itself needs, whatever a benchmark keeps: Catalan "col·legi".
KEPT_BY_LANGUAGE = {"ca": "·", "oc": "·"}
DOTTED_I = ("tr", "az", "crh", "gag")  # I is the capital of ı, and İ of i


def normalise_text(text: str, language: str, *, keep: str = "'") -> str:
    """Words of a transcript in lower case, with one space between them.

    Unicode's composed form (NFC), the language's own case, one kind of apostrophe
    and of hyphen, no punctuation and no symbols. Letters, combining marks and digits
    stay.

    Parameters
    ----------
    text : str
    language : str
        Code of the language, with or without a region (``pt-BR``).
    keep : str
        Characters to keep inside words, as the benchmark does: of *'tis well-known*
        ``"'-"`` leaves *tis well-known*. A hyphen that is not kept parts two words,
        an apostrophe does not.

    Returns
    -------
    str
        Normalising it again changes nothing.

    Example
    -------
    >>> normalise_text("L’été, c’est FINI !", "fr")
    "l'été c'est fini"
    >>> normalise_text("Well-known — isn’t it?", "en", keep="'-")
    "well-known isn't it"
    >>> normalise_text("Işık İSTER", "tr")
    'ışık ister'
    """
    language = re.split("[-_]", language.lower())[0]
    rules = _rules(keep + KEPT_BY_LANGUAGE.get(language, ""))
    text = unicodedata.normalize("NFC", text)
    if language in DOTTED_I:
        text = text.replace("I", "ı")
    words = rules.words(text.lower().translate(rules))
    # Python's lower case of İ is an i with a second dot.
    text = re.sub("i\u0307+", "i", " ".join(words))
    return unicodedata.normalize("NFC", text)


class _Rules(dict):
    """What becomes of each character, for ``str.translate``; and of each word."""

    def __init__(self, keep: str) -> None:
        super().__init__()
        self._keep = {self._unified(character) for character in keep}
        self._inner = "".join(sorted(self._keep | {"'"}))
        self._run = re.compile(f"[{re.escape(self._inner)}]{{2,}}")

    def __missing__(self, code: int) -> str:
        self[code] = self._replacement(chr(code))
        return self[code]

    def words(self, text: str) -> list[str]:
        """Words of a translated text, without kept characters at their ends."""
        words = [self._word(word) for word in self._run.sub(" ", text).split()]
        return [word for word in words if word]

    def _word(self, word: str) -> str:
        """Word without what cannot stand at its ends, nor inside if it is not kept."""
        start = 0
        while start < len(word) and not _starts_word(word[start], self._inner):
            start += 1
        word = word[start:].rstrip(self._inner)
        return word if "'" in self._keep else word.replace("'", "")

    def _replacement(self, character: str) -> str:
        """Return what is written for a character: itself, another, a space, nothing."""
        character = self._unified(character)
        category = unicodedata.category(character)
        if character in self._inner:
            return character
        if character in DROPPED or category in ("Cf", "Me"):
            return ""
        if re.match(f"[{VARIATION_SELECTORS}]", character):
            return ""
        return character if category[0] in "LMN" else " "

    @staticmethod
    def _unified(character: str) -> str:
        """Return the one apostrophe and the one hyphen for all of their kind."""
        if character in APOSTROPHES:
            return "'"
        return "-" if character in HYPHENS else character


@lru_cache(maxsize=64)
def _rules(keep: str) -> _Rules:
    """Return the rules, made once for each set of kept characters."""
    return _Rules(keep)


def _starts_word(character: str, inner: str) -> bool:
    """Whether a word may start with it: neither a mark nor what stands inside words."""
    return character not in inner and unicodedata.category(character)[0] != "M"


@dataclass(frozen=True)
class Vocabulary:
    """Characters and their ids: blank, unknown, space, then the others in order.

    Parameters
    ----------
    tokens : tuple of str
        ``<blank>``, ``<unk>``, a space, then single characters, each once.

    Example
    -------
    >>> vocabulary = Vocabulary.of(["oui", "non"])
    >>> vocabulary.tokens
    ('<blank>', '<unk>', ' ', 'i', 'n', 'o', 'u')
    >>> vocabulary.encode("oui!"), vocabulary.decode([5, 6, 3, 1])
    ([5, 6, 3, 1], 'oui⁇')
    """

    tokens: tuple[str, ...]

    blank: ClassVar[int] = 0
    unk: ClassVar[int] = 1
    SPECIAL: ClassVar[tuple[str, ...]] = ("<blank>", "<unk>", " ")
    UNKNOWN: ClassVar[str] = "⁇"  # what an unknown character is shown as
    SPACE: ClassVar[str] = "<space>"  # in the file

    def __post_init__(self) -> None:
        """Check the tokens."""
        _check_tokens(self.tokens, place="the vocabulary")

    @classmethod
    def of(cls, texts: Iterable[str], *, min_count: int = 1) -> "Vocabulary":
        """Vocabulary of all characters that come at least ``min_count`` times."""
        counts = Counter(character for text in texts for character in text)
        found = {one for one, count in counts.items() if count >= min_count}
        return cls((*cls.SPECIAL, *sorted(found - {" "})))

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Read a vocabulary, one token a line.

        Raises
        ------
        InputError
            Naming the file, the line and what should stand there.
        """
        lines = [line.rstrip("\r\n") for line in read_lines(path)]
        tokens = tuple(" " if line == cls.SPACE else line for line in lines)
        _check_tokens(tokens, place=str(path))
        return cls(tokens)

    def save(self, path: str | Path) -> None:
        """Write the vocabulary, one token a line."""
        with open_atomic(path) as file:
            file.writelines(
                f"{self.SPACE if token == ' ' else token}\n" for token in self.tokens
            )

    def encode(self, text: str) -> list[int]:
        """Ids of a text's characters, ``unk`` for those it does not hold."""
        return [self._ids.get(character, self.unk) for character in text]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids; blanks are nothing, ``unk`` is ⁇."""
        return "".join(self._shown[index] for index in ids)

    def unknown(self, text: str) -> list[str]:
        """Characters of a text that the vocabulary does not hold, in their order."""
        return [character for character in text if character not in self._ids]

    def __len__(self) -> int:
        """Return the number of tokens, special ones included."""
        return len(self.tokens)

    @cached_property
    def _ids(self) -> dict[str, int]:
        """Id of each token."""
        return {token: index for index, token in enumerate(self.tokens)}

    @cached_property
    def _shown(self) -> dict[int, str]:
        """Text of each id."""
        return {**dict(enumerate(self.tokens)), self.blank: "", self.unk: self.UNKNOWN}


def unknown_characters(texts: Iterable[str], vocabulary: Vocabulary) -> Counter[str]:
    """Count the characters of texts that a vocabulary does not hold.

    Example
    -------
    >>> unknown_characters(["ça", "là"], Vocabulary.of(["la ca"]))
    Counter({'ç': 1, 'à': 1})
    """
    return Counter(one for text in texts for one in vocabulary.unknown(text))


def _check_tokens(tokens: Sequence[str], *, place: str) -> None:
    """Raise unless tokens are the special ones, then single characters, each once."""
    special = Vocabulary.SPECIAL
    if tuple(tokens[: len(special)]) != special:
        raise InputError(
            f"{place} starts with {list(tokens[: len(special)])}; it must start with "
            f"{list(special)}, the space written as {Vocabulary.SPACE} in a file"
        )
    line_of: dict[str, int] = {}
    for line, token in enumerate(tokens, start=1):
        if line > len(special) and (len(token) != 1 or token.isspace()):
            raise InputError(
                f"{place}, line {line}: {token!r} is not one visible character"
            )
        if token in line_of:
            raise InputError(
                f"{place}, line {line}: {token!r} stands on line {line_of[token]} "
                f"already; every token must come once"
            )
        line_of[token] = line
