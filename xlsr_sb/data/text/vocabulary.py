"""Characters, or symbols of any length, and the ids under which a model knows them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from xlsr_sb.data.text.units import CHARACTERS, TOKENS
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic, read_lines


@dataclass(frozen=True)
class Vocabulary:
    """Characters and their ids: blank, unknown, space, then the others in order.

    A vocabulary without the space holds symbols of any length, which stand in a text
    with spaces between.

    Parameters
    ----------
    tokens : tuple of str
        ``<blank>``, ``<unk>``, a space, then single characters, each once; or
        ``<blank>``, ``<unk>``, then symbols.

    Example
    -------
    >>> vocabulary = Vocabulary.of(["oui", "non"])
    >>> vocabulary.tokens
    ('<blank>', '<unk>', ' ', 'i', 'n', 'o', 'u')
    >>> vocabulary.encode("oui!"), vocabulary.decode([5, 6, 3, 1])
    ([5, 6, 3, 1], 'oui⁇')
    >>> phones = Vocabulary.of(["w i", "n ɔ̃"], units="tokens")
    >>> phones.tokens[phones.unk + 1 :], phones.encode("w ɔ̃"), phones.decode([4, 1])
    (('i', 'n', 'w', 'ɔ̃'), [4, 5], 'w ⁇')
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
    def of(
        cls, texts: Iterable[str], *, units: str = CHARACTERS, min_count: int = 1
    ) -> "Vocabulary":
        """Vocabulary of all units that come at least ``min_count`` times."""
        counts = Counter(one for text in texts for one in _parts(text, units))
        found = {one for one, count in counts.items() if count >= min_count}
        special = cls.SPECIAL if units == CHARACTERS else cls.SPECIAL[:-1]
        return cls((*special, *sorted(found - {" "})))

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

    @property
    def units(self) -> str:
        """What a text is cut into: ``characters`` or ``tokens``."""
        return _units(self.tokens)

    def encode(self, text: str) -> list[int]:
        """Ids of a text's units, ``unk`` for those it does not hold."""
        return [self._ids.get(one, self.unk) for one in _parts(text, self.units)]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids; blanks are nothing, ``unk`` is ⁇."""
        shown = [self._shown[index] for index in ids if index != self.blank]
        return ("" if self.units == CHARACTERS else " ").join(shown)

    def unknown(self, text: str) -> list[str]:
        """Units of a text that the vocabulary does not hold, in their order."""
        return [one for one in _parts(text, self.units) if one not in self._ids]

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
        return {**dict(enumerate(self.tokens)), self.unk: self.UNKNOWN}


def unknown_characters(texts: Iterable[str], vocabulary: Vocabulary) -> Counter[str]:
    """Count the characters, or symbols, of texts that a vocabulary does not hold.

    Example
    -------
    >>> unknown_characters(["ça", "là"], Vocabulary.of(["la ca"]))
    Counter({'ç': 1, 'à': 1})
    """
    return Counter(one for text in texts for one in vocabulary.unknown(text))


def _parts(text: str, units: str) -> Sequence[str]:
    """Units of a text."""
    return text if units == CHARACTERS else text.split()


def _units(tokens: Sequence[str]) -> str:
    """Units of a vocabulary: only one of characters has the space, as its third."""
    return CHARACTERS if " " in tokens[2:3] else TOKENS


def _check_tokens(tokens: Sequence[str], *, place: str) -> None:
    """Raise unless tokens are the special ones, then units, each once."""
    special = Vocabulary.SPECIAL
    if tuple(tokens[:2]) != special[:2]:
        raise InputError(
            f"{place} starts with {list(tokens[: len(special)])}; it must start with "
            f"{list(special)}, the space written as {Vocabulary.SPACE} in a file; one "
            f"of symbols with {list(special[:2])}"
        )
    first = len(special) if _units(tokens) == CHARACTERS else 2
    is_unit, unit = _UNIT[_units(tokens)]
    line_of: dict[str, int] = {}
    for line, token in enumerate(tokens, start=1):
        if line > first and not is_unit(token):
            raise InputError(f"{place}, line {line}: {token!r} is not one {unit}")
        if token in line_of:
            raise InputError(
                f"{place}, line {line}: {token!r} stands on line {line_of[token]} "
                f"already; every token must come once"
            )
        line_of[token] = line


def _is_character(token: str) -> bool:
    """Whether a token is a character that can be seen."""
    return len(token) == 1 and not token.isspace()


def _is_symbol(token: str) -> bool:
    """Whether a token has no white space in it, and is not the space of a file."""
    return token.split() == [token] and token != Vocabulary.SPACE


_UNIT = {
    CHARACTERS: (_is_character, "visible character"),
    TOKENS: (_is_symbol, "symbol without spaces"),
}
