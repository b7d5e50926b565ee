"""Lexicon beam search: against every path, alone and with a language model of words."""

import math

import pytest
import torch

from tests.decoders import brute_force
from tests.decoders.brute_force import VOCABULARY, arpa_score, random_log_probs, ranked
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.estimation import NGrams
from xlsr_sb.decoders.lexicon import Lexicon
from xlsr_sb.decoders.lexicon_beam import LexiconDecoder, LexiconWords
from xlsr_sb.decoders.search import Beam, Weights
from xlsr_sb.errors import InputError

WORDS = {"a", "ab", "ba", "bab"}
WIDE = {"size": 5_000, "threshold": 1e6, "num_best": 20}
NO_WEIGHTS = Weights(lm_weight=0.0, word_score=0.0)
SENTENCES = [["a", "ab"], ["ba"], ["ab", "ba", "a"], ["bab", "a", "ab"], ["a"]]


def decoder(words, *, lm=None, beam=None, weights=NO_WEIGHTS):
    """Decoder of some words."""
    lexicon = Lexicon.of_words(sorted(words), VOCABULARY)
    return LexiconDecoder(
        VOCABULARY,
        LexiconWords(lexicon, VOCABULARY, lm=lm),
        beam=Beam(**(beam or WIDE)),
        weights=weights,
    )


def decoded(of, log_probs):
    """Hypotheses of one utterance."""
    [best] = of.decode(log_probs[None], num_frames=torch.tensor([len(log_probs)]))
    return best


@pytest.fixture
def ngrams():
    """Trigrams of a few sentences."""
    return NGrams.estimate(SENTENCES, order=3)


@pytest.fixture
def lm(ngrams, tmp_path):
    """File of these trigrams."""
    ngrams.save(tmp_path / "lm.arpa")
    return str(tmp_path / "lm.arpa")


@pytest.mark.parametrize("seed", range(4))
def test_probability_is_that_of_all_paths_to_known_words(seed):
    """The last word needs no space. Mutation that fails here: no frame is added."""
    log_probs = random_log_probs(6, seed=seed)
    best = decoded(decoder(WORDS), log_probs)
    expected = ranked(brute_force.word_sequences(log_probs, WORDS))
    scores = {one.text: math.exp(one.score) for one in best}
    for words, probability in expected[:8]:
        assert scores[" ".join(words)] == pytest.approx(probability, rel=1e-3)
    assert best[0].text == " ".join(expected[0][0])


@pytest.mark.parametrize("weights", [Weights(1.5, -0.7), Weights(0.5, 2.0)])
def test_language_model_and_word_score(ngrams, lm, weights):
    """Both are added for each word, the end of the sentence is scored."""
    log_probs = random_log_probs(6, seed=11)
    totals = {
        words: math.log(probability)
        + weights.lm_weight * arpa_score(ngrams, words)
        + weights.word_score * len(words)
        for words, probability in brute_force.word_sequences(log_probs, WORDS).items()
    }
    best = decoded(decoder(WORDS, lm=lm, weights=weights), log_probs)
    for one, (words, score) in zip(best[:5], ranked(totals), strict=False):
        assert one.text == " ".join(words)
        assert one.score == pytest.approx(score, abs=1e-3)


def test_other_weights_on_the_same_words(lm):
    """A tuned decoder is a new one; the words and language model are shared."""
    log_probs = random_log_probs(6, seed=5)
    first = decoder(WORDS, lm=lm)
    before = decoded(first, log_probs)
    many = first.weighed(Weights(0.0, 9.0))
    assert many.words is first.words
    assert len(decoded(many, log_probs)[0].words) > len(before[0].words)
    assert decoded(first, log_probs) == before


def test_words_have_their_frames():
    """Ends are where the characters end, not where the spaces do."""
    log_probs = torch.full((9, 5), 1e-3)
    path = [0, 3, 3, 4, 2, 2, 4, 0, 3]  # _ a a b space space b _ a
    for frame, token in enumerate(path):
        log_probs[frame, token] = 0.9 if frame != 6 else 0.4
    best = decoded(decoder({"ab", "ba"}), log_probs.log())[0]
    assert best.text == "ab ba"
    first, second = best.words
    assert (first.text, first.start, first.end) == ("ab", 1, 4)
    assert (second.text, second.start, second.end) == ("ba", 6, 9)
    assert first.confidence == pytest.approx(0.9)
    assert second.confidence == pytest.approx(math.sqrt(0.4 * 0.9))
    assert best.tokens == (3, 4, 2, 4, 3)


def test_word_that_was_only_begun_is_not_said():
    """The search dropped all that ends with a whole word."""
    log_probs = torch.full((6, 5), -torch.inf)
    log_probs[range(6), [3, 4, 2, 4, 4, 4]] = 0.0  # a b space b b b
    best = decoded(decoder({"ab", "ba"}, beam={"threshold": 10.0}), log_probs)[0]
    assert (best.text, best.tokens) == ("ab", (3, 4, 2))
    assert [(word.start, word.end) for word in best.words] == [(0, 2)]


def test_no_frames():
    """One hypothesis, which says nothing."""
    log_probs = torch.zeros(1, 0, 5)
    [best] = decoder(WORDS).decode(log_probs, num_frames=torch.tensor([0]))
    assert [one.text for one in best] == [""]


def test_greedy_text_of_known_words_comes_out():
    """A sure model is not changed; repeated letters stay two."""
    vocabulary = Vocabulary.of(["anna hat all"])
    lexicon = Lexicon.of_words(["anna", "hat", "all"], vocabulary)
    tokens = []
    for token in vocabulary.encode("anna hat all"):
        tokens += [token, token, 0]
    log_probs = torch.full((len(tokens), len(vocabulary)), -9.0)
    log_probs[range(len(tokens)), tokens] = 0.0
    of = LexiconDecoder(vocabulary, LexiconWords(lexicon, vocabulary))
    assert decoded(of, log_probs.log_softmax(-1))[0].text == "anna hat all"


def test_spelling_that_is_not_the_word(tmp_path):
    """The word is written where the model knows its characters, else the spelling."""
    (tmp_path / "words.txt").write_text("aab\ta b |\n4\tb a b\n")
    words = LexiconWords.load(VOCABULARY, lm=None, lexicon=str(tmp_path / "words.txt"))
    of = LexiconDecoder(VOCABULARY, words, weights=NO_WEIGHTS)
    for tokens, text in (([3, 4, 0], "aab"), ([4, 3, 4], "bab")):
        log_probs = torch.eye(5)[tokens].clamp(min=1e-4).log()
        best = decoded(of, log_probs)[0]
        assert best.text == text
        assert [word.text for word in best.words] == [text]


def test_language_model_of_other_words(tmp_path, lm):
    """It would score nearly everything as unknown."""
    (tmp_path / "words.txt").write_text("aa\nbb\naba\nab\n")
    with pytest.raises(InputError, match="knows 1 of the 4 words"):
        LexiconWords.load(VOCABULARY, lm=lm, lexicon=str(tmp_path / "words.txt"))


def test_neither_words_nor_language_model():
    with pytest.raises(InputError, match="needs lm, or lexicon, or both"):
        LexiconWords.load(VOCABULARY, lm=None, lexicon=None)
