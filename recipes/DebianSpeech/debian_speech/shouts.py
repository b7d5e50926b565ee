"""Hedgewars' shouts: what cartoon hedgehogs call out in a fight, in five languages.

All in ``hedgewars-data``: ``voices/PACK/NAME.ogg``, one voice a pack. The name of the
file is what the game calls the moment, not what is said ("Hurry" may be "Go, go!"), so
there is no text and they are for pretraining only.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from debian_speech.clip import Clip, Reading
from debian_speech.texts import NO_TEXT, NOT_SPEECH

NAME = "shouts"
LANGUAGES = ("en", "es", "pl", "ru", "uk")
PACKAGE = "hedgewars-data"
VOICES = "usr/share/games/hedgewars/Data/Sounds/voices"

_LANGUAGE = re.compile(r"_([a-z]{2})$")  # of a pack; "Russian" is English, with accent
_SCREAM = re.compile(r"(Jump|Ooff|Ow|Laugh|PoisonCough|PoisonMoan)\d*")


def packages(languages: Iterable[str]) -> dict[str, Callable[[str], bool]]:
    """Package to fetch, with the test of the members that are needed.

    Example
    -------
    >>> wanted = packages(["pl"])["hedgewars-data"]
    >>> wanted(f"{VOICES}/Default_pl/Hello.ogg"), wanted(f"{VOICES}/../Droplet1.ogg")
    (True, False)
    """
    if not list(languages):
        return {}
    wanted = re.compile(rf"{VOICES}/\w+/[^/]+\.ogg")
    return {PACKAGE: lambda name: bool(wanted.fullmatch(name))}


def read(roots: Mapping[str, Path], languages: Iterable[str]) -> Reading:
    """Every shout in ``languages``; a unit is a moment of the game."""
    languages = list(languages)
    if not languages:
        return Reading([], {})
    clips = []
    for path in sorted((roots[PACKAGE] / VOICES).glob("*/*.ogg")):
        pack = path.parent.name
        code = language_of(pack)
        if code in languages:
            clips.append(
                Clip(
                    id=f"{NAME}-{code}-{pack}-{path.stem}",
                    recording=path,
                    source=NAME,
                    language=code,
                    speaker=f"hedgewars-{pack}",
                    unit=path.stem,
                    fault=NOT_SPEECH if _SCREAM.fullmatch(path.stem) else NO_TEXT,
                )
            )
    return Reading(clips, {})


def language_of(pack: str) -> str:
    """Language of a pack of voices.

    Example
    -------
    >>> language_of("Pirate"), language_of("Russian"), language_of("Russian_pl")
    ('en', 'en', 'pl')
    """
    match = _LANGUAGE.search(pack)
    return match[1] if match else "en"
