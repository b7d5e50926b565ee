"""What the rows of a peer's CTC head write, decoded as the peer decodes it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from xlsr_sb.data.text import TOKENS, Vocabulary

TIDIED = (  # transformers' ``clean_up_tokenization``, in its order
    *((" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'")),
    *((" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve")),
    (" 're", "'re"),
)


@dataclass(frozen=True)
class PeerVocabulary:
    """Tokens by id, of any length, and how a peer makes a text of them.

    Parameters
    ----------
    tokens : tuple of str
        As the peer writes them; ids may share one, and then repeat each other.
    blank : int
        Id of CTC's blank.
    space : str, optional
        Token that stands between words.
    shown_space : str
        What is written for it.
    silent : frozenset of int
        Ids, beside the blank, that write nothing.
    separator : str
        What is written between two tokens.
    lower_case : bool
        Whether the text is written in lower case.
    tidy : bool
        Whether spaces before punctuation are taken away.

    Example
    -------
    >>> vocabulary = PeerVocabulary(("<pad>", "|", "sch", "a"), blank=0)
    >>> vocabulary.decode([2, 3, 1, 3, 2, 1])
    'scha asch'
    """

    tokens: tuple[str, ...]
    blank: int
    space: str | None = "|"
    shown_space: str = " "
    silent: frozenset[int] = frozenset()
    separator: str = ""
    lower_case: bool = False
    tidy: bool = False

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "PeerVocabulary":
        """Our own vocabulary, which needs nothing special.

        Example
        -------
        >>> PeerVocabulary.of(Vocabulary.of(["oui non"])).decode([6, 3, 2, 4])
        'ui n'
        """
        if vocabulary.units == TOKENS:
            return cls(vocabulary.tokens, vocabulary.blank, space=None, separator=" ")
        return cls(vocabulary.tokens, vocabulary.blank, space=" ")

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids whose repeats are merged; blanks are nothing."""
        shown = self.separator.join(
            self.shown_space if self.tokens[index] == self.space else self.tokens[index]
            for index in ids
            if index not in self._nothing
        ).strip()
        shown = shown.lower() if self.lower_case else shown
        for before, after in TIDIED if self.tidy else ():
            shown = shown.replace(before, after)
        return shown

    def with_rows(self, num_rows: int, *, filler: str) -> "PeerVocabulary":
        """Vocabulary of a head with so many rows; those without a token get one."""
        missing = num_rows - len(self.tokens)
        tokens = (*self.tokens, *[filler] * missing)[:num_rows]
        return replace(self, tokens=tokens)

    @property
    def first_ids(self) -> tuple[int, ...]:
        """For each id the first one with the same token.

        Example
        -------
        >>> PeerVocabulary(("<pad>", "a", "?", "?"), blank=0).first_ids
        (0, 1, 2, 2)
        """
        first: dict[str, int] = {}
        return tuple(
            first.setdefault(token, id_) for id_, token in enumerate(self.tokens)
        )

    def __len__(self) -> int:
        """Return the number of ids."""
        return len(self.tokens)

    @cached_property
    def _nothing(self) -> frozenset[int]:
        """Ids that write nothing."""
        return self.silent | {self.blank}
