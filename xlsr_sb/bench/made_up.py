"""A made-up language, and what a model hears of it: material to decode words from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.estimation import NGrams

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORD_LENGTHS = 2, 9  # letters
NUM_FOLLOWERS = 10  # words that come after each word
WORDS_PER_SENTENCE = 12
FRAMES_PER_TOKEN = 5  # the first says it, the others are blank
NOISE = 1.6  # standard deviation of all logits
ORDER = 3  # of the language model


@dataclass(frozen=True)
class Heard:
    """Utterances as a model heard them.

    Parameters
    ----------
    log_probs : list of float32 Tensor [F, V]
    references : list of str
    """

    log_probs: list[Tensor]
    references: list[str]

    @property
    def num_frames(self) -> int:
        """Of all utterances."""
        return sum(map(len, self.log_probs))


class Language:
    """Random words, each followed by some others only; the same for the same seed.

    Parameters
    ----------
    num_words : int
    seed : int

    Example
    -------
    >>> language = Language(100, seed=0)
    >>> [sentence] = language.sentences(1)
    >>> len(sentence), language.words[0] in language.vocabulary.decode(range(3, 29))
    (12, False)
    >>> heard = language.heard(2, margins=(20.0, 20.0))
    >>> first = heard.log_probs[0].argmax(dim=-1)
    >>> language.vocabulary.decode(first[first > 0].tolist()) == heard.references[0]
    True
    """

    def __init__(self, num_words: int, *, seed: int):
        self.generator = np.random.default_rng(seed)
        low, high = WORD_LENGTHS
        lengths = self.generator.integers(low, high, num_words, endpoint=True)
        words = ["".join(self.generator.choice(list(LETTERS), n)) for n in lengths]
        self.words = list(dict.fromkeys(words))
        shape = len(self.words), NUM_FOLLOWERS
        self.followers = self.generator.integers(0, len(self.words), shape)
        self.vocabulary = Vocabulary.of([LETTERS])

    def sentences(self, number: int) -> list[list[str]]:
        """Sentences of words, drawn anew.

        Parameters
        ----------
        number : int
        """
        return [self._sentence() for _ in range(number)]

    def _sentence(self) -> list[str]:
        """Words of which each follows the one before."""
        place, sentence = self.generator.integers(len(self.words)), []
        for _ in range(WORDS_PER_SENTENCE):
            sentence.append(self.words[place])
            # The first followers are much commoner than the last.
            chosen = int(NUM_FOLLOWERS * self.generator.random() ** 3)
            place = self.followers[place, chosen]
        return sentence

    def write(self, folder: Path, *, num_sentences: int) -> tuple[str, str]:
        """Write a language model, estimated from sentences, and a list of all words.

        Parameters
        ----------
        folder : Path
        num_sentences : int

        Returns
        -------
        str, str
            Paths of the ARPA file and of the list.
        """
        lm, lexicon = folder / "lm.arpa", folder / "words.txt"
        NGrams.estimate(self.sentences(num_sentences), order=ORDER).save(lm)
        lexicon.write_text("\n".join(self.words) + "\n", encoding="utf-8")
        return str(lm), str(lexicon)

    def heard(self, number: int, *, margins: tuple[float, float]) -> Heard:
        """Sentences, and noisy log-probabilities of their letters.

        Parameters
        ----------
        number : int
        margins : tuple of float
            Least and most that the right token's logit is above the others'; drawn
            for each word, as some are clearer than others.
        """
        sentences = self.sentences(number)
        return Heard(
            [self._log_probs(one, margins) for one in sentences],
            [" ".join(one) for one in sentences],
        )

    def _log_probs(self, words: Sequence[str], margins: tuple[float, float]) -> Tensor:
        """Log-probabilities [F, V] of a sentence."""
        tokens = self.vocabulary.encode(" ".join(words))
        margin = [[self.generator.uniform(*margins)] * (len(one) + 1) for one in words]
        path = np.zeros((len(tokens), FRAMES_PER_TOKEN), dtype=int)
        path[:, 0] = tokens
        path = path.ravel()
        logits = self.generator.normal(0, NOISE, (len(path), len(self.vocabulary)))
        by_frame = np.repeat(np.concatenate(margin)[:-1], FRAMES_PER_TOKEN)
        logits[np.arange(len(path)), path] += by_frame
        return torch.from_numpy(logits).float().log_softmax(dim=-1)
