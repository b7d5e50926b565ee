"""What a transcript is cut into: its characters, or symbols with spaces between."""

from collections.abc import Iterable

from xlsr_sb.data.text.normalising import normalise_text
from xlsr_sb.errors import InputError

CHARACTERS, TOKENS = UNITS = ("characters", "tokens")
FIRST_PRIVATE = 0xF0000  # 65,534 characters that mean nothing to anybody


def transcript_of(text: str, language: str, *, units: str, keep: str) -> str:
    """Transcript as it is learnt and scored.

    Parameters
    ----------
    text, language : str
    units : str
        Of ``characters`` the text is normalised (see ``normalise_text``). ``tokens``
        are symbols of any length, such as phones, with spaces between: they stay as
        they are.
    keep : str
        Characters to keep inside words; of no meaning to tokens.

    Raises
    ------
    InputError
        For other units.

    Example
    -------
    >>> transcript_of("L’Été !", "fr", units="characters", keep="'")
    "l'été"
    >>> transcript_of(" l  e  t  E ", "fr", units="tokens", keep="'")
    'l e t E'
    """
    if units not in UNITS:
        raise InputError(f"data.units is {units!r}; it must be one of {UNITS}")
    if units == TOKENS:
        return " ".join(text.split())
    return normalise_text(text, language, keep=keep)


def one_character_each(*texts: Iterable[str]) -> list[list[str]]:
    """Texts of symbols with one character for each symbol, the same in all of them.

    What counts characters then counts symbols.

    Parameters
    ----------
    *texts : iterable of str
        Symbols with spaces between.

    Returns
    -------
    list of list of str

    Example
    -------
    >>> references, hypotheses = one_character_each(["tʃ a tʃ"], ["tʃ ɑː", ""])
    >>> [len(text) for text in references + hypotheses]
    [3, 2, 0]
    >>> references[0][0] == references[0][2] == hypotheses[0][0] != hypotheses[0][1]
    True
    """
    known: dict[str, str] = {}
    return [
        [
            "".join(
                known.setdefault(symbol, chr(FIRST_PRIVATE + len(known)))
                for symbol in text.split()
            )
            for text in group
        ]
        for group in texts
    ]
