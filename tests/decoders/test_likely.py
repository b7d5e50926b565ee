"""The search of a lexicon tries no improbable tokens, where it can do without."""

import numpy as np
import pytest
import torch

from tests.decoders.brute_force import VOCABULARY
from xlsr_sb.decoders.lexicon import Lexicon
from xlsr_sb.decoders.lexicon_beam import LexiconDecoder, LexiconWords
from xlsr_sb.decoders.search import Beam, Weights
from xlsr_sb.errors import InputError

A, B = 3, 4


def decoded(words, tokens, **beam):
    """Hypotheses of frames that say these tokens, others being as likely as 0.0001."""
    log_probs = torch.full((len(tokens), len(VOCABULARY)), 1e-4)
    log_probs[range(len(tokens)), tokens] = 1.0
    lexicon = Lexicon.of_words(words, VOCABULARY)
    decoder = LexiconDecoder(
        VOCABULARY,
        LexiconWords(lexicon, VOCABULARY),
        beam=Beam(threshold=100.0, num_best=10, **beam),
        weights=Weights(0.0, 0.0),
    )
    num_frames = torch.tensor([len(tokens)])
    return decoder.decode(log_probs.log()[None], num_frames=num_frames)[0]


def test_words_of_improbable_tokens_are_left_out():
    """Unless all tokens are asked for; the best is the same."""
    words = ["a", "ab", "b"]
    likely = decoded(words, [A, A, 0])
    every = decoded(words, [A, A, 0], min_probability=0.0)
    assert [one.text for one in likely] == ["a"]
    assert {one.text for one in every} > {"a", "ab", "b"}
    assert every[0].text == "a"
    assert likely[0].score == pytest.approx(every[0].score, abs=1e-3)


def test_unknown_words_are_decoded_with_all_tokens():
    """The lexicon needs a token that is not likely."""
    likely = decoded(["ba"], [A, A, B])
    assert likely == decoded(["ba"], [A, A, B], min_probability=0.0)
    assert -100 < likely[0].score < -5


def test_likeliest_token_is_kept():
    """However improbable; others are never said."""
    frames = np.log(np.array([[0.3, 0.4, 0.3], [0.1, 0.1, 0.8]], dtype=np.float32))
    kept = Beam(min_probability=0.5).likely(frames)
    assert (kept > -1e3).tolist() == [[False, True, False], [False, False, True]]
    assert kept.dtype == np.float32
    assert Beam(min_probability=0.0).likely(frames) is frames


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_what_is_no_share_is_refused(value):
    with pytest.raises(InputError, match="beam_min_probability is"):
        Beam(min_probability=value)
