"""Prefix beam search without a lexicon: any text, weighed by an n-gram if wanted."""

from copy import copy
from dataclasses import replace

import numpy as np
from torch import Tensor

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.flashlight import (
    Result,
    frames_of,
    library,
    load_kenlm,
    results_of,
)
from xlsr_sb.decoders.hypothesis import BOUNDARIES, Alignment, Hypothesis, space_of
from xlsr_sb.decoders.language_model import check_language_model
from xlsr_sb.decoders.search import Beam, Weights
from xlsr_sb.errors import InputError


class BeamDecoder:
    """CTC prefix beam search over all texts, in C++.

    The search knows a prefix by its tokens and by whether a blank ends it; both are
    added in the end, as are texts that differ by spaces at their ends only.

    Parameters
    ----------
    vocabulary : Vocabulary
    beam : Beam
    lm : str, optional
        Language model of tokens: ARPA, gzipped ARPA or KenLM's binary, in which ``|``
        or ``<space>`` stands between words.
    weights : Weights
        Without a language model, and without a space, they add nothing.

    Example
    -------
    >>> import math, torch
    >>> log_probs = torch.tensor([[[0.6, 0, 0, 0.4], [0.6, 0, 0, 0.4]]]).log()
    >>> decoder = BeamDecoder(Vocabulary.of(["a"]), beam=Beam(num_best=2))
    >>> [best] = decoder.decode(log_probs, num_frames=torch.tensor([2]))
    >>> [(one.text, round(math.exp(one.score), 2)) for one in best]
    [('a', 0.64), ('', 0.36)]
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        beam: Beam = Beam(),  # noqa: B008 - it is frozen
        weights: Weights = Weights(),  # noqa: B008
        lm: str | None = None,
    ):
        self.vocabulary, self.beam, self.weights = vocabulary, beam, weights
        self.space = space_of(vocabulary)
        self._lm = self._language_model(lm) if lm else library().ZeroLM()
        self._decoder = self._search()

    def weighed(self, weights: Weights) -> "BeamDecoder":
        """Decoder with the same language model and other weights."""
        other = copy(self)
        other.weights = weights
        other._decoder = other._search()
        return other

    def _search(self):
        """Flashlight's decoder."""
        nothing = -1  # is no token
        weights = self.weights
        if self.space is None:
            weights = replace(weights, space_score=0.0)
        options = library().LexiconFreeDecoderOptions(
            **weights.options(), **self.beam.options(len(self.vocabulary))
        )
        space = nothing if self.space is None else self.space
        return library().LexiconFreeDecoder(
            options, self._lm, space, self.vocabulary.blank, []
        )

    def decode(
        self, log_probs: Tensor, *, num_frames: Tensor
    ) -> list[list[Hypothesis]]:
        """Likeliest texts of each utterance, the best first.

        Parameters
        ----------
        log_probs : Tensor [B, F, V]
        num_frames : LongTensor [B]

        Returns
        -------
        list of list of Hypothesis
        """
        return [
            self._hypotheses(frames)
            for frames in frames_of(log_probs, num_frames=num_frames)
        ]

    def _hypotheses(self, frames: np.ndarray) -> list[Hypothesis]:
        """Hypotheses of one utterance."""
        if not len(frames):
            nothing = np.zeros(0)
            return [self._hypothesis(Result(0.0, nothing.astype(int), nothing), frames)]
        results = ((self._key(one), one) for one in results_of(self._decoder, frames))
        return [self._hypothesis(one, frames) for one in self.beam.merged(results)]

    def _key(self, result: Result) -> tuple[int, ...]:
        """Tokens of a result, without spaces at the ends."""
        tokens = self._alignment(result, result.labels).tokens()
        start, end = 0, len(tokens)
        while start < end and tokens[start] == self.space:
            start += 1
        while end > start and tokens[end - 1] == self.space:
            end -= 1
        return tuple(tokens[start:end])

    def _hypothesis(self, result: Result, frames: np.ndarray) -> Hypothesis:
        """Hypothesis of a result."""
        log_probs = frames[np.arange(len(frames)), result.path]
        alignment = self._alignment(result, log_probs)
        return Hypothesis.of(alignment, self.vocabulary, score=result.score)

    def _alignment(self, result: Result, log_probs: np.ndarray) -> Alignment:
        """Path of a result."""
        blank = self.vocabulary.blank
        return Alignment(result.path, log_probs, blank=blank, space=self.space)

    def _language_model(self, path: str):
        """Language model that knows the tokens by their ids."""
        file = check_language_model(path)
        names = list(self.vocabulary.tokens)
        if self.space is not None:
            known = {*BOUNDARIES}.intersection(file.words())
            if not known:
                raise InputError(
                    f"{path} has none of {BOUNDARIES}; a beam search without a lexicon "
                    "needs a language model of characters with one of these between "
                    "words: xlsr-sb build-lm --unit characters; for one of words take "
                    "decoder: kind lexicon"
                )
            names[self.space] = known.pop()
        return load_kenlm(path, names)
