"""What a search returns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hypothesis:
    """A sequence of tokens that was found for an utterance.

    Parameters
    ----------
    tokens : tuple of int
        With the forced prefix, so with the language code that stands first; without
        start, end and padding.
    score : float
        Natural logarithm of the probability after the prefix, divided by the number of
        tokens (with the prefix, and with the end where there is one) to the power of
        the length penalty.
    finished : bool
        Whether the model ended it; False where ``max_tokens`` did.

    Example
    -------
    >>> Hypothesis(tokens=(9, 5, 6), score=-0.25, finished=True).tokens
    (9, 5, 6)
    """

    tokens: tuple[int, ...]
    score: float
    finished: bool
