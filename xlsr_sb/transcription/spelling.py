"""Texts as people write them, in the tokens of a model."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.data.text import Vocabulary, normalise_text
from xlsr_sb.decoders.hypothesis import space_of

NAMES = re.compile(r"<.+>|\[.+\]")  # of tokens that nobody says


@dataclass(frozen=True)
class Spelt:
    """A word of a text and how the model spells it.

    Parameters
    ----------
    text : str
        As it was written, with the punctuation around it.
    tokens : tuple of int
        Empty where the model knows nothing of it: a number in digits, another script.
    """

    text: str
    tokens: tuple[int, ...]


def spell(text: str, vocabulary: Vocabulary | PeerVocabulary) -> list[Spelt]:
    """Words of a text, in the case of the model and without what it does not know.

    Parameters
    ----------
    text : str
    vocabulary : Vocabulary or PeerVocabulary

    Returns
    -------
    list of Spelt
        Signs that stand alone belong to the word before, or else to the one behind.

    Example
    -------
    >>> words = spell("«Où ?» — En 1984...", Vocabulary.of(["ou en"]))
    >>> [(word.text, word.tokens) for word in words]
    [('«Où ?» —', (5, 6)), ('En', (3, 4)), ('1984...', ())]
    """
    ids = _writing_ids(vocabulary)
    longest = max(map(len, ids), default=1)
    return _with_signs(
        Spelt(word, tuple(_spelling(word, ids, longest))) for word in text.split()
    )


def _writing_ids(vocabulary: Vocabulary | PeerVocabulary) -> dict[str, int]:
    """Ids by token of what can be said; of ids that share a token the first."""
    passed_over = {vocabulary.blank, space_of(vocabulary)}
    ids: dict[str, int] = {}
    for index, token in enumerate(vocabulary.tokens):
        is_said = vocabulary.decode([index]).strip() and not NAMES.fullmatch(token)
        if is_said and index not in passed_over:
            ids.setdefault(token, index)
    return ids


def _spelling(word: str, ids: dict[str, int], longest: int) -> list[int]:
    """Ids of a word: whole in some case, else of the characters that are known."""
    plain = normalise_text(word, "", keep="'-")
    variants = [word, word.lower(), word.upper(), plain, plain.upper()]
    for variant in variants:
        found = list(_matched(variant, ids, longest))
        if found and None not in found:
            return found
    characters = [_matched_alone(character, ids) for character in plain]
    return [index for index in characters if index is not None]


def _matched(word: str, ids: dict[str, int], longest: int) -> Iterator[int | None]:
    """Ids of the longest tokens from left to right; None where there is none."""
    place = 0
    while place < len(word):
        sizes = range(min(longest, len(word) - place), 0, -1)
        size = next((n for n in sizes if word[place : place + n] in ids), None)
        yield None if size is None else ids[word[place : place + size]]
        place += size or 1


def _matched_alone(character: str, ids: dict[str, int]) -> int | None:
    """Id of a character in any case, else of the letter under its accents."""
    base = unicodedata.normalize("NFKD", character)[:1]
    for form in (character, character.upper(), base, base.upper()):
        if form in ids:
            return ids[form]
    return None


def _with_signs(words: Iterable[Spelt]) -> list[Spelt]:
    """Words, each with the signs beside it that are no words."""
    found: list[Spelt] = []
    before: list[str] = []  # signs before the first word
    for word in words:
        if word.tokens or any(character.isalnum() for character in word.text):
            found.append(replace(word, text=" ".join([*before, word.text])))
            before = []
        elif found:
            found[-1] = replace(found[-1], text=f"{found[-1].text} {word.text}")
        else:
            before.append(word.text)
    return found


def target_of(
    words: Sequence[Spelt], *, space: int | None, unknown: int
) -> tuple[list[int], list[int]]:
    """Tokens of words one after the other, and the number of each word's tokens.

    Parameters
    ----------
    words : sequence of Spelt
    space : int, optional
        Token between words.
    unknown : int
        Token for a word of which the model knows nothing.

    Returns
    -------
    tokens : list of int
    counts : list of int
        Without the spaces.

    Example
    -------
    >>> words = [Spelt("a", (3,)), Spelt("1", ())]
    >>> target_of(words, space=2, unknown=9)
    ([3, 2, 9], [1, 1])
    """
    spellings = [word.tokens or (unknown,) for word in words]
    tokens: list[int] = []
    for spelling in spellings:
        if tokens and space is not None:
            tokens.append(space)
        tokens += spelling
    return tokens, [len(spelling) for spelling in spellings]
