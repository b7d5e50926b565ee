"""Hypotheses: the frames and confidences of their words, and greedy ones."""

import math
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.greedy import GreedyDecoder, greedy_decode
from xlsr_sb.decoders.hypothesis import Alignment, Hypothesis, space_of

VOCABULARY = Vocabulary.of(["ab"])  # <blank> <unk> space a b
PHONES = Vocabulary.of(["tʃ a"], units="tokens")


def log_probs_of(path, *, vocabulary=VOCABULARY, sure=0.9):
    """Log-probabilities [F, V] whose best path is the given one."""
    log_probs = torch.full((len(path), len(vocabulary)), 1e-3)
    log_probs[range(len(path)), path] = sure
    return log_probs.log()


def greedy(path, vocabulary=VOCABULARY, **options):
    """Greedy hypothesis of a path."""
    log_probs = log_probs_of(path, vocabulary=vocabulary, **options)
    num_frames = torch.tensor([len(path)])
    [[best]] = GreedyDecoder(vocabulary).decode(log_probs[None], num_frames=num_frames)
    return best


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=20))
def test_greedy_text_and_tokens_are_those_of_greedy_decode(path):
    """And the score is that of the path."""
    best = greedy(path)
    log_probs = log_probs_of(path)[None]
    [tokens] = greedy_decode(log_probs, num_frames=torch.tensor([len(path)]))
    assert list(best.tokens) == tokens
    assert best.text == VOCABULARY.decode(tokens).strip()
    assert best.score == pytest.approx(len(path) * math.log(0.9), abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=20))
def test_words_are_those_of_the_text_and_hold_their_frames(path):
    """Decoding a word's frames alone gives the word."""
    best = greedy(path)
    assert [word.text for word in best.words] == best.text.split()
    end = 0
    for word in best.words:
        assert end <= word.start < word.end
        end = word.end
        part = path[word.start : word.end]
        assert part[0] != 0 != part[-1]
        assert greedy(part).text == word.text


def test_confidence_is_of_each_character_where_it_is_surest():
    """Geometric mean; blanks and spaces are not asked. Mutation: a mean of frames."""
    path = np.array([3, 3, 0, 4, 2, 4])
    shares = np.array([0.2, 0.8, 0.1, 0.5, 0.1, 1.0])
    alignment = Alignment(path, np.log(shares), blank=0, space=2)
    words = Hypothesis.of(alignment, VOCABULARY, score=0.0).words
    assert words[0].confidence == pytest.approx(math.sqrt(0.8 * 0.5))
    assert words[1].confidence == 1.0


def test_surer_than_sure_is_sure():
    """Rounding may leave a log-probability above 0."""
    alignment = Alignment(np.array([3]), np.array([1e-7]), blank=0, space=2)
    assert Hypothesis.of(alignment, VOCABULARY, score=0.0).words[0].confidence == 1.0


def test_spaces_at_the_ends_and_twice():
    """They are no words."""
    best = greedy([2, 2, 3, 2, 0, 2, 4, 2])
    assert best.tokens == (2, 3, 2, 2, 4, 2)
    assert [(w.text, w.start, w.end) for w in best.words] == [("a", 2, 3), ("b", 6, 7)]


def test_symbols_are_words():
    best = greedy([2, 2, 3, 0, 3], vocabulary=PHONES)
    assert best.text == "a tʃ tʃ"
    spans = [(word.text, word.start, word.end) for word in best.words]
    assert spans == [("a", 0, 2), ("tʃ", 2, 3), ("tʃ", 4, 5)]


def test_vocabulary_of_another_implementation():
    """Its space is |, its blank has any id, some tokens write nothing."""
    tokens = ("A", "|", "<s>", "B", "<pad>")
    vocabulary = PeerVocabulary(tokens, blank=4, silent=frozenset([2]), lower_case=True)
    assert space_of(vocabulary) == 1
    best = greedy([2, 1, 0, 4, 0, 1, 3, 1], vocabulary=vocabulary)
    assert best.text == "aa b"
    spans = [(word.text, word.start, word.end) for word in best.words]
    assert spans == [("aa", 2, 5), ("b", 6, 7)]


def test_boundary_that_another_implementation_does_not_use():
    """A | may be one of its symbols."""
    vocabulary = PeerVocabulary(("<pad>", "|", "a"), blank=0, space=None, separator=" ")
    assert space_of(vocabulary) is None
    assert [word.text for word in greedy([2, 1, 2], vocabulary).words] == list("a|a")


def test_no_frames():
    best = greedy([])
    assert (best.text, best.tokens, best.score, best.words) == ("", (), 0.0, ())


def test_greedy_of_a_batch_stops_at_each_ones_frames():
    log_probs = torch.stack([log_probs_of([3, 0, 4]), log_probs_of([3, 4, 3])])
    num_frames = torch.tensor([3, 2])
    best = GreedyDecoder(VOCABULARY).decode(log_probs, num_frames=num_frames)
    assert [[one.text for one in some] for some in best] == [["ab"], ["ab"]]


def test_ten_thousand_utterances_in_seconds():
    """Five seconds of speech each, with text and tokens."""
    log_probs = torch.randn(50, 250, 40)
    num_frames = torch.full((50,), 250)
    decoder = GreedyDecoder(Vocabulary.of(["abcdefghijklmnopqrstuvwxyzäöüßéèêàçñõ'-"]))
    begin = time.process_time()
    for _ in range(20):
        decoder.decode(log_probs, num_frames=num_frames)
    assert time.process_time() - begin < 2.0  # for a tenth of them
