"""The baseline that error rates must beat."""

from collections import Counter
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from xlsr_sb.metrics.classification import ERROR
from xlsr_sb.metrics.counts import character_errors
from xlsr_sb.metrics.score import Score


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
    Score(name='CER', errors=3, total=8, substitutions=2, deletions=0, insertions=1)
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


def constant_answer(references: Sequence[str]) -> Score:
    """Errors of answering the most frequent class always.

    Parameters
    ----------
    references : sequence of str
        One class an utterance, at least one.

    Example
    -------
    >>> constant_answer(["fr", "it", "fr"]).errors
    1
    """
    most = max(Counter(references).values())
    return Score(ERROR, len(references) - most, len(references))
