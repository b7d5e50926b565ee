"""KLettres' letters and syllables: an alphabet read aloud, in nineteen languages.

All in ``klettres-data``: ``CODE/alpha/*.ogg`` are the names of the letters and
``CODE/syllab/*.ogg`` syllables; the folder tells the language. Nothing else is
written down of them than a file name, so they are for pretraining only.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from debian_speech.clip import Clip, Reading
from debian_speech.texts import NO_TEXT

NAME = "letters"
PACKAGE = "klettres-data"
SOUNDS = "usr/share/klettres"
VARIANTS = {"en_GB": "en", "pt_BR": "pt"}  # folder to language; others are the same
LANGUAGES = (
    "ar",
    "cs",
    "da",
    "de",
    "en",
    "es",
    "fr",
    "he",
    "hu",
    "it",
    "lt",
    "ml",
    "nb",
    "nds",
    "nl",
    "pt",
    "ru",
    "tn",
    "uk",
)

_RECORDING = re.compile(rf"{SOUNDS}/([A-Za-z_]+)/(alpha|syllab)/[^/]+\.ogg")


def packages(languages: Iterable[str]) -> dict[str, Callable[[str], bool]]:
    """Package to fetch, with the test of the members that are needed.

    Example
    -------
    >>> wanted = packages(["fr"])["klettres-data"]
    >>> wanted(f"{SOUNDS}/fr/alpha/a-0.ogg"), wanted(f"{SOUNDS}/fr/sounds.xml")
    (True, False)
    """
    if not list(languages):
        return {}
    return {PACKAGE: lambda name: bool(_RECORDING.fullmatch(name))}


def read(roots: Mapping[str, Path], languages: Iterable[str]) -> Reading:
    """Letters and syllables in ``languages``, each a unit; a folder is a speaker."""
    languages = list(languages)
    if not languages:
        return Reading([], {})
    folder = roots[PACKAGE] / SOUNDS
    found = [path.relative_to(folder).parts for path in sorted(folder.glob("*/*/*"))]
    return Reading(
        [
            Clip(
                id="-".join((NAME, variant.replace("_", "-"), kind, Path(file).stem)),
                recording=folder / variant / kind / file,
                source=NAME,
                language=code,
                speaker=f"klettres-{variant.replace('_', '-')}",
                unit=Path(file).stem.casefold(),
                fault=NO_TEXT,
            )
            for variant, kind, file in found
            if (code := VARIANTS.get(variant, variant)) in languages
        ],
        {},
    )
