"""Texts as the packages hold them: cleaned, judged, and compared."""

import re
import unicodedata
from collections.abc import Mapping

NO_TEXT = "no text"
NOT_SPEECH = "not speech"
UNCERTAIN = "uncertain text"
FIGURES = "number in figures"
OTHER_ALPHABET = "other alphabet"

ALPHABETS = {"be": "CYRILLIC", "bg": "CYRILLIC", "ru": "CYRILLIC", "el": "GREEK"}

_WHOLE_DIRECTION = re.compile(r"\s*(\[[^\]]*\]|\([^)]*\)|<[^>]*>)[\s.]*")
_LAST_DIRECTION = re.compile(r"\s*(\([^)]*\)|<[^>]*>)[\s.]*$")
_SYMBOL_IN_BRACKETS = re.compile(r"\[[^\]\w]*\]")
_UNREADABLE = re.compile(r"[*#@%&+=<>/\\|_^~{}\[\]()$€]|www\.")
_GLUED = re.compile(  # "sur 5.Pour", "options:Pous", but not "10 A.M."
    r"((?<=[\w»)][\w»)][.,;:!?])|(?<=\d[.,;:!?]))(?=[^\W\d_a-z])"
)
_FIGURE = re.compile(r"(?<![\w.,-])\d(?![\w-]|[.,]\d)")


def without_directions(text: str) -> str:
    """Text without stage directions; empty if it is nothing else.

    Only a bracket that is the whole text or stands at its end is surely not spoken.

    Example
    -------
    >>> without_directions("[sound of monkeys screaming]")
    ''
    >>> without_directions("equals [=]"), without_directions('IAX (does not say "2")')
    ('equals', 'IAX')
    >>> without_directions("Your [temporary] greeting is active.")
    'Your [temporary] greeting is active.'
    """
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if _WHOLE_DIRECTION.fullmatch(text):
        return ""
    text = _SYMBOL_IN_BRACKETS.sub("", text)
    return _GLUED.sub(" ", _LAST_DIRECTION.sub("", text)).strip()


def spell_figures(text: str, names: Mapping[str, str]) -> str:
    """Text with the keys of a telephone written out as ``names`` says.

    Figures of several digits stay: how they are read depends on the language.

    Example
    -------
    >>> names = {"1": "one", "7": "seven"}
    >>> spell_figures("Press 1 now, or 7. Dial 17, or send H.1", names)
    'Press one now, or seven. Dial 17, or send H.1'
    """
    return _FIGURE.sub(lambda match: names.get(match[0], match[0]), text)


def fault_of(text: str, language: str) -> str | None:
    """Why a text is not what is said; None if nothing speaks against it.

    Example
    -------
    >>> fault_of("Goodbye!", "en") is None
    True
    >>> fault_of("Press 500 now.", "en"), fault_of("press * to pause", "en")
    ('number in figures', 'uncertain text')
    >>> fault_of("Буква w.", "ru"), fault_of("...", "ru")
    ('other alphabet', 'no text')
    """
    letters = [char for char in text if char.isalpha()]
    if not letters and not any(char.isdigit() for char in text):
        return NO_TEXT
    if any(char.isdigit() for char in text):
        return FIGURES
    if _UNREADABLE.search(text):
        return UNCERTAIN
    alphabet = ALPHABETS.get(language, "LATIN")
    if any(not unicodedata.name(char).startswith(alphabet) for char in letters):
        return OTHER_ALPHABET
    return None


def sentence_key(text: str) -> str:
    """What is compared to tell whether two sentences are the same.

    Letters and figures only, without case, accents, spaces and punctuation: stricter
    than any normalisation that a training may choose.

    Example
    -------
    >>> sentence_key("Gracias, señor!") == sentence_key("gracias senor")
    True
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if char.isalnum()).casefold()
