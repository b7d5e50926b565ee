"""Transcripts made comparable: one case, one kind of apostrophe, no punctuation."""

import re
import unicodedata
from functools import lru_cache

APOSTROPHES = "'`´‘’‛ʼ＇′՚׳"  # all written '
HYPHENS = "-‐‑‒–−﹣－־"  # all written -; longer dashes part words
# Stand inside words and are no letters: Arabic's stretch, Armenian's marks of tone,
# Hebrew's mark of abbreviations.
DROPPED = "ـ՛՜՞״\N{COMBINING GRAPHEME JOINER}"
VARIATION_SELECTORS = "\ufe00-\ufe0f\u180b-\u180d"
# What the spelling itself needs, whatever a benchmark keeps: Catalan "col·legi".
KEPT_BY_LANGUAGE = {"ca": "·", "oc": "·"}
DOTTED_I = ("tr", "az", "crh", "gag")  # I is the capital of ı, and İ of i
# Written without spaces: one would stand only where a sign of punctuation was.
UNSPACED = ("zh", "cmn", "yue", "ja")
# Han and Bopomofo characters, kana of full and half width.
IDEOGRAPHS = (
    "\u3005-\u3007\u3041-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
BETWEEN_IDEOGRAPHS = re.compile(f"(?<=[{IDEOGRAPHS}]) (?=[{IDEOGRAPHS}])")


def normalise_text(text: str, language: str, *, keep: str = "'") -> str:
    """Words of a transcript in lower case, with one space between them.

    Unicode's composed form (NFC), the language's own case, one kind of apostrophe
    and of hyphen, no punctuation and no symbols. Letters, combining marks and digits
    stay. Chinese and Japanese characters have no space between them.

    Parameters
    ----------
    text : str
    language : str
        Code of the language, with or without a region (``pt-BR``).
    keep : str
        Characters to keep inside words, as the benchmark does: of *'tis well-known*
        ``"'-"`` leaves *tis well-known*. A hyphen that is not kept parts two words,
        an apostrophe does not.

    Returns
    -------
    str
        Normalising it again changes nothing.

    Example
    -------
    >>> normalise_text("L’été, c’est FINI !", "fr")
    "l'été c'est fini"
    >>> normalise_text("Well-known — isn’t it?", "en", keep="'-")
    "well-known isn't it"
    >>> normalise_text("Işık İSTER", "tr")
    'ışık ister'
    >>> normalise_text("你好，世界！ Hello World", "zh-TW")
    '你好世界 hello world'
    """
    language = re.split("[-_]", language.lower())[0]
    rules = _rules(keep + KEPT_BY_LANGUAGE.get(language, ""))
    text = unicodedata.normalize("NFC", text)
    if language in DOTTED_I:
        text = text.replace("I", "ı")
    words = rules.words(text.lower().translate(rules))
    # Python's lower case of İ is an i with a second dot.
    text = re.sub("i\u0307+", "i", " ".join(words))
    if language in UNSPACED:
        text = BETWEEN_IDEOGRAPHS.sub("", text)
    return unicodedata.normalize("NFC", text)


class _Rules(dict):
    """What becomes of each character, for ``str.translate``; and of each word."""

    def __init__(self, keep: str) -> None:
        super().__init__()
        self._keep = {self._unified(character) for character in keep}
        self._inner = "".join(sorted(self._keep | {"'"}))
        self._run = re.compile(f"[{re.escape(self._inner)}]{{2,}}")

    def __missing__(self, code: int) -> str:
        self[code] = self._replacement(chr(code))
        return self[code]

    def words(self, text: str) -> list[str]:
        """Words of a translated text, without kept characters at their ends."""
        words = [self._word(word) for word in self._run.sub(" ", text).split()]
        return [word for word in words if word]

    def _word(self, word: str) -> str:
        """Word without what cannot stand at its ends, nor inside if it is not kept."""
        start = 0
        while start < len(word) and not _starts_word(word[start], self._inner):
            start += 1
        word = word[start:].rstrip(self._inner)
        return word if "'" in self._keep else word.replace("'", "")

    def _replacement(self, character: str) -> str:
        """Return what is written for a character: itself, another, a space, nothing."""
        character = self._unified(character)
        category = unicodedata.category(character)
        if character in self._inner:
            return character
        if character in DROPPED or category in ("Cf", "Me"):
            return ""
        if re.match(f"[{VARIATION_SELECTORS}]", character):
            return ""
        return character if category[0] in "LMN" else " "

    @staticmethod
    def _unified(character: str) -> str:
        """Return the one apostrophe and the one hyphen for all of their kind."""
        if character in APOSTROPHES:
            return "'"
        return "-" if character in HYPHENS else character


@lru_cache(maxsize=64)
def _rules(keep: str) -> _Rules:
    """Return the rules, made once for each set of kept characters."""
    return _Rules(keep)


def _starts_word(character: str, inner: str) -> bool:
    """Whether a word may start with it: neither a mark nor what stands inside words."""
    return character not in inner and unicodedata.category(character)[0] != "M"
