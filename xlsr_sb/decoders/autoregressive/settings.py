"""How sequences are searched for."""

import math
from dataclasses import dataclass

from xlsr_sb.errors import InputError

STOPPING = (False, True, "never")


@dataclass(frozen=True)
class SearchSettings:
    """Numbers of a search; names mean what they mean in transformers' ``generate``.

    Parameters
    ----------
    beam_size : int
        Sequences that are followed at once. With 1 the likeliest token is taken each
        time (greedy), and ``early_stopping`` means nothing.
    max_tokens : int
        Tokens after the start, with the forced prefix and the end.
    length_penalty : float
        Power of the number of tokens that scores are divided by: above 0 long sequences
        gain, below 0 short ones.
    early_stopping : bool or "never"
        True: an utterance is done when ``beam_size`` sequences have ended. False: not
        before the best running one, as long as it is now, would score less than all of
        these. ``"never"``: not before no longer one can.
    num_best : int
        Sequences that are returned for an utterance.
    no_repeat_ngram : int
        No run of so many tokens comes twice in a sequence, start and prefix counted; 0
        allows all.
    min_tokens : int
        The end is not among the first so many tokens, the prefix counted.
    force_eos : bool
        Whether the last of ``max_tokens`` is the end, at no cost: what transformers
        does where a configuration has ``forced_eos_token_id``, as mBART's have.

    Example
    -------
    >>> SearchSettings(beam_size=5, max_tokens=60).num_best
    1
    >>> SearchSettings(beam_size=5, max_tokens=60, num_best=6)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: decoding: num_best is 6; it must be in 1 to 5, which is \
beam_size
    """

    beam_size: int
    max_tokens: int
    length_penalty: float = 1.0
    early_stopping: bool | str = False
    num_best: int = 1
    no_repeat_ngram: int = 0
    min_tokens: int = 0
    force_eos: bool = False

    def __post_init__(self):
        """Refuse numbers that nothing can be searched with."""
        self._check("beam_size", self.beam_size >= 1, "at least 1")
        self._check("max_tokens", self.max_tokens >= 1, "at least 1")
        is_finite = math.isfinite(self.length_penalty)
        self._check("length_penalty", is_finite, "a finite number")
        is_known = any(self.early_stopping is known for known in STOPPING[:2])
        is_known = is_known or self.early_stopping == STOPPING[2]
        self._check("early_stopping", is_known, f"one of {STOPPING}")
        allowed = f"in 1 to {self.beam_size}, which is beam_size"
        self._check("num_best", 1 <= self.num_best <= self.beam_size, allowed)
        self._check("no_repeat_ngram", self.no_repeat_ngram >= 0, "at least 0")
        allowed = f"in 0 to {self.max_tokens}, which is max_tokens"
        self._check("min_tokens", 0 <= self.min_tokens <= self.max_tokens, allowed)

    def _check(self, name: str, is_allowed: bool, allowed: str) -> None:
        """Raise unless a value can be used."""
        if not is_allowed:
            value = getattr(self, name)
            raise InputError(f"decoding: {name} is {value!r}; it must be {allowed}")

    @property
    def stops_when_full(self) -> bool:
        """Whether ``beam_size`` ended sequences are enough."""
        return self.early_stopping is True or self.beam_size == 1

    def divisor(self, num_tokens: int) -> float:
        """What the score of a sequence of so many tokens is divided by.

        Parameters
        ----------
        num_tokens : int

        Returns
        -------
        float

        Example
        -------
        >>> SearchSettings(beam_size=1, max_tokens=9, length_penalty=2.0).divisor(3)
        9.0
        """
        return float(num_tokens**self.length_penalty)

    def best_divisor(self, num_tokens: int) -> float:
        """What the score of a running sequence is divided by to see what it may become.

        Parameters
        ----------
        num_tokens : int
            That it has now.

        Returns
        -------
        float

        Example
        -------
        >>> shared = {"beam_size": 2, "max_tokens": 9}
        >>> SearchSettings(**shared).best_divisor(3)
        3.0
        >>> SearchSettings(**shared, early_stopping="never").best_divisor(3)
        9.0
        """
        if self.early_stopping == "never" and self.length_penalty > 0:
            return self.divisor(self.max_tokens)
        return self.divisor(num_tokens)
