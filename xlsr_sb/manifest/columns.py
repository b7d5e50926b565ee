"""Lengths, languages and corpora of all utterances at once, as arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from xlsr_sb.manifest.utterance import Utterance


@dataclass(frozen=True, eq=False)
class Names:
    """One name each of many utterances, of which few differ.

    Parameters
    ----------
    names : tuple of str
        Each once.
    codes : integer array [N]
        Which of them each utterance has.
    """

    names: tuple[str, ...]
    codes: np.ndarray

    @classmethod
    def of(cls, values: Iterable[str]) -> "Names":
        """Number the values in the order in which they come first.

        Example
        -------
        >>> Names.of(["fr", "ka", "fr"]).codes.tolist()
        [0, 1, 0]
        """
        known: dict[str, int] = {}
        codes = [known.setdefault(value, len(known)) for value in values]
        return cls(tuple(known), np.array(codes, dtype=np.int32))


@dataclass(frozen=True, eq=False)
class Columns:
    """What plans are made of. Axis N: utterances, in the manifest's order.

    Parameters
    ----------
    durations : float64 array [N]
        In seconds.
    languages, corpora : Names [N]
    """

    durations: np.ndarray
    languages: Names
    corpora: Names

    @classmethod
    def of(cls, utterances: Sequence[Utterance]) -> "Columns":
        """Collect the columns of utterances one by one.

        Example
        -------
        >>> clips = [Utterance("a", "a.wav", 2.0, language="fr", corpus="books")]
        >>> columns = Columns.of(clips)
        >>> columns.durations.tolist(), columns.languages.names, columns.corpora.names
        ([2.0], ('fr',), ('books',))
        """
        return cls(
            np.array([one.duration for one in utterances], dtype=np.float64),
            Names.of(one.language for one in utterances),
            Names.of(one.corpus for one in utterances),
        )
