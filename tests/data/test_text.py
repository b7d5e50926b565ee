"""Normalisation by language."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xlsr_sb.data.text import normalise_text

LANGUAGES = ("en", "tr", "az", "ca", "de", "el", "fr", "he", "hy", "ja", "lt", "ru")
# Characters that rules speak of come often, and next to each other.
KNOWN = "aIiİıßẞΣσς'’ʼ`-–—־·ŀl.,\u0301\u0307\u0323\u05b8\u00ad\u200d\ufe0f\u20e3 \n1½_"
KNOWN += "你、か\u3099ーｶﾞ\u3000"
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
        ("zh", "你好，世界！", "你好世界"),
        ("zh-TW", "他說：「ㄅㄆ OK 嗎？」𠀀 𠀁", "他說ㄅㄆ ok 嗎𠀀𠀁"),
        ("zh-HK", "佢 喺  PTT 嗰度， 7 月", "佢喺 ptt 嗰度 7 月"),
        ("ja", "「時々、ラーメンを。」 ﾊﾟﾝ が、ある", "時々ラーメンをﾊﾟﾝがある"),
        ("ko", "안녕, 세계", "안녕 세계"),
        ("fr", "您 好", "您 好"),
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
