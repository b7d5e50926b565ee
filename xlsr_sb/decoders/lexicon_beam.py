"""Beam search over the words of a lexicon, weighed by an n-gram of words."""

import math
from itertools import islice

import numpy as np
from torch import Tensor

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.flashlight import (
    NEVER,
    UNKNOWN,
    Result,
    frames_of,
    library,
    load_kenlm,
    results_of,
)
from xlsr_sb.decoders.hypothesis import Alignment, Hypothesis, space_of
from xlsr_sb.decoders.language_model import check_language_model
from xlsr_sb.decoders.lexicon import Lexicon
from xlsr_sb.decoders.search import Beam, Weights
from xlsr_sb.errors import InputError

KNOWN_SHARE = 0.5  # of a lexicon's words; with fewer it is another's language model


class LexiconDecoder:
    """CTC beam search in C++ over sequences of known words.

    Parameters
    ----------
    vocabulary : Vocabulary
        Of characters.
    words : LexiconWords
        What ``LexiconWords.load`` made.
    beam : Beam
    weights : Weights

    Example
    -------
    >>> import torch
    >>> vocabulary = Vocabulary.of(["no on"])
    >>> words = LexiconWords(Lexicon.of_words(["no", "on"], vocabulary), vocabulary)
    >>> log_probs = torch.full((1, 2, 5), 0.1)
    >>> log_probs[0, 0, 3] = log_probs[0, 1, 4] = 0.6  # n, o
    >>> decoder = LexiconDecoder(vocabulary, words)
    >>> [[best]] = decoder.decode(log_probs.log(), num_frames=torch.tensor([2]))
    >>> best.text, best.words[0].end
    ('no', 2)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        words: "LexiconWords",
        *,
        beam: Beam = Beam(),  # noqa: B008 - it is frozen
        weights: Weights = Weights(),  # noqa: B008
    ):
        self.vocabulary, self.words = vocabulary, words
        self.beam, self.weights = beam, weights
        decoders = library()
        options = decoders.LexiconDecoderOptions(
            word_score=weights.word_score,
            unk_score=-math.inf,
            **weights.options(),
            **beam.options(len(vocabulary)),
        )
        self._decoder = decoders.LexiconDecoder(
            options,
            words.trie,
            words.lm,
            words.space,
            vocabulary.blank,
            words.unknown,
            [],
            False,
        )

    def weighed(self, weights: Weights) -> "LexiconDecoder":
        """Decoder of the same words and language model with other weights."""
        return LexiconDecoder(
            self.vocabulary, self.words, beam=self.beam, weights=weights
        )

    def decode(
        self, log_probs: Tensor, *, num_frames: Tensor
    ) -> list[list[Hypothesis]]:
        """Likeliest sequences of words of each utterance, the best first.

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
        ended = self._ended(frames)
        best = self._results(self.beam.likely(ended))
        if best[0].score < NEVER / 2:  # no known words are made of likely tokens
            best = self._results(ended)
        return [self._hypothesis(one, frames) for one in best]

    def _results(self, frames: np.ndarray) -> list[Result]:
        """Best results of flashlight."""
        # All end with the same space, so flashlight has merged those of the same words.
        return list(islice(results_of(self._decoder, frames), self.beam.num_best))

    def _ended(self, frames: np.ndarray) -> np.ndarray:
        """Frames and one more, in which the space after the last word costs nothing.

        Every spelling ends with a space, but few utterances do. Where the last word has
        its space already, another one says nothing.
        """
        end = np.full((1, frames.shape[1]), NEVER, dtype=np.float32)
        end[0, self.words.space] = 0.0
        return np.concatenate((frames, end))

    def _hypothesis(self, result: Result, frames: np.ndarray) -> Hypothesis:
        """Hypothesis of a result; a word that was only begun is left out."""
        ends = np.flatnonzero(result.labels >= 0)
        blank = self.vocabulary.blank
        path = np.full(len(frames), blank, dtype=np.int32)
        if len(ends):
            path[: ends[-1] + 1] = result.path[: len(frames)][: ends[-1] + 1]
        log_probs = frames[np.arange(len(frames)), path]
        alignment = Alignment(path, log_probs, blank=blank, space=self.words.space)
        texts = tuple(self.words.shown[label] for label in result.labels[ends])
        tokens = tuple(alignment.tokens())
        return Hypothesis(
            " ".join(texts), tokens, result.score, alignment, self.vocabulary, texts
        )


class LexiconWords:
    """Words of a lexicon as a tree of their spellings, and the language model of them.

    Parameters
    ----------
    lexicon : Lexicon
    vocabulary : Vocabulary
    lm : str, optional
        Path of the language model; without it all words are alike.

    Raises
    ------
    InputError
        If most words are unknown to the language model.
    """

    def __init__(
        self, lexicon: Lexicon, vocabulary: Vocabulary, *, lm: str | None = None
    ):
        decoders = library()
        words = list(dict.fromkeys(word for word, _ in lexicon.entries))
        self.space = space_of(vocabulary)
        self.unknown = len(words)
        self.lm = load_kenlm(lm, [*words, UNKNOWN]) if lm else decoders.ZeroLM()
        self.shown: dict[int, str] = {}
        place = {word: index for index, word in enumerate(words)}
        start = self.lm.start(False)
        scores = [self.lm.score(start, index)[1] for index in range(len(words))]
        if lm:
            self._check_known(lm, scores, self.lm.score(start, self.unknown)[1])
        self.trie = decoders.Trie(len(vocabulary), self.space)
        for (word, spelling), shown in lexicon.entries.items():
            index = place[word]
            self.trie.insert([*spelling, self.space], index, scores[index])
            self.shown[index] = shown
        self.trie.smear(decoders.SmearingMode.MAX)

    @classmethod
    def load(
        cls, vocabulary: Vocabulary, *, lm: str | None, lexicon: str | None
    ) -> "LexiconWords":
        """Words of a file, or those that a language model knows.

        Parameters
        ----------
        vocabulary : Vocabulary
        lm, lexicon : str, optional
            Paths, one of them at least.

        Raises
        ------
        InputError
            If a file cannot be used.
        """
        library()
        file = check_language_model(lm) if lm else None
        if lexicon:
            entries = Lexicon.load(lexicon, vocabulary)
        elif file:
            entries = Lexicon.of_words(file.words(), vocabulary)
        else:
            raise InputError("decoder: kind lexicon needs lm, or lexicon, or both")
        entries.report(lexicon or str(lm))
        return cls(entries, vocabulary, lm=lm)

    @staticmethod
    def _check_known(lm: str, scores: list[float], unknown: float) -> None:
        """Raise unless the language model knows enough of the words."""
        known = sum(not math.isclose(score, unknown) for score in scores)
        if known < KNOWN_SHARE * len(scores):
            raise InputError(
                f"{lm} knows {known} of the {len(scores)} words of the lexicon; is it "
                "of this language, of words, and in the same case?"
            )
