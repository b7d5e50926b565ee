"""Known texts found in log-probabilities.

Seen to fail: a letter's repeat merged; spaces between words left out; words moved by
one; a word of unknown letters without frames; a text aligned to another case.
"""

import itertools
from dataclasses import replace

import pytest
import torch

from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.greedy import GreedyDecoder
from xlsr_sb.errors import InputError
from xlsr_sb.transcription import GivenText, alignment
from xlsr_sb.transcription.spelling import spell

VOCABULARY = Vocabulary.of(["aab cd'é"])
UPPER = PeerVocabulary(("<pad>", "|", "<unk>", "A", "B", "SCH", "S", "É"), blank=0)
PHONES = Vocabulary.of(["t a tʃ"], units="tokens")


def random_rows(num_frames, num_tokens, seed):
    """Log-probabilities [F, V]."""
    generator = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(num_frames, num_tokens, generator=generator)).log_softmax(1)


def collapsed(path):
    """Tokens of a path: repeats merged, blanks removed."""
    merged = [token for token, _ in itertools.groupby(path)]
    return tuple(token for token in merged if token)


# Spelling


@pytest.mark.parametrize(
    ("vocabulary", "text", "expected"),
    [
        (VOCABULARY, " Ab\tCÉ ", [("Ab", "ab"), ("CÉ", "cé")]),
        (VOCABULARY, "d’Ab, «cd»!", [("d’Ab,", "d'ab"), ("«cd»!", "cd")]),
        (VOCABULARY, "— ab ! 12 ?", [("— ab !", "ab"), ("12 ?", "")]),
        (VOCABULARY, "áb axb xyz", [("áb", "ab"), ("axb", "ab"), ("xyz", "")]),
        (VOCABULARY, "e\u0301", [("e\u0301", "é")]),  # two characters for é
        (VOCABULARY, "<unk> <blank>", [("<unk>", ""), ("<blank>", "ba")]),
        (VOCABULARY, "...", []),
        (VOCABULARY, "", []),
        (UPPER, "schab Sa é", [("schab", "SCH A B"), ("Sa", "S A"), ("é", "É")]),
        (UPPER, "a|b", [("a|b", "A B")]),
        (PHONES, "tʃ a x", [("tʃ", "tʃ"), ("a", "a"), ("x", "")]),
    ],
)
def test_spelling(vocabulary, text, expected):
    """In the model's case; what it does not know is left out, signs stay beside."""
    names = vocabulary.tokens
    joiner = "" if vocabulary is VOCABULARY else " "
    found = [
        (word.text, joiner.join(names[index] for index in word.tokens))
        for word in spell(text, vocabulary)
    ]
    assert found == expected


# Alignment


@pytest.mark.parametrize("text", ["a", "ab", "aa", "a b", "aab", "b a"])
@pytest.mark.parametrize("seed", range(3))
def test_likeliest_of_all_paths(text, seed):
    """Of every path that says the text, by going through all of them."""
    vocabulary = Vocabulary.of(["ab"])
    rows = random_rows(6, len(vocabulary), seed)
    target = tuple(vocabulary.encode(text))
    paths = itertools.product(range(len(vocabulary)), repeat=6)
    scores = {
        path: sum(rows[f, token].item() for f, token in enumerate(path))
        for path in paths
        if collapsed(path) == target
    }
    best = max(scores, key=scores.get)
    words = GivenText.of(text, vocabulary).align(rows)
    assert [word.text for word in words] == text.split()
    space = vocabulary.tokens.index(" ")
    cut = best.index(space) if space in best else len(best)
    frames = [f for f, token in enumerate(best) if token not in (0, space)]
    groups = [[f for f in frames if f < cut], [f for f in frames if f > cut]]
    expected = [(group[0], group[-1] + 1) for group in groups if group]
    assert [(word.start, word.end) for word in words] == expected
    if text in ("a", "b"):
        sure = max(rows[f, target[0]] for f in frames).exp().item()
        assert words[0].confidence == pytest.approx(sure, rel=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_best_path_is_its_own_alignment(seed):
    """The words of a greedy decoder, by another way."""
    rows = random_rows(60, len(VOCABULARY), seed)
    rows[:, VOCABULARY.unk] = -30.0
    rows[[0, -1], VOCABULARY.tokens.index("a")] = 30.0  # no space at the ends
    space = VOCABULARY.tokens.index(" ")
    spaces = (rows.argmax(dim=1) == space).nonzero().flatten()
    rows[spaces[spaces.diff(prepend=torch.tensor([-9])) < 6], space] = -30.0
    rows = rows.log_softmax(dim=1)
    count = torch.tensor([60])
    [[best]] = GreedyDecoder(VOCABULARY).decode(rows[None], num_frames=count)
    assert "  " not in best.text
    found = GivenText.of(best.text, VOCABULARY).align(rows)
    assert len(found) > 2
    for ours, theirs in zip(found, best.words, strict=True):
        assert replace(ours, confidence=theirs.confidence) == theirs
        assert ours.confidence == pytest.approx(theirs.confidence, rel=1e-4)


def test_a_word_of_unknown_letters_takes_what_is_left():
    """Between those that are known."""
    rows = torch.full((12, len(VOCABULARY)), 0.01)
    path = "_aab_cccc_dd"
    unknown = slice(5, 9)
    for frame, name in enumerate(path):
        rows[frame, 0 if name == "_" else VOCABULARY.tokens.index(name)] = 1.0
    rows[4, 0], rows[4, 2] = 0.01, 1.0
    rows[9, 0], rows[9, 2] = 0.01, 1.0
    words = GivenText.of("AB 1984 D", VOCABULARY).align(rows.log())
    assert [(word.text, word.start, word.end) for word in words] == [
        ("AB", 1, 4),
        ("1984", unknown.start, unknown.stop),
        ("D", 10, 12),
    ]
    assert [word.confidence for word in words] == [pytest.approx(1.0), 0.0, 1.0]


@pytest.mark.parametrize("text", ["", " \n", "—", "…!"])
def test_texts_without_words(text):
    """They have no words, whatever there is to hear."""
    assert GivenText.of(text, VOCABULARY).align(random_rows(1, 9, 0)) == ()


def test_one_frame():
    """It can say one letter."""
    rows = random_rows(1, len(VOCABULARY), 0)
    [word] = GivenText.of("b", VOCABULARY).align(rows)
    assert (word.start, word.end) == (0, 1)


@pytest.mark.parametrize(("text", "needed"), [("ab", 2), ("aa", 3), ("a a", 3)])
def test_more_letters_than_frames(text, needed):
    """The message counts both; a frame more is enough."""
    given = GivenText.of(text, VOCABULARY)
    message = f"needs {needed} frames and the recording has {needed - 1}"
    with pytest.raises(InputError, match=message):
        given.align(random_rows(needed - 1, len(VOCABULARY), 0))
    assert given.align(random_rows(needed, len(VOCABULARY), 0))


def test_too_long_to_align(monkeypatch):
    """It is known before memory is gone."""
    monkeypatch.setattr(alignment, "MAX_CELLS", 99)
    given = GivenText.of("ab", VOCABULARY)
    given.check_size(19)
    with pytest.raises(InputError, match="2 letters and the recording 20 frames"):
        given.check_size(20)


def test_phones_have_no_spaces():
    """Each symbol is a word."""
    rows = random_rows(9, len(PHONES), 1)
    words = GivenText.of("t a a tʃ", PHONES).align(rows)
    assert [word.text for word in words] == ["t", "a", "a", "tʃ"]
    assert all(a.end <= b.start for a, b in itertools.pairwise(words))


def test_rows_that_can_never_be():
    """Minus infinity, as of merged rows of a peer's head, does no harm."""
    rows = random_rows(9, len(VOCABULARY), 2)
    rows[:, VOCABULARY.unk] = float("-inf")
    [word] = GivenText.of("ab", VOCABULARY).align(rows)
    assert 0 < word.confidence <= 1
