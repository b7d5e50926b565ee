"""BLEU and chrF from counts of each sentence, as sacrebleu counts them.

Both compare n-grams of all sentences together, so they are no sums over sentences; the
counts that they are made of are. Kept by sentence, they give the score of any part of
a test set, and of as many draws from it as one likes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.metrics.base import Metric

from xlsr_sb.errors import InputError
from xlsr_sb.metrics.translation_formulas import FORMULAS

TRANSLATION_METRICS = tuple(FORMULAS)
WORDS, CHARACTERS = "13a", "char"
TOKENIZERS = (WORDS, CHARACTERS, "intl", "zh", "none")  # that need nothing installed
WITHOUT_SPACES = ("zh", "ja")  # scored by character, as is usual for speech


@dataclass(frozen=True, slots=True)
class TranslationScore:
    """A score from 0 to 100, and how it was computed.

    Parameters
    ----------
    name : str
        ``BLEU`` or ``chrF``.
    value : float
    signature : str
        Of sacrebleu, with its version; scores of other signatures are not comparable.

    Example
    -------
    >>> print(TranslationScore("BLEU", 24.125, "nrefs:1|case:mixed|tok:13a").text)
    BLEU = 24.12 (nrefs:1|case:mixed|tok:13a)
    """

    name: str
    value: float
    signature: str

    @property
    def errors(self) -> None:
        """None: it is no share of a count, unlike an error rate."""

    @property
    def total(self) -> None:
        """None, likewise."""

    @property
    def text(self) -> str:
        """The score as it can be quoted."""
        return f"{self.name} = {self.value:.2f} ({self.signature})"


@dataclass(frozen=True, eq=False)
class TranslationCounts:
    """What a score is made of, by sentence.

    Parameters
    ----------
    metric : str
        ``BLEU`` or ``chrF``.
    table : ndarray [N, K], int64
        Of BLEU: words of the hypothesis and of the reference, then matching n-grams
        and n-grams of the hypothesis for n from 1 to 4. Of chrF: for n from 1 to 6,
        n-grams of characters of the hypothesis, of the reference, and matching ones.
    signature : str
        Of sacrebleu.

    Example
    -------
    >>> counts = count_translations("BLEU", ["a b c d e"], ["a b c d x"])
    >>> counts.table.tolist()
    [[5, 5, 4, 3, 2, 1, 5, 4, 3, 2]]
    >>> counts.signature
    'nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:...'
    """

    metric: str
    table: np.ndarray
    signature: str

    def __len__(self) -> int:
        return len(self.table)

    @property
    def references(self) -> np.ndarray:
        """Columns that tell of the references alone: equal for the same texts."""
        return self.table[:, 1:2] if self.metric == "BLEU" else self.table[:, 1::3]

    def among(self, places: np.ndarray) -> "TranslationCounts":
        """Counts of some of the sentences: numbers or a mask of them.

        Example
        -------
        >>> counts = count_translations("chrF", ["abc", "d"], ["abc", "e"])
        >>> counts.among([0]).score().value
        100.0
        """
        return TranslationCounts(self.metric, self.table[places], self.signature)

    def score(self) -> TranslationScore:
        """Score of all sentences together.

        Example
        -------
        >>> references, hypotheses = ["le chat dort ici"], ["le chat dort là"]
        >>> round(count_translations("BLEU", references, hypotheses).score().value, 2)
        59.46
        """
        if not len(self):
            raise ZeroDivisionError(f"{self.metric} has no value: there is no sentence")
        value = FORMULAS[self.metric](self.table.sum(axis=0))
        return TranslationScore(self.metric, float(value), self.signature)


def bleu_tokenizer(language: str) -> str:
    """How BLEU cuts a language: Chinese and Japanese into characters, else 13a.

    Parameters
    ----------
    language : str
        Target of the translation, with a region or without.

    Example
    -------
    >>> [bleu_tokenizer(name) for name in ("en", "zh-CN", "ja")]
    ['13a', 'char', 'char']
    """
    name = language.replace("_", "-").partition("-")[0]
    return CHARACTERS if name in WITHOUT_SPACES else WORDS


def count_translations(
    metric: str,
    references: Sequence[str],
    hypotheses: Sequence[str],
    *,
    tokenize: str = WORDS,
) -> TranslationCounts:
    """Counts of each sentence as sacrebleu makes them: cased, with punctuation.

    Parameters
    ----------
    metric : str
        ``BLEU`` of n-grams of words up to four, with exponential smoothing where an
        order has no match; ``chrF`` of n-grams of characters up to six, without
        spaces, recall counting twice as much as precision.
    references, hypotheses : sequence of str
        One text a sentence, in the same order; a hypothesis may be empty.
    tokenize : str
        How BLEU finds the words; see ``bleu_tokenizer``. Of no meaning to chrF.

    Returns
    -------
    TranslationCounts

    Raises
    ------
    InputError
        For another tokeniser than sacrebleu's.

    Example
    -------
    >>> counts = count_translations("BLEU", ["你好吗"], ["你好！"], tokenize="char")
    >>> counts.table[0, :3].tolist()
    [3, 3, 2]
    """
    if len(references) != len(hypotheses):
        raise ValueError(
            f"{len(references)} reference and {len(hypotheses)} hypothesis texts; "
            "there must be as many"
        )
    counter = _counter(metric, tokenize)
    # An empty sentence more: of none, sacrebleu knows neither columns nor signature.
    rows = counter._extract_corpus_statistics([*hypotheses, ""], [[*references, ""]])
    table = np.array(rows, dtype=np.int64)[:-1]
    return TranslationCounts(metric, table, str(counter.get_signature()))


def _counter(metric: str, tokenize: str) -> Metric:
    """Metric of sacrebleu, which counts."""
    if metric not in TRANSLATION_METRICS:
        raise ValueError(f"metric must be one of {TRANSLATION_METRICS}, got {metric!r}")
    if tokenize not in TOKENIZERS:
        raise InputError(
            f"tokenize of BLEU is {tokenize!r}; it must be one of {TOKENIZERS}"
        )
    # Forced, else a log complains of hypotheses that end in " .".
    return BLEU(tokenize=tokenize, force=True) if metric == "BLEU" else CHRF()
