"""The 107 languages, and their codes.

Languages have their codes of ISO 639 everywhere but in names of files and folders:
there Hebrew is ``iw`` and Javanese ``jw``, as the publisher writes them.
"""

from collections.abc import Iterable, Sequence

from xlsr_sb.errors import InputError

PUBLISHED = (  # names of the publisher's zips and folders
    *("ab", "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo"),
    *("br", "bs", "ca", "ceb", "cs", "cy", "da", "de", "el", "en", "eo"),
    *("es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gn", "gu", "gv"),
    *("ha", "haw", "hi", "hr", "ht", "hu", "hy", "ia", "id", "is", "it"),
    *("iw", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln"),
    *("lo", "lt", "lv", "mg", "mi", "mk", "ml", "mn", "mr", "ms", "mt"),
    *("my", "ne", "nl", "nn", "no", "oc", "pa", "pl", "ps", "pt", "ro"),
    *("ru", "sa", "sco", "sd", "si", "sk", "sl", "sn", "so", "sq", "sr"),
    *("su", "sv", "sw", "ta", "te", "tg", "th", "tk", "tl", "tr", "tt"),
    *("uk", "ur", "uz", "vi", "war", "yi", "yo", "zh"),
)
RENAMED = {"iw": "he", "jw": "jv"}
FOLDERS = (*PUBLISHED, *RENAMED.values())  # where somebody has renamed those of two


def code_of(published: str) -> str:
    """Code of ISO 639 of a language, from the publisher's; that itself will do.

    Example
    -------
    >>> code_of("iw"), code_of("he"), code_of("fr")
    ('he', 'he', 'fr')
    """
    return RENAMED.get(published, published)


def chosen_languages(
    languages: str | Sequence[str] | None, *, there: Iterable[str]
) -> list[str]:
    """Codes of the languages that a user asked for.

    Parameters
    ----------
    languages : str with commas, or sequence of str, optional
        Either code of a language will do; by default all that are there.
    there : iterable of str
        Codes of ISO 639 of the languages on disk.

    Returns
    -------
    list of str
        In alphabetical order, each once.

    Raises
    ------
    InputError
        Naming what is no language of the corpus, or is not on disk.

    Example
    -------
    >>> chosen_languages("iw, fr,he", there=["he", "fr", "ka"])
    ['fr', 'he']
    """
    known, there = {code_of(name) for name in PUBLISHED}, set(there)
    if languages is None:
        return sorted(there)
    names = languages.split(",") if isinstance(languages, str) else languages
    chosen = {code_of(str(name).strip()) for name in names} - {""}
    if unknown := sorted(chosen - known):
        raise InputError(
            f"languages: {', '.join(map(repr, unknown))} is not in VoxLingua107, which "
            f"has {' '.join(sorted(known))}, several with commas between them"
        )
    if absent := sorted(chosen - there):
        raise InputError(
            f"languages: there is no speech of {', '.join(absent)}; there is "
            f"{' '.join(sorted(there))}; fetch the zip, or leave the language out"
        )
    if not chosen:
        raise InputError(
            f"languages: {languages!r} names none; there is {' '.join(sorted(there))}"
        )
    return sorted(chosen)
