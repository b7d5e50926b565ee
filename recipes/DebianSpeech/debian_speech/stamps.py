"""Tux Paint's stamps: the name of a picture, spoken in eleven languages.

All in ``tuxpaint-stamps-default``: audio ``NAME_desc.ogg`` in English and
``NAME_desc_XX.ogg``, text in ``NAME.txt``, the first line in English, then lines
``XX.utf8=text``. Many texts became longer after they were read, so the cleaning
compares their length with that of the sound.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from debian_speech import texts
from debian_speech.clip import Clip, Reading

NAME = "stamps"
LANGUAGES = ("be", "bg", "ca", "da", "el", "en", "es", "fr", "nl", "ro", "ru")
PACKAGE = "tuxpaint-stamps-default"
STAMPS = "usr/share/tuxpaint/stamps"
SYMBOL = "letter or number"

_RECORDING = re.compile(r"(.+)_desc(?:_([a-z]+))?\.ogg")
_TEXT = re.compile(r"([a-z]+)\.utf8=(.*)")
_SYMBOLS = re.compile(r"symbols/(alphabets|math|money)/")


def packages(languages: Iterable[str]) -> dict[str, Callable[[str], bool]]:
    """Package to fetch, with the test of the members that are needed.

    Example
    -------
    >>> wanted = packages(["fr"])["tuxpaint-stamps-default"]
    >>> wanted(f"{STAMPS}/animals/cat_desc_fr.ogg"), wanted(f"{STAMPS}/animals/cat.ogg")
    (True, False)
    """
    if not list(languages):
        return {}
    wanted = re.compile(rf"{STAMPS}/.*(_desc(_[a-z]+)?\.ogg|\.txt)")
    return {PACKAGE: lambda name: bool(wanted.fullmatch(name))}


def read(roots: Mapping[str, Path], languages: Iterable[str]) -> Reading:
    """Every stamp that is spoken in ``languages``; a unit is a picture."""
    languages = list(languages)
    if not languages:
        return Reading([], {})
    folder = roots[PACKAGE] / STAMPS
    written = {
        str(path.relative_to(folder).with_suffix("")): parse(
            path.read_text(encoding="utf-8")
        )
        for path in sorted(folder.glob("**/*.txt"))
    }
    clips = []
    for path in sorted(folder.glob("**/*_desc*.ogg")):
        match = _RECORDING.fullmatch(str(path.relative_to(folder)))
        if match and (code := match[2] or "en") in languages:
            clips.append(_clip(path, match[1], code, written.get(match[1], {})))
    units = {
        unit: [text for code, text in own.items() if code in LANGUAGES]
        for unit, own in written.items()
    }
    for clip in clips:
        units.setdefault(clip.unit, [])
    return Reading(clips, units)


def _clip(path: Path, unit: str, code: str, own: Mapping[str, str]) -> Clip:
    """Record of one spoken name."""
    text = own.get(code, "")
    fault = SYMBOL if _SYMBOLS.match(unit) else texts.fault_of(text, code)
    return Clip(
        id=f"{NAME}-{code}-{unit.replace('/', '-')}",
        recording=path,
        source=NAME,
        language=code,
        speaker=f"tuxpaint-{code}",
        unit=unit,
        text=text,
        translations={other: x for other, x in own.items() if other != code and x},
        fault=fault,
    )


def parse(content: str) -> dict[str, str]:
    r"""Text by language code, of the content of a ``NAME.txt``.

    Variants of a language (``pt_BR``, ``sr@latin``) are left out.

    Example
    -------
    >>> parse("A cat.\nfr.utf8=Un chat.\npt_BR.utf8=Um gato.\n")
    {'en': 'A cat.', 'fr': 'Un chat.'}
    """
    english, *others = content.splitlines() or [""]
    found = {"en": english, **dict(_TEXT.findall("\n".join(others)))}
    return {code: texts.without_directions(text) for code, text in found.items()}
