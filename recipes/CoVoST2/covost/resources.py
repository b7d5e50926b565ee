"""What is known of CoVoST-2: its pairs, codes, groups, and how many rows each has.

Languages have their codes of ISO 639-1 everywhere but in names of files and folders:
there Swedish is ``sv-SE`` and Chinese ``zh-CN``, as the publisher writes them.
"""

from collections.abc import Sequence

from xlsr_sb.errors import InputError

ENGLISH = "en"
SPLITS = TRAIN, DEV, TEST = ("train", "dev", "test")
PUBLISHED = {"sv": "sv-SE", "zh": "zh-CN"}  # codes of the publisher, where others
GROUPS = {  # of the paper, by the hours of a language's training set
    "high": ("fr", "de", "es", "ca"),
    "mid": ("fa", "it", "ru", "pt", "zh"),
    "low": ("tr", "ar", "et", "mn", "nl", "sv", "lv", "sl", "ta", "ja", "id", "cy"),
}
INTO_ENGLISH = tuple(code for codes in GROUPS.values() for code in codes)
FROM_ENGLISH = (  # in the order of the paper's tables, as the above
    *("ca", "ar", "de", "tr", "zh", "fa", "et", "mn"),
    *("sv", "lv", "sl", "ta", "ja", "id", "cy"),
)
ALL_INTO, ALL_FROM = "x_en", "en_x"
_ROWS_OF_ENGLISH = (289_430, 15_531, 15_531)
_ROWS_INTO_ENGLISH = {
    "fr": (207_374, 14_760, 14_760),
    "de": (127_834, 13_511, 13_511),
    "es": (79_015, 13_221, 13_221),
    "ca": (95_854, 12_730, 12_730),
    "fa": (53_949, 3_445, 3_445),
    "it": (31_698, 8_940, 8_951),
    "ru": (12_112, 6_110, 6_300),
    "pt": (9_158, 3_318, 4_023),
    "zh": (7_085, 4_843, 4_898),
    "tr": (3_966, 1_624, 1_629),
    "ar": (2_283, 1_758, 1_695),
    "et": (1_782, 1_576, 1_571),
    "mn": (2_067, 1_761, 1_759),
    "nl": (7_108, 1_699, 1_699),
    "sv": (2_160, 1_349, 1_595),
    "lv": (2_337, 1_125, 1_629),
    "sl": (1_843, 509, 360),
    "ta": (1_358, 384, 786),
    "ja": (1_119, 635, 684),
    "id": (1_243, 792, 844),
    "cy": (1_241, 690, 690),
}


def published(code: str) -> str:
    """Code of a language as the publisher's files have it.

    Example
    -------
    >>> published("sv"), published("fr")
    ('sv-SE', 'fr')
    """
    return PUBLISHED.get(code, code)


def published_rows(source: str) -> dict[str, int]:
    """Rows of each split that the publisher's script makes of Common Voice 4.

    Parameters
    ----------
    source : str
        Code of ISO 639-1; from English, all pairs have the same.

    Example
    -------
    >>> published_rows("it")
    {'train': 31698, 'dev': 8940, 'test': 8951}
    """
    rows = _ROWS_OF_ENGLISH if source == ENGLISH else _ROWS_INTO_ENGLISH[source]
    return dict(zip(SPLITS, rows, strict=True))


def chosen_pairs(pairs: str | Sequence[str]) -> dict[str, list[str]]:
    """Target languages by source language, of what a user asked for.

    Parameters
    ----------
    pairs : str, with commas, or sequence of str
        Such as ``fr_en``; ``x_en`` is all into English, ``en_x`` all from English.
        Either code of a language will do.

    Returns
    -------
    dict of str to list of str
        Codes of ISO 639-1, each pair once.

    Raises
    ------
    InputError
        Naming what is no pair of the corpus, and all that are.

    Example
    -------
    >>> chosen_pairs("fr_en, zh-CN_en,en_ja,en_de")
    {'fr': ['en'], 'zh': ['en'], 'en': ['ja', 'de']}
    """
    names = pairs.split(",") if isinstance(pairs, str) else pairs
    chosen: dict[str, list[str]] = {}
    unknown = []
    for name in (str(name).strip() for name in names):
        found = _KNOWN.get(name, [])
        unknown += [] if found else [name]
        for source, target in found:
            targets = chosen.setdefault(source, [])
            targets += [] if target in targets else [target]
    if unknown or not chosen:
        raise InputError(
            f"pairs: {', '.join(map(repr, unknown)) or 'none'} of CoVoST-2; it has "
            f"{' '.join(f'{code}_en' for code in INTO_ENGLISH)} (all: {ALL_INTO}) and "
            f"{' '.join(f'en_{code}' for code in FROM_ENGLISH)} (all: {ALL_FROM}), "
            f"several with commas between them"
        )
    return chosen


def _known() -> dict[str, list[tuple[str, str]]]:
    """Pairs by every name that they go by."""
    into = [(code, ENGLISH) for code in INTO_ENGLISH]
    out_of = [(ENGLISH, code) for code in FROM_ENGLISH]
    known = {ALL_INTO: into, ALL_FROM: out_of}
    for pair in (*into, *out_of):
        known["_".join(pair)] = known["_".join(map(published, pair))] = [pair]
    return known


_KNOWN = _known()
