"""Errors of each utterance, from one alignment each."""

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
from rapidfuzz.distance import Levenshtein

from xlsr_sb.metrics.score import Score

_SPLITS = {"WER": jiwer.wer_default, "CER": jiwer.cer_default, "PER": jiwer.wer_default}
METRICS = tuple(_SPLITS)


@dataclass(frozen=True, eq=False)
class ErrorCounts:
    """What became of the units of each utterance.

    Parameters
    ----------
    metric : str
        ``WER``, ``CER`` or ``PER``.
    table : ndarray [N, 4], int64
        Of each utterance: units of the reference, substitutions, deletions,
        insertions.

    Example
    -------
    >>> counts = count_errors("WER", ["a b c", "d"], ["a x c", "d e"])
    >>> counts.table.tolist()
    [[3, 1, 0, 0], [1, 0, 0, 1]]
    """

    metric: str
    table: np.ndarray

    def __len__(self) -> int:
        return len(self.table)

    @property
    def totals(self) -> np.ndarray:
        """Units of each reference, [N]."""
        return self.table[:, 0]

    @property
    def errors(self) -> np.ndarray:
        """Errors of each utterance, [N]."""
        return self.table[:, 1:].sum(axis=1)

    def among(self, places: np.ndarray) -> "ErrorCounts":
        """Counts of some of the utterances: numbers or a mask of them.

        Example
        -------
        >>> counts = count_errors("PER", ["a b", "d"], ["a b", "e"])
        >>> counts.among([1]).score()
        Score(name='PER', errors=1, total=1, substitutions=1, deletions=0, insertions=0)
        """
        return ErrorCounts(self.metric, self.table[places])

    def score(self) -> Score:
        """Score of all utterances together.

        Example
        -------
        >>> count_errors("WER", ["a b c", "d"], ["a x c", "d e"]).score().value
        0.5
        """
        total, *parts = map(int, self.table.sum(axis=0))
        return Score(self.metric, sum(parts), total, *parts)


def count_errors(
    metric: str, references: Sequence[str], hypotheses: Sequence[str]
) -> ErrorCounts:
    """Errors of each utterance as jiwer counts them: as few as possible.

    Where several alignments have equally few errors, substitutions, deletions and
    insertions are those of the one that jiwer takes.

    Parameters
    ----------
    metric : str
        ``WER`` counts words, with spaces between them. ``CER`` counts characters,
        among them the spaces inside a text. ``PER`` counts symbols with spaces between
        them: it is ``WER`` under the name it has for phonemes.
    references, hypotheses : sequence of str
        One text an utterance, in the same order. Against an empty reference all of the
        hypothesis is inserted; an empty hypothesis, also that of a recording that
        could not be read, deletes all of the reference.

    Returns
    -------
    ErrorCounts

    Example
    -------
    >>> count_errors("CER", ["a b c", "a"], ["a b", ""]).table.tolist()
    [[5, 0, 2, 0], [1, 0, 1, 0]]
    """
    rows = []
    for reference, hypothesis in unit_pairs(metric, references, hypotheses):
        edits = Levenshtein.editops(reference, hypothesis).as_list()
        substitutions = sum(edit[0] == "replace" for edit in edits)
        deletions = sum(edit[0] == "delete" for edit in edits)
        insertions = len(edits) - substitutions - deletions
        rows.append((len(reference), substitutions, deletions, insertions))
    return ErrorCounts(metric, np.array(rows, dtype=np.int64).reshape(-1, 4))


def unit_pairs(
    metric: str, references: Sequence[str], hypotheses: Sequence[str]
) -> list[tuple[list[int], list[int]]]:
    """Units of each pair of texts, numbered: equal units have equal numbers.

    Example
    -------
    >>> unit_pairs("WER", ["a b", "c"], ["b b", ""])
    [([0, 1], [1, 1]), ([2], [])]
    """
    if len(references) != len(hypotheses):
        raise ValueError(
            f"{len(references)} reference and {len(hypotheses)} hypothesis texts; "
            "there must be as many"
        )
    numbers: dict[str, int] = {}
    sides = [
        [[numbers.setdefault(unit, len(numbers)) for unit in units] for units in side]
        for side in (split_units(metric, texts) for texts in (references, hypotheses))
    ]
    return list(zip(*sides, strict=True))


def split_units(metric: str, texts: Sequence[str]) -> list[list[str]]:
    """Words, characters or symbols of texts, as jiwer splits them.

    Example
    -------
    >>> split_units("WER", [" a  bc", ""]), split_units("CER", ["a b"])
    ([['a', 'bc'], []], [['a', ' ', 'b']])
    """
    if metric not in _SPLITS:
        raise ValueError(f"metric must be one of {METRICS}, got {metric!r}")
    # Of no texts jiwer would make one without units.
    return _SPLITS[metric](list(texts)) if len(texts) else []


def word_errors(references: Sequence[str], hypotheses: Sequence[str]) -> Score:
    """Word errors of a set of texts; see ``count_errors``.

    Parameters
    ----------
    references, hypotheses : sequence of str
        One text an utterance, in the same order.

    Returns
    -------
    Score

    Example
    -------
    >>> word_errors(["a b c", ""], ["a x c", "b"])
    Score(name='WER', errors=2, total=3, substitutions=1, deletions=0, insertions=1)
    """
    return count_errors("WER", references, hypotheses).score()


def character_errors(references: Sequence[str], hypotheses: Sequence[str]) -> Score:
    """Character errors of a set of texts; spaces inside a text are characters.

    Parameters
    ----------
    references, hypotheses : sequence of str
        One text an utterance, in the same order.

    Returns
    -------
    Score

    Example
    -------
    >>> character_errors(["a b c"], ["a b"])
    Score(name='CER', errors=2, total=5, substitutions=0, deletions=2, insertions=0)
    """
    return count_errors("CER", references, hypotheses).score()


def symbol_errors(references: Sequence[str], hypotheses: Sequence[str]) -> Score:
    """Errors of phonemes or other symbols with spaces between them.

    Parameters
    ----------
    references, hypotheses : sequence of str
        One text an utterance, in the same order.

    Returns
    -------
    Score

    Example
    -------
    >>> symbol_errors(["tʃ a", "o"], ["t a", "o"])
    Score(name='PER', errors=1, total=3, substitutions=1, deletions=0, insertions=0)
    """
    return count_errors("PER", references, hypotheses).score()
