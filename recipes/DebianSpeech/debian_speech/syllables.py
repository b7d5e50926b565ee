"""gcin's Mandarin syllables: each with its tone, read by two voices.

All in ``gcin-voice``: ``ogg/SYLLABLE/VOICE.ogg``, where the folder is the syllable in
Zhuyin and a digit for its tone (none for the first). For pretraining only.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from debian_speech.clip import Clip, Reading
from debian_speech.texts import NO_TEXT

NAME = "syllables"
LANGUAGES = ("zh",)
PACKAGE = "gcin-voice"
SOUNDS = "usr/share/gcin-voice/ogg"


def packages(languages: Iterable[str]) -> dict[str, Callable[[str], bool]]:
    """Package to fetch, with the test of the members that are needed.

    Example
    -------
    >>> packages(["zh"])["gcin-voice"](f"{SOUNDS}/ㄅㄚ1/3.ogg"), packages([])
    (True, {})
    """
    if not list(languages):
        return {}
    return {PACKAGE: lambda name: name.startswith(SOUNDS) and name.endswith(".ogg")}


def read(roots: Mapping[str, Path], languages: Iterable[str]) -> Reading:
    """Every syllable; a unit is a syllable with its tone."""
    if not list(languages):
        return Reading([], {})
    paths = sorted((roots[PACKAGE] / SOUNDS).glob("*/*.ogg"))
    return Reading(
        [
            Clip(
                id=f"{NAME}-zh-{path.parent.name}-{path.stem}",
                recording=path,
                source=NAME,
                language="zh",
                speaker=f"gcin-{path.stem}",
                unit=path.parent.name,
                fault=NO_TEXT,
            )
            for path in paths
        ],
        {},
    )
