"""Normalisation by language, and the round trips of the vocabulary."""

import pickle
import unicodedata
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xlsr_sb.data.text import Vocabulary, normalise_text, unknown_characters
from xlsr_sb.errors import InputError

LANGUAGES = ("en", "tr", "az", "ca", "de", "el", "fr", "he", "hy", "ru", "lt")
# Characters that rules speak of come often, and next to each other.
KNOWN = "aIiİıßẞΣσς'’ʼ`-–—־·ŀl.,\u0301\u0307\u0323\u05b8\u00ad\u200d\ufe0f\u20e3 \n1½_"
texts = st.text(st.sampled_from(KNOWN) | st.characters(exclude_categories=["Cs"]))


@settings(max_examples=500, deadline=None)
@given(texts, st.sampled_from(LANGUAGES), st.sampled_from(["", "'", "-", "'-", "’&"]))
@example("\u0301'a", "en", "'")
@example("a'-'b", "en", "-")
@example("i\u00ad\u0307\u0307", "en", "")
@example("a'\u0301", "fr", "")
def test_normalising_twice_is_normalising_once(text, language, keep):
    """The result is composed, without case, punctuation, or marks on their own."""
    once = normalise_text(text, language, keep=keep)
    assert normalise_text(once, language, keep=keep) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == " ".join(once.split())
    assert once == once.lower()
    kept = {*keep.replace("’", "'"), "·", " "}
    categories = {unicodedata.category(one)[0] for one in once if one not in kept}
    assert categories <= set("LMN")
    assert not any(unicodedata.category(word[0])[0] == "M" for word in once.split())


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "“Don’t!” she said; it`s 5 o'clock…", "don't she said it's 5 o'clock"),
        ("en", "'Tis the dogs' rock 'n' roll", "tis the dogs rock n roll"),
        ("en", "well-known, U.S.A. & co.", "well known u s a co"),
        ("en", "a\u00ad b\u200bc\tsnow❤️man 1️⃣", "a bc snow man 1"),
        (
            "fr",
            "L’ÉTÉ\u202f: aujourd'hui, c’est « fini »",
            "l'été aujourd'hui c'est fini",
        ),
        ("fr", "Œuvre d'art", "œuvre d'art"),
        ("de", "STRAẞE, Größe — Übergrößen!", "straße größe übergrößen"),
        ("tr", "IŞIK İstanbul'da I\u0307yi", "ışık istanbul'da iyi"),
        ("tr-TR", "DIŞARI", "dışarı"),
        ("az", "İSTİ QIŞ", "isti qış"),
        ("en", "İstanbul ISTANBUL", "istanbul istanbul"),
        ("ru", "За\u0301мок, ЕЩЁ и\u0306од", "за\u0301мок ещё йод"),
        ("uk", "М’ята, об`єкт, п\u02bcять", "м'ята об'єкт п'ять"),
        ("ca", "Col·legi, paral·lel · l’AL·LOT", "col·legi paral·lel l'al·lot"),
        ("es", "¿Qué? ¡NIÑO·s!", "qué niño s"),
        ("el", "ΟΔΟΣ, Σίσυφος· τι;", "οδος σίσυφος τι"),
        ("he", "שָׁלוֹם, בֵּית־סֵפֶר צה״ל", "שָׁלוֹם בֵּית סֵפֶר צהל"),
        ("ar", "العَرَبِيّة، محـــمد؟", "العَرَبِيّة محمد"),
        ("hy", "Ինչո՞ւ, բարև՛։", "ինչու բարև"),
        ("hi", "नमस्ते। क्या?", "नमस्ते क्या"),
        ("zh", "你好，世界！", "你好 世界"),
        ("pl", "Zażółć GĘŚLĄ", "zażółć gęślą"),
        ("ka", "გამარჯობა!", "გამარჯობა"),
        ("fr", "", ""),
        ("fr", "…?!", ""),
    ],
)
def test_examples_by_language(language, text, expected):
    """Each compared in composed form, as the result must be."""
    assert normalise_text(text, language) == unicodedata.normalize("NFC", expected)


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("'", "don't re read 10 20 x"),
        ("'-", "don't re-read 10-20 x"),
        ("’", "don't re read 10 20 x"),
        ("-", "dont re-read 10-20 x"),
        ("", "dont re read 10 20 x"),
    ],
)
def test_what_the_benchmark_keeps(keep, expected):
    """Hyphens part words unless kept, long dashes always; apostrophes never do."""
    assert normalise_text("Don’t re‐read 10–20 -x- ' --", "en", keep=keep) == expected
    assert normalise_text("one—two", "en", keep=keep) == "one two"


def test_combining_marks_stay():
    """Of Russian stress, Hebrew vowels and Hindi, none is lost."""
    for language, text in [("ru", "за\u0301мок"), ("he", "שָׁלוֹם"), ("hi", "हिन्दी")]:
        composed = unicodedata.normalize("NFC", text)
        marks = [one for one in composed if unicodedata.category(one)[0] == "M"]
        assert marks
        assert normalise_text(text, language) == composed


# --- Vocabulary


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
