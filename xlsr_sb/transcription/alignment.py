"""Where the words of a given text are said."""

import math
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from torchaudio.functional import forced_align

from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.hypothesis import Alignment, Segment, Word, space_of
from xlsr_sb.errors import InputError
from xlsr_sb.transcription.spelling import Spelt, spell, target_of

MAX_CELLS = 1_000_000_000  # frames x states, a byte each


@dataclass(frozen=True)
class GivenText:
    """A text that is known, ready to be found in a recording.

    Parameters
    ----------
    words : tuple of Spelt
    vocabulary : Vocabulary or PeerVocabulary

    Example
    -------
    >>> vocabulary = Vocabulary.of(["oui"])
    >>> log_probs = torch.eye(6)[torch.tensor([0, 4, 5, 5, 3, 0, 0, 0])]
    >>> log_probs = (log_probs + 0.01).log()
    >>> GivenText.of("Oui !", vocabulary).align(log_probs)[0].text
    'Oui !'
    """

    words: tuple[Spelt, ...]
    vocabulary: Vocabulary | PeerVocabulary

    @classmethod
    def of(cls, text: str, vocabulary: Vocabulary | PeerVocabulary) -> "GivenText":
        """Text in the tokens of a model."""
        return cls(tuple(spell(text, vocabulary)), vocabulary)

    def check_size(self, num_frames: int) -> None:
        """Raise if text and recording are too long to be aligned at once.

        Parameters
        ----------
        num_frames : int
            Of the recording, about.

        Raises
        ------
        InputError
            Naming both lengths.
        """
        tokens, _ = self._target()
        if num_frames * (2 * len(tokens) + 1) > MAX_CELLS:
            raise InputError(
                f"the text has {len(tokens)} letters and the recording {num_frames} "
                "frames, which is too much to be aligned at once; cut both into parts "
                "of some minutes"
            )

    def align(self, log_probs: Tensor) -> tuple[Word, ...]:
        """Words of the text on the likeliest path through all frames.

        A word of which the model knows nothing takes what the others leave.

        Parameters
        ----------
        log_probs : Tensor [F, V]

        Returns
        -------
        tuple of Word

        Raises
        ------
        InputError
            If the text has more tokens than there are frames, or both are too long.
        """
        self.check_size(len(log_probs))
        tokens, counts = self._target()
        repeats = sum(a == b for a, b in zip(tokens, tokens[1:], strict=False))
        if len(tokens) + repeats > len(log_probs):
            raise InputError(
                f"the text needs {len(tokens) + repeats} frames and the recording has "
                f"{len(log_probs)}; is it the text of this recording?"
            )
        if not tokens:
            return ()
        log_probs = log_probs.detach().float().cpu()
        anything = log_probs.new_zeros(len(log_probs), 1)
        path, scores = forced_align(
            torch.cat([log_probs, anything], dim=1)[None],
            torch.tensor([tokens], dtype=torch.int32),
            blank=self.vocabulary.blank,
        )
        alignment = Alignment(
            path[0].numpy(), scores[0].numpy(), blank=self.vocabulary.blank, space=None
        )
        space = space_of(self.vocabulary)
        said = (one for one in alignment.segments() if one.tokens != (space,))
        return tuple(
            _word(word, list(islice(said, count)))
            for word, count in zip(self.words, counts, strict=True)
        )

    def _target(self) -> tuple[list[int], list[int]]:
        """Tokens, and how many each word has."""
        return target_of(
            self.words,
            space=space_of(self.vocabulary),
            unknown=len(self.vocabulary.tokens),
        )


def _word(word: Spelt, said: list[Segment]) -> Word:
    """Word of its tokens."""
    confidence = 0.0
    if word.tokens and all(one.confidence > 0 for one in said):
        logs = [math.log(one.confidence) for one in said]
        confidence = math.exp(sum(logs) / len(logs))
    return Word(word.text, said[0].start, said[-1].end, confidence)
