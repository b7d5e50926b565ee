"""Texts of the packages, as they really are: glued, damaged, in odd encodings."""

import pytest

from tests.recipes import debian_packages  # noqa: F401 - puts the recipe on the path

from debian_speech import prompts, texts  # isort: skip


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("[this is a simple beep tone]", ""),
        ("(10 seconds of silence)", ""),
        ("<beep ascending>", ""),
        ("  two   spaces ", "two spaces"),
        ("equals [=]", "equals"),
        ("[!] punto esclamativo", "punto esclamativo"),
        ("Leave a message. (simple tone sound plays)", "Leave a message."),
        ('IAX (note: does not say "2")', "IAX"),
        ("Il [suo] messaggio", "Il [suo] messaggio"),
        ("notre (emphase) chef arrive", "notre (emphase) chef arrive"),
        ("appuyez sur 5.Pour retourner", "appuyez sur 5. Pour retourner"),
        ("ces options:Pous accepter", "ces options: Pous accepter"),
        ("At 10 A.M. or 11 P.M.", "At 10 A.M. or 11 P.M."),
        ("A.M.", "A.M."),
    ],
)
def test_without_directions(text, cleaned):
    assert texts.without_directions(text) == cleaned


@pytest.mark.parametrize(
    ("text", "language", "fault"),
    [
        ("Agent logged in.", "en", None),
        ("C'est là-bas…", "fr", None),
        ("Сообщение", "ru", None),
        ("Ένα γράμμα", "el", None),
        ("", "fr", texts.NO_TEXT),
        ("...", "fr", texts.NO_TEXT),
        ("demi-tarif 50", "fr", texts.FIGURES),
        ("28.8", "en", texts.FIGURES),
        ("A%1.", "cs", texts.FIGURES),
        ("Il [suo] messaggio", "it", texts.UNCERTAIN),
        ("attivare/disattivare", "it", texts.UNCERTAIN),
        ("visit www.example.org", "en", texts.UNCERTAIN),
        ("первoe", "ru", texts.OTHER_ALPHABET),  # two Latin letters
        ("Буква w", "ru", texts.OTHER_ALPHABET),
        ("Подожди, počkej", "cs", texts.OTHER_ALPHABET),
    ],
)
def test_fault_of(text, language, fault):
    assert texts.fault_of(text, language) == fault


def test_only_single_keys_are_written_out():
    names = {"1": "one", "4": "four", "8": "eight"}
    text = "Press 1, 4 or 8. Dial 500, 28.8, H.1, 1-4, F1 or 4D."
    spelled = "Press one, four or eight. Dial 500, 28.8, H.1, 1-4, F1 or 4D."
    assert texts.spell_figures(text, names) == spelled


@pytest.mark.parametrize(
    ("code", "encoding"), [("ru", "utf-8-sig"), ("ru", "cp1251"), ("fr", "latin-1")]
)
def test_encodings(code, encoding):
    text = {"ru": "Здравствуйте, мир!", "fr": "Désolé, ça ne va pas."}[code]
    content = f"; comment\nhello: {text}\n".encode(encoding)
    assert prompts.parse(content) == {"hello": text}


def test_entries_that_were_glued_together():
    content = (
        b"a-one: First. b-two: Second.\nb-two: b-two: Two.\nc-three: x c-four: y\n"
        b"b-two: Again.\n"
    )
    assert prompts.parse(content) == {
        "a-one": "First.",
        "b-two": "Two.",
        "c-three": "x c-four: y",  # c-four is no key of its own
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Número, por favor.", "numero por favor", True),
        ("ЁЛКА", "елка", True),
        ("e-mail", "email", True),
        ("it's", "its", True),
        ("straße", "STRASSE", True),
        ("press 1", "press 2", False),
    ],
)
def test_sentence_key(one, other, same):
    assert (texts.sentence_key(one) == texts.sentence_key(other)) is same
