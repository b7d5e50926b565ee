"""Words and how they are spelled in the tokens of a model."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.hypothesis import BOUNDARIES, space_of
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines

logger = logging.getLogger(__name__)
Spelling = tuple[int, ...]


@dataclass(frozen=True)
class Lexicon:
    """Spellings of words, and the words that cannot be spelled.

    Parameters
    ----------
    entries : dict of (str, tuple of int) to str
        What is written for a word in a spelling.
    unknown : Counter of str
        Characters that the model does not know, by the words that they are in.
    num_left_out : int
        Words with such characters.

    Example
    -------
    >>> lexicon = Lexicon.of_words(["oui", "OU", "né"], Vocabulary.of(["oui non"]))
    >>> lexicon.entries
    {('oui', (5, 6, 3)): 'oui', ('OU', (5, 6)): 'ou'}
    >>> lexicon.num_left_out, lexicon.unknown
    (1, Counter({'é': 1}))
    """

    entries: dict[tuple[str, Spelling], str]
    unknown: Counter[str] = field(default_factory=Counter)
    num_left_out: int = 0

    @classmethod
    def of_words(cls, words: Iterable[str], vocabulary: Vocabulary) -> "Lexicon":
        """Lexicon of words that are written as they are spelled.

        A word that the model cannot spell is tried in lower case and in capitals: a
        language model need not be in the case of the model.

        Parameters
        ----------
        words : iterable of str
        vocabulary : Vocabulary
        """
        return cls._of(((word, tuple(word)) for word in words), vocabulary)

    @classmethod
    def load(cls, path: str | Path, vocabulary: Vocabulary) -> "Lexicon":
        """Lexicon of a file with a word a line, or a word, a tab and its spelling.

        Parameters
        ----------
        path : str or Path
            The characters of a spelling have spaces between, ``|`` may end it.
        vocabulary : Vocabulary

        Raises
        ------
        InputError
            Naming the line that cannot be used.
        """
        return cls._of(_lines(path), vocabulary)

    @classmethod
    def _of(
        cls, lines: Iterable[tuple[str, tuple[str, ...]]], vocabulary: Vocabulary
    ) -> "Lexicon":
        """Lexicon of words and the names of their tokens."""
        if space_of(vocabulary) is None:
            raise InputError(
                "decoder: a lexicon needs a model of characters with a space between "
                "words; this one says symbols: take decoder: kind beam"
            )
        ids = {name: index for index, name in enumerate(vocabulary.tokens)}
        entries: dict[tuple[str, Spelling], str] = {}
        unknown: Counter[str] = Counter()
        left_out = 0
        for word, names in lines:
            spelling = _spelling(names, ids)
            if spelling is None:
                left_out += 1
                unknown.update({one for one in names if not _known(one, ids)})
                continue
            is_shown = all(character in ids for character in word)
            shown = word if is_shown else vocabulary.decode(spelling)
            entries[word, spelling] = shown
        return cls(entries, unknown, left_out)

    def report(self, place: str) -> None:
        """Log how many words are left out; none at all cannot be.

        Parameters
        ----------
        place : str
            Where the words come from.

        Raises
        ------
        InputError
            If no word is left.
        """
        shown = ", ".join(f"{c!r} {n}" for c, n in self.unknown.most_common(10))
        if not self.entries:
            raise InputError(
                f"{place}: none of its {self.num_left_out} words can be spelled with "
                f"the characters of the model, for want of: {shown or 'any word'}; is "
                "it of this language, and of words?"
            )
        if self.num_left_out:
            logger.warning(
                "%s: %d of %d words are left out, as the model does not know: %s",
                place,
                self.num_left_out,
                self.num_left_out + len(self.entries),
                shown,
            )


def _spelling(names: tuple[str, ...], ids: dict[str, int]) -> Spelling | None:
    """Ids of tokens, as they are or else in the case of the model."""
    for change in (str, str.lower, str.upper):
        variant = [change(name) for name in names]
        if all(name in ids for name in variant):
            return tuple(ids[name] for name in variant)
    return None


def _known(name: str, ids: dict[str, int]) -> bool:
    """Whether a token is known in one case or the other."""
    return not ids.keys().isdisjoint((name, name.lower(), name.upper()))


def _lines(path: str | Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Words and names of their tokens."""
    for number, line in enumerate(read_lines(path), start=1):
        word, _, spelling = line.strip().partition("\t")
        if not word:
            continue
        names = spelling.split() or list(word)
        if names[-1] in BOUNDARIES and spelling:
            names.pop()
        place = f"{path}, line {number}"
        if len(word.split()) > 1:
            raise InputError(
                f"{place}: {word!r} is more than one word; a tab must stand between a "
                "word and its spelling, spaces between its characters"
            )
        if not names or not set(names).isdisjoint(BOUNDARIES):
            raise InputError(
                f"{place}: {word!r} is spelled {spelling!r}; a spelling must be of one "
                "character at least, and a boundary of words can only end it"
            )
        yield word, tuple(names)
