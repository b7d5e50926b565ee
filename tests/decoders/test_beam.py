"""Prefix beam search: against every path there is, alone and with a language model."""

import math
import sys

import pytest
import torch

from tests.decoders import brute_force
from tests.decoders.brute_force import VOCABULARY, arpa_score, random_log_probs, ranked
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders import flashlight
from xlsr_sb.decoders.beam import BeamDecoder
from xlsr_sb.decoders.estimation import NGrams
from xlsr_sb.decoders.greedy import GreedyDecoder
from xlsr_sb.decoders.search import Beam, Weights
from xlsr_sb.errors import InputError

WIDE = {"size": 5_000, "threshold": 1e6, "num_best": 40}


def decoded(decoder, log_probs):
    """Hypotheses of one utterance."""
    num_frames = torch.tensor([len(log_probs)])
    [best] = decoder.decode(log_probs[None], num_frames=num_frames)
    return best


@pytest.mark.parametrize("seed", range(5))
def test_probability_is_that_of_all_paths_to_a_text(seed):
    """Mutation that fails here: texts whose last frame is blank are not added."""
    log_probs = random_log_probs(5, seed=seed)
    best = decoded(BeamDecoder(VOCABULARY, beam=Beam(**WIDE)), log_probs)
    expected = ranked(brute_force.texts(log_probs))[:40]
    assert [one.text for one in best] == [text for text, _ in expected]
    scores = [math.exp(one.score) for one in best]
    assert scores == pytest.approx([p for _, p in expected], rel=1e-4)


def test_best_path_stands_for_all_if_asked():
    """Viterbi: another order than that of the sums."""
    log_probs = random_log_probs(5, seed=3)
    decoder = BeamDecoder(VOCABULARY, beam=Beam(**WIDE, add_paths=False))
    best = decoded(decoder, log_probs)
    expected = ranked(brute_force.best_paths(log_probs))[:40]
    scores = [math.exp(one.score) for one in best]
    assert scores == pytest.approx([p for _, p in expected], rel=1e-4)
    summed = ranked(brute_force.texts(log_probs))[:40]
    assert [text for text, _ in expected] != [text for text, _ in summed]


def test_finds_what_the_best_path_misses():
    """The textbook's case: blank is surest in both frames, `a` in their sum."""
    log_probs = torch.tensor([[0.6, 0, 0, 0.4, 0]] * 2).log()
    assert decoded(BeamDecoder(VOCABULARY), log_probs)[0].text == "a"
    assert decoded(GreedyDecoder(VOCABULARY), log_probs)[0].text == ""


@pytest.mark.parametrize("boundary", ["|", "<space>"])
@pytest.mark.parametrize("lm_weight", [0.7, 2.0])
def test_language_model_of_characters(tmp_path, lm_weight, boundary):
    """Each text's probability times that of its characters; spaces are counted."""
    sentences = ["ab ab", "b a", "ab b a", "a", "abab"]
    names = [[boundary if c == " " else c for c in text] for text in sentences]
    ngrams = NGrams.estimate(names, order=3)
    ngrams.save(tmp_path / "lm.arpa")
    log_probs = random_log_probs(5, seed=7)
    decoder = BeamDecoder(
        VOCABULARY,
        beam=Beam(size=5_000, threshold=1e6),
        weights=Weights(lm_weight=lm_weight, space_score=0.3),
        lm=str(tmp_path / "lm.arpa"),
    )
    totals = {}
    for path, probability in brute_force.paths(log_probs):
        text = brute_force.collapsed(path)
        num_spaces = sum(token == brute_force.SPACE for token in path)
        if path[0] == brute_force.SPACE:  # takes up the space of the start
            text = text[1:]
        said = [boundary if c == " " else c for c in text]
        lm = lm_weight * arpa_score(ngrams, said)
        weight = probability * math.exp(lm + 0.3 * num_spaces)
        text = text.strip()
        totals[text] = totals.get(text, 0.0) + weight
    best, *_ = ranked(totals)
    hypothesis = decoded(decoder, log_probs)[0]
    assert hypothesis.text == best[0]
    assert math.exp(hypothesis.score) == pytest.approx(best[1], rel=1e-3)


def test_symbols_have_no_space():
    """Every symbol is a word of its own."""
    vocabulary = Vocabulary.of(["tʃ a"], units="tokens")
    log_probs = torch.full((4, 4), 0.01)
    for frame, token in enumerate([3, 3, 0, 2]):
        log_probs[frame, token] = 0.97
    best = decoded(BeamDecoder(vocabulary), log_probs.log())[0]
    assert best.text == "tʃ a"
    words = [(word.text, word.start, word.end) for word in best.words]
    assert words == [("tʃ", 0, 2), ("a", 3, 4)]


def test_texts_of_a_batch_are_those_of_each_alone():
    """Padding is not decoded; no frame is no text."""
    log_probs = torch.stack([random_log_probs(5, seed=n) for n in range(3)])
    counts = torch.tensor([5, 3, 0])
    decoder = BeamDecoder(VOCABULARY, beam=Beam(num_best=3))
    together = decoder.decode(log_probs, num_frames=counts)
    for row, n, best in zip(log_probs, counts, together, strict=True):
        assert decoded(decoder, row[:n]) == best
    assert together[2][0].text == ""
    assert (len(together[2]), together[2][0].words) == (1, ())


def test_impossible_tokens():
    """Minus infinity is never taken; what is no number is refused."""
    log_probs = torch.full((3, 5), -torch.inf)
    log_probs[:, 3] = 0.0
    assert decoded(BeamDecoder(VOCABULARY), log_probs)[0].text == "a"
    log_probs[1, 1] = torch.nan
    with pytest.raises(ValueError, match="no numbers"):
        decoded(BeamDecoder(VOCABULARY), log_probs)


def test_language_model_of_words_is_refused(tmp_path):
    """It would know no token but those that happen to be words."""
    NGrams.estimate([["ab", "a"], ["b"]], order=2).save(tmp_path / "lm.arpa")
    with pytest.raises(InputError, match="has none of .*--unit characters"):
        BeamDecoder(VOCABULARY, lm=str(tmp_path / "lm.arpa"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "beam_size is 0"),
        ({"tokens": 0}, "beam_tokens is 0"),
        ({"threshold": -1.0}, "beam_threshold is -1.0"),
        ({"num_best": 0}, "num_best is 0"),
    ],
)
def test_beams_that_search_nothing(options, message):
    with pytest.raises(InputError, match=message):
        Beam(**options)


def test_without_the_library(monkeypatch):
    """It is said what to install."""
    monkeypatch.setitem(sys.modules, "flashlight.lib.text.decoder", None)
    with pytest.raises(InputError, match=r"pip install 'xlsr-sb\[lm\]'"):
        flashlight.library()
    with pytest.raises(InputError, match="flashlight-text"):
        BeamDecoder(VOCABULARY)
