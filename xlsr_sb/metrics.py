"""Error rates as counts that add up, the baseline they must beat, and alignments."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

import jiwer
from rapidfuzz.distance import Levenshtein
from speechbrain.dataio.wer import print_alignments, print_wer_summary
from speechbrain.utils.edit_distance import wer_details_for_batch, wer_summary


@dataclass(frozen=True, slots=True)
class Score:
    """Errors among a number of units; scores of parts add up to that of the whole.

    Parameters
    ----------
    name : str
        What is measured: ``WER``, ``CER``...
    errors : int
        Substitutions, deletions and insertions.
    total : int
        Units of the references.

    Example
    -------
    >>> score = Score("WER", errors=1, total=3) + Score("WER", errors=0, total=1)
    >>> score.errors, score.total, score.value
    (1, 4, 0.25)
    """

    name: str
    errors: int
    total: int

    @property
    def value(self) -> float:
        """Errors divided by units; above 1 where insertions abound."""
        if self.total == 0:
            raise ZeroDivisionError(
                f"{self.name} has no value: the references are empty"
                f" ({self.errors} errors in 0 units)"
            )
        return self.errors / self.total

    def __add__(self, other: "Score") -> "Score":
        """Score of both parts together."""
        if not isinstance(other, Score):
            return NotImplemented
        if other.name != self.name:
            raise ValueError(f"a {self.name} and a {other.name} cannot be added")
        return Score(self.name, self.errors + other.errors, self.total + other.total)


def word_errors(references: Sequence[str], hypotheses: Sequence[str]) -> Score:
    """Word errors as jiwer counts them.

    Parameters
    ----------
    references, hypotheses : sequence of str
        One text an utterance, in the same order. Against an empty reference every
        word of the hypothesis is an insertion.

    Returns
    -------
    Score

    Example
    -------
    >>> word_errors(["a b c", ""], ["a x c", "b"])
    Score(name='WER', errors=2, total=3)
    """
    return _score("WER", jiwer.process_words(list(references), list(hypotheses)))


def character_errors(references: Sequence[str], hypotheses: Sequence[str]) -> Score:
    """Character errors as jiwer counts them: spaces inside a text are characters.

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
    Score(name='CER', errors=2, total=5)
    """
    return _score("CER", jiwer.process_characters(list(references), list(hypotheses)))


def _score(name: str, output: jiwer.WordOutput | jiwer.CharacterOutput) -> Score:
    """Score made of jiwer's counts."""
    misses = output.substitutions + output.deletions
    return Score(name, misses + output.insertions, output.hits + misses)


def constant_output_errors(references: Sequence[str]) -> Score:
    """Character errors of the best text found that ignores the audio.

    Tried: the empty text (always 1.0), the commonest references, and a text grown
    character by character as long as it comes closer to a sample of them. It often
    reaches 0.7 to 0.8: a model must do better to have learnt from what it hears.

    Parameters
    ----------
    references : sequence of str

    Returns
    -------
    Score

    Example
    -------
    >>> constant_output_errors(["yes", "yes", "no"])
    Score(name='CER', errors=3, total=8)
    """
    commonest = [text for text, _ in Counter(references).most_common(5)]
    scores = [
        character_errors(references, [text] * len(references))
        for text in ["", *commonest, _grown_text(references)]
    ]
    return min(scores, key=lambda score: score.errors)


def _grown_text(references: Sequence[str], *, max_characters: int = 6_000) -> str:
    """Text grown by insertions, each the one that brings it closest to a sample."""
    stride = 1 + sum(map(len, references)) // max_characters
    sample = references[::stride]
    characters = [c for c, _ in Counter("".join(sample)).most_common(8)]
    best, distance = "", sum(map(len, sample))
    while characters:
        longer = {
            best[:place] + character + best[place:]: None  # a dict: no text twice
            for place in range(len(best) + 1)
            for character in characters
        }
        distances = {t: sum(Levenshtein.distance(s, t) for s in sample) for t in longer}
        closest = min(distances, key=distances.__getitem__)
        if distances[closest] >= distance:
            break
        best, distance = closest, distances[closest]
    return best


def alignment_report(
    ids: Sequence[str], references: Sequence[str], hypotheses: Sequence[str]
) -> str:
    """Text of SpeechBrain's ``wer.txt``: word errors, then each alignment.

    Parameters
    ----------
    ids, references, hypotheses : sequence of str
        One entry an utterance, in the same order.

    Returns
    -------
    str

    Example
    -------
    >>> report = alignment_report(["u1"], ["a b"], ["a"]).splitlines()
    >>> print(report[0], *report[-3:], sep="|")
    %WER 50.00 [ 1 / 2, 0 ins, 1 del, 0 sub ]|a ;   b  |= ;   D  |a ; <eps>
    """
    details = []
    # One by one: in one call, utterances of the same id would replace each other.
    for name, *texts in zip(ids, references, hypotheses, strict=True):
        words = map(jiwer.wer_default, texts)  # split as in `word_errors`
        details += wer_details_for_batch([name], *words, compute_alignments=True)
    report = StringIO()
    if details:  # SpeechBrain divides by their number
        print_wer_summary(wer_summary(details), file=report)
        print_alignments(details, file=report)
    return report.getvalue()
