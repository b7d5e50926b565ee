"""Codes of languages: mBART-50's own, and those that released translators answer to.

The first token of a translation is the code of its language. mBART-50 has 52 of them,
in an order that fixes their ids. Two languages into which XLS-R's released translators
write have none, and the model cards give them the places of other languages; a third
has one, but its card names another. ``RELEASED_TARGETS`` is that table, code by code.
"""

from collections.abc import Sequence

from xlsr_sb.errors import InputError

MBART_CODES = (
    *("ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX", "gu_IN"),
    *("hi_IN", "it_IT", "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP"),
    *("nl_XX", "ro_RO", "ru_RU", "si_LK", "tr_TR", "vi_VN", "zh_CN", "af_ZA", "az_AZ"),
    *("bn_IN", "fa_IR", "he_IL", "hr_HR", "id_ID", "ka_GE", "km_KH", "mk_MK", "ml_IN"),
    *("mn_MN", "mr_IN", "pl_PL", "ps_AF", "pt_XX", "sv_SE", "sw_KE", "ta_IN", "te_IN"),
    *("th_TH", "tl_XX", "uk_UA", "ur_PK", "xh_ZA", "gl_ES", "sl_SI"),
)

# Catalan and Welsh are not among mBART-50's languages. The released models write them
# under codes of languages into which they do not translate.
BORROWED = {"ca": "es_XX", "cy": "fi_FI"}

_FROM_ENGLISH = {
    "de": "de_DE",
    "tr": "tr_TR",
    "fa": "fa_IR",
    "sv": "sv_SE",
    "mn": "mn_MN",
    "zh": "zh_CN",
    "cy": BORROWED["cy"],
    "ca": BORROWED["ca"],
    "sl": "sl_SI",
    "et": "et_EE",
    "id": "id_ID",
    "ar": "ar_AR",
    "ta": "ta_IN",
    # The cards of en-to-15 and of 22-to-16 both say 250017, which is Burmese's place.
    # Latvian's own, 250016, stands before it; no other source says which one was meant.
    "lv": "my_MM",
    "ja": "ja_XX",
}
RELEASED_TARGETS = {
    "21-to-en": {"en": "en_XX"},
    "en-to-15": _FROM_ENGLISH,
    "22-to-16": {"en": "en_XX", **_FROM_ENGLISH},
}

_CODE_OF = {
    name: code
    for code in MBART_CODES
    for name in (code, code.replace("_", "-"), code.partition("_")[0])
}
_TARGETS = {**{code.partition("_")[0]: code for code in MBART_CODES}, **BORROWED}


def language_token(language: str) -> str:
    """Token that stands for a language: mBART-50's code if it has one.

    Parameters
    ----------
    language : str
        An ISO code (``sv``), one with a region (``sv-SE``), or mBART-50's (``sv_SE``).

    Returns
    -------
    str
        Of a language that mBART-50 does not know, a code of the same form.

    Example
    -------
    >>> [language_token(name) for name in ("en", "sv-SE", "zh-CN", "fr_XX")]
    ['en_XX', 'sv_SE', 'zh_CN', 'fr_XX']
    >>> [language_token(name) for name in ("ca", "zh-TW")]
    ['ca_XX', 'zh_TW']
    """
    if language in _CODE_OF:
        return _CODE_OF[language]
    if not language.replace("-", "_").replace("_", "").isalnum():
        raise InputError(f"{language!r} is no code of a language, as en or sv-SE are")
    token = language.replace("-", "_")
    return token if "_" in token else f"{token}_XX"


def language_tokens(languages: Sequence[str]) -> tuple[str, ...]:
    """Tokens of several languages, in their order.

    Raises
    ------
    InputError
        If there is none, or two are the same.

    Example
    -------
    >>> language_tokens(["en", "ca"])
    ('en_XX', 'ca_XX')
    """
    tokens = tuple(map(language_token, languages))
    twice = sorted({token for token in tokens if tokens.count(token) > 1})
    if twice or not tokens:
        found = f"{twice[0]} stands twice in" if twice else "there is none in"
        raise InputError(
            f"languages of a tokeniser: {found} {list(languages)}; each language must "
            "be named once"
        )
    return tokens


def target_token(language: str, *, released: bool = False) -> str:
    """Token of mBART-50 under which a model writes a language.

    Parameters
    ----------
    language : str
        As of ``language_token``.
    released : bool
        Whether the model is one of XLS-R's released translators. They write Latvian
        under another code than its own, and 16 languages altogether. A model that is
        trained from mBART-50 has every code for what it means, and borrows one for a
        language of ``BORROWED``.

    Raises
    ------
    InputError
        For a language without a token, with those that have one.

    Example
    -------
    >>> target_token("ca"), target_token("lv"), target_token("lv", released=True)
    ('es_XX', 'lv_LV', 'my_MM')
    >>> target_token("fr", released=True)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: no released model translates into 'fr'; known are ar, ...
    """
    token = language_token(language)
    name, _, region = token.partition("_")
    known = RELEASED_TARGETS["22-to-16"] if released else _TARGETS
    # Another region's form of a language (zh-TW) is not the one that is known.
    if name in known and (token in MBART_CODES or region == "XX"):
        return known[name]
    who = (
        "no released model translates into" if released else "mBART-50 has no code for"
    )
    raise InputError(
        f"{who} {language!r}; known are {', '.join(sorted(known))}; a model with a "
        "tokeniser of its own can have any"
    )
