"""Lexicons: what is spelled, what is left out, which files can be read."""

import logging

import pytest

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.lexicon import Lexicon
from xlsr_sb.errors import InputError

VOCABULARY = Vocabulary.of(["abc d"])  # 3 a, 4 b, 5 c, 6 d


def load(tmp_path, text, vocabulary=VOCABULARY):
    """Lexicon of a file with this text."""
    path = tmp_path / "lexicon.txt"
    path.write_text(text, encoding="utf-8")
    return Lexicon.load(path, vocabulary)


def test_published_lexicon(tmp_path):
    """Letters with spaces between; the boundary may be written, or not."""
    lexicon = load(tmp_path, "ab\ta b |\nba\tb a\ncab\tc a b <space>\r\n\n")
    assert lexicon.entries == {
        ("ab", (3, 4)): "ab",
        ("ba", (4, 3)): "ba",
        ("cab", (5, 3, 4)): "cab",
    }


def test_list_of_words(tmp_path):
    """Spelled as they are written; twice is once."""
    lexicon = load(tmp_path, "ab\nba\nab\n")
    assert list(lexicon.entries) == [("ab", (3, 4)), ("ba", (4, 3))]


def test_a_word_with_two_spellings(tmp_path):
    lexicon = load(tmp_path, "ab\ta b |\nab\ta c |\n")
    assert [spelling for _, spelling in lexicon.entries] == [(3, 4), (3, 5)]


@pytest.mark.parametrize(("alphabet", "word"), [("ab", "AB"), ("AB", "ab")])
def test_case_is_that_of_the_model(alphabet, word):
    """The word stays that of the language model; what is written is the model's."""
    lexicon = Lexicon.of_words([word], Vocabulary.of([alphabet]))
    assert lexicon.entries == {(word, (3, 4)): alphabet}


def test_unknown_characters_are_counted(caplog):
    """By words, not by how often they stand in one."""
    lexicon = Lexicon.of_words(["ab", "éaé", "éx", "d"], VOCABULARY)
    assert (lexicon.num_left_out, lexicon.unknown) == (2, {"é": 2, "x": 1})
    with caplog.at_level(logging.WARNING):
        lexicon.report("lm.arpa")
    assert "lm.arpa: 2 of 4 words are left out" in caplog.text
    assert "'é' 2, 'x' 1" in caplog.text


def test_nothing_is_reported_of_a_lexicon_that_fits(caplog):
    Lexicon.of_words(["ab"], VOCABULARY).report("lm.arpa")
    assert caplog.text == ""


def test_no_word_can_be_spelled():
    with pytest.raises(InputError, match="lm.arpa: none of its 2 words.*'é' 2"):
        Lexicon.of_words(["é", "éé"], VOCABULARY).report("lm.arpa")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ab ba", "line 2: 'ab ba' is more than one word"),
        ("ab\ta | b", "line 2: 'ab' is spelled 'a [|] b'"),
        ("ab\t|", "line 2: 'ab' is spelled '[|]'"),
    ],
)
def test_lines_that_cannot_be_used(tmp_path, line, message):
    with pytest.raises(InputError, match=message):
        load(tmp_path, f"a\n{line}\n")


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Lexicon.load(tmp_path / "none.txt", VOCABULARY)


def test_symbols_have_no_lexicon():
    with pytest.raises(InputError, match="take decoder: kind beam"):
        Lexicon.of_words(["ab"], Vocabulary.of(["a b"], units="tokens"))
