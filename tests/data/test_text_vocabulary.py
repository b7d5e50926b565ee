"""The round trips of vocabularies, of characters and of symbols."""

import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsr_sb.data.text import Vocabulary, normalise_text, unknown_characters
from xlsr_sb.errors import InputError

texts = st.text(
    st.sampled_from("aé'\u0301\u05b8· \n") | st.characters(exclude_categories=["Cs"])
)
# Some are a character, some begin like others, some look like special ones.
SYMBOLS = ["a", "aː", "tʃ", "t", "ʃ", "\u0361", "|", "'", "<s>", "5", "ɑ̃", "\ufeff"]
sequences = st.lists(st.sampled_from(SYMBOLS), max_size=8).map(" ".join)


@given(st.lists(texts.map(lambda text: normalise_text(text, "fr")), max_size=5))
def test_texts_come_back_from_their_ids(texts):
    """Of the texts that it was made of."""
    vocabulary = Vocabulary.of(texts)
    for text in texts:
        ids = vocabulary.encode(text)
        assert vocabulary.decode(ids) == text
        assert not {vocabulary.blank, vocabulary.unk} & set(ids)
    assert not unknown_characters(texts, vocabulary)


@given(st.lists(texts.map(lambda text: normalise_text(text, "he")), max_size=5))
def test_a_saved_vocabulary_comes_back(tmp_path_factory, texts):
    """Marks, which stand alone on a line, too."""
    path = tmp_path_factory.mktemp("vocabulary") / "vocabulary.txt"
    vocabulary = Vocabulary.of(texts)
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary


def test_ids_do_not_depend_on_the_order_of_texts(tmp_path):
    """Blank, unknown, space, then characters sorted; the file shows them."""
    vocabulary = Vocabulary.of(["ça va", "oui"])
    assert vocabulary == Vocabulary.of(["oui", "ça va"])
    assert (vocabulary.blank, vocabulary.unk, len(vocabulary)) == (0, 1, 9)
    vocabulary.save(tmp_path / "new" / "vocabulary.txt")
    lines = (tmp_path / "new" / "vocabulary.txt").read_text("utf-8").split("\n")
    assert lines == ["<blank>", "<unk>", "<space>", *"aiouvç", ""]
    assert pickle.loads(pickle.dumps(vocabulary)).encode("va") == [7, 3]


def test_rare_characters_are_left_out_and_counted():
    """What is unknown is shown as ⁇, never hidden."""
    texts = ["aab", "abé", "é x"]
    vocabulary = Vocabulary.of(texts, min_count=2)
    assert vocabulary.tokens[3:] == ("a", "b", "é")
    assert vocabulary.unknown("xaxy") == ["x", "x", "y"]
    assert unknown_characters(texts, vocabulary) == Counter({"x": 1})
    assert vocabulary.decode(vocabulary.encode("ax b")) == "a⁇ b"


def test_blanks_are_nothing_and_other_ids_an_error():
    """A negative id must not count from the end."""
    vocabulary = Vocabulary.of(["ab"])
    assert vocabulary.decode([0, 3, 0, 4]) == "ab"
    for bad in (-1, len(vocabulary)):
        with pytest.raises(KeyError):
            vocabulary.decode([bad])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"starts with \[\]; it must start with \['<blank>', '<unk>', ' '\]"),
        ("a\nb\nc\n", r"starts with \['a', 'b', 'c'\].*written as <space>"),
        ("<blank>\n<unk>\n<space>\nab\n", "line 4: 'ab' is not one visible character"),
        ("<blank>\n<unk>\n<space>\n\na\n", "line 4: '' is not one visible character"),
        ("<blank>\n<unk>\n<space>\n\t\n", r"line 4: '\\t' is not one visible"),
        ("<blank>\n<unk>\n<space>\na\nb\na\n", "line 6: 'a' stands on line 4 already"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, text, message):
    """Whatever was edited by hand."""
    path = tmp_path / "vocabulary.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"vocabulary\.txt.*{message}"):
        Vocabulary.load(path)


def test_a_missing_file(tmp_path):
    """The path is in the message."""
    with pytest.raises(InputError, match=r"none\.txt cannot be read: No such file"):
        Vocabulary.load(tmp_path / "none.txt")


def test_texts_that_were_not_normalised():
    """A line end cannot stand in the file."""
    with pytest.raises(InputError, match=r"'\\n' is not one visible character"):
        Vocabulary.of(["a\nb"])


# Symbols


@given(st.lists(sequences, max_size=5))
def test_symbols_come_back_from_their_ids(tmp_path_factory, texts):
    """One id each, whatever characters they have in common; from the file too."""
    vocabulary = Vocabulary.of(texts, units="tokens")
    path = tmp_path_factory.mktemp("vocabulary") / "vocabulary.txt"
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    for text in texts:
        ids = vocabulary.encode(text)
        assert len(ids) == len(text.split())
        assert vocabulary.decode(ids) == text
        assert not {vocabulary.blank, vocabulary.unk} & set(ids)


def test_a_file_of_symbols(tmp_path):
    """Blank, unknown, then symbols sorted: no space, which is none of them."""
    vocabulary = Vocabulary.of(["tʃ a tʃ", "aː"], units="tokens")
    assert (vocabulary.units, len(vocabulary)) == ("tokens", 5)
    vocabulary.save(tmp_path / "vocabulary.txt")
    lines = (tmp_path / "vocabulary.txt").read_text("utf-8").split("\n")
    assert lines == ["<blank>", "<unk>", "a", "aː", "tʃ", ""]
    assert Vocabulary.of(["tʃ a"]).units == "characters"
    assert Vocabulary.of([], units="tokens").units == "tokens"


def test_symbols_that_are_unknown_or_blank():
    """Between spaces like the others; a blank leaves no second space."""
    vocabulary = Vocabulary.of(["a b b", "aː b"], units="tokens", min_count=2)
    assert vocabulary.tokens[2:] == ("b",)
    assert vocabulary.encode("b a b") == [2, 1, 2]
    assert vocabulary.decode([0, 2, 0, 1, 2, 0]) == "b ⁇ b"
    assert unknown_characters(["a aː b"], vocabulary) == Counter({"a": 1, "aː": 1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<blank>\n<unk>\na\na b\n", "line 4: 'a b' is not one symbol without spaces"),
        ("<blank>\n<unk>\na\n\n", "line 4: '' is not one symbol"),
        ("<blank>\n<unk>\na\n<space>\n", "line 4: ' ' is not one symbol"),
        ("<blank>\n<unk>\ntʃ\na\ntʃ\n", "line 5: 'tʃ' stands on line 3 already"),
        (
            "<blank>\na\ntʃ\n",
            r"starts with .*one of symbols with \['<blank>', '<unk>'\]",
        ),
    ],
)
def test_a_bad_file_of_symbols(tmp_path, text, message):
    """Named with its line, as one of characters."""
    path = tmp_path / "vocabulary.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"vocabulary\.txt.*{message}"):
        Vocabulary.load(path)


@pytest.mark.parametrize("symbol", ["<blank>", "<unk>", "<space>"])
def test_symbols_that_the_file_could_not_hold(symbol):
    """They would come back as something else."""
    with pytest.raises(InputError, match=symbol):
        Vocabulary.of([f"a {symbol} b"], units="tokens")
