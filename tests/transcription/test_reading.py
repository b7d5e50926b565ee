"""From hypotheses to words and texts.

Seen to fail: pieces joined by a space where no word ends; characters of a script
without spaces as one word; frames counted from the beginning of a piece.
"""

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.greedy import GreedyDecoder
from xlsr_sb.decoders.hypothesis import Alignment, Hypothesis
from xlsr_sb.transcription.reading import Piece, text_of


def best_of(path, vocabulary, sure=1.0):
    """Hypothesis whose best path says these tokens."""
    ids = [vocabulary.blank if c == "_" else vocabulary.tokens.index(c) for c in path]
    probs = one_hot(torch.tensor(ids), len(vocabulary)).float() * sure
    count = torch.tensor([len(ids)])
    [[best]] = GreedyDecoder(vocabulary).decode(probs.log()[None], num_frames=count)
    return best


def words_of(piece):
    """Text and frames of each word."""
    return [(word.text, word.start, word.end) for word in piece.words]


@pytest.mark.parametrize("cut", range(1, 13))
def test_text_of_pieces_is_that_of_the_whole(cut):
    """With a space before the cut, behind it, or none; never in the middle of one."""
    vocabulary = Vocabulary.of(["ab"])
    path = "ab_b a__ _ba_"
    pieces = [
        Piece.of(best_of(part, vocabulary), first_frame=first)
        for part, first in ((path[:cut], 0), (path[cut:], cut))
    ]
    assert text_of(pieces, vocabulary) == "abb a ba"
    words = [word for piece in pieces for word in words_of(piece)]
    assert words[0][1] == 0
    assert words[-1][2] == 12


def test_words_of_a_lexicon():
    """Their pieces are joined by spaces, and texts are not spelled by tokens."""
    vocabulary = Vocabulary.of(["ab"])
    alignment = Alignment(np.array([3, 4]), np.zeros(2), blank=0, space=2)
    texts = (("Ab",), ("AB",))
    pieces = [
        Piece.of(
            Hypothesis(text[0], (3, 4), 0.0, alignment, vocabulary, text), first_frame=9
        )
        for text in texts
    ]
    assert text_of([*pieces, Piece("", None, ())], vocabulary) == "Ab AB"
    assert words_of(pieces[0]) == [("Ab", 9, 11)]


def test_scripts_without_spaces():
    """Each character is a word; letters among them stay together."""
    vocabulary = Vocabulary.of(["你好世界 ab"])
    piece = Piece.of(best_of("_你你_好ab_b世 ab", vocabulary), first_frame=100)
    assert piece.text == "你好abb世 ab"
    assert words_of(piece) == [
        *[("你", 101, 103), ("好", 104, 105), ("abb", 105, 109), ("世", 109, 110)],
        ("ab", 111, 113),
    ]
    sure = Piece.of(best_of("你好", vocabulary, sure=0.25), first_frame=0)
    assert [word.confidence for word in sure.words] == pytest.approx([0.25, 0.25])


def test_symbols():
    """Each is a word, in every piece."""
    vocabulary = Vocabulary.of(["t a tʃ"], units="tokens")
    first, second = (
        Piece.of(best_of(path, vocabulary), first_frame=4 * number)
        for number, path in enumerate([["t", "_", "tʃ", "tʃ"], ["_", "tʃ", "a"]])
    )
    assert text_of([first, second], vocabulary) == "t tʃ tʃ a"
    assert words_of(first) == [("t", 0, 1), ("tʃ", 2, 4)]
    assert words_of(second) == [("tʃ", 5, 6), ("a", 6, 7)]
