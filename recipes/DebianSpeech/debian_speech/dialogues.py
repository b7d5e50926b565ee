"""Fish Fillets' dialogues: two fish talk, in Czech and Dutch, with a few others.

Texts are Lua, in ``fillets-ng-data``, one file a level and language, with pairs of
``dialogId("id", "font_small", "English")`` and ``dialogStr("local")``; the font tells
who speaks. Audio is ``sound/LEVEL/LANGUAGE/id.ogg`` in ``fillets-ng-data-LANGUAGE``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from debian_speech import texts
from debian_speech.clip import Clip, Reading

NAME = "dialogues"
LANGUAGES = ("cs", "nl")
TRANSLATED = ("bg", "cs", "de", "es", "fr", "it", "nl", "pl", "ru", "sv")
GAME = "usr/share/games/fillets-ng"
TEXTS = "fillets-ng-data"

_STRING = r'"((?:[^"\\]|\\.)*)"'
_SPOKEN = re.compile(
    rf"dialogId\(\s*{_STRING}\s*,\s*{_STRING}\s*,\s*{_STRING}\s*\)\s*"
    rf"dialogStr\(\s*{_STRING}\s*\)"
)


def packages(languages: Iterable[str]) -> dict[str, Callable[[str], bool]]:
    """Packages to fetch, each with the test of the members that are needed.

    Example
    -------
    >>> list(packages(["nl"]))
    ['fillets-ng-data', 'fillets-ng-data-nl']
    """
    languages = list(languages)
    script = re.compile(rf"{GAME}/script/.*dialogs_({'|'.join(TRANSLATED)})\.lua")
    wanted: dict[str, Callable[[str], bool]] = {}
    if languages:
        wanted[TEXTS] = lambda name: bool(script.fullmatch(name))
    for code in languages:
        wanted[f"{TEXTS}-{code}"] = lambda name: name.endswith(".ogg")
    return wanted


def read(roots: Mapping[str, Path], languages: Iterable[str]) -> Reading:
    """Every line that is spoken in ``languages``; a unit is a level."""
    languages = list(languages)
    if not languages:
        return Reading([], {})
    lines = {code: _lines(roots[TEXTS], code) for code in TRANSLATED}
    clips = []
    for code in languages:
        folder = roots[f"{TEXTS}-{code}"] / GAME / "sound"
        for path in sorted(folder.glob(f"**/{code}/*.ogg")):
            level = path.relative_to(folder).parts[0]
            clips.append(_clip(path, (level, path.stem), code, lines))
    units: dict[str, list[str]] = {}
    for code in LANGUAGES:
        for (level, _), (_, _, local) in lines[code].items():
            units.setdefault(level, []).append(local)
    for clip in clips:
        units.setdefault(clip.unit, [])
    return Reading(clips, units, joins_sentences=False)


def _clip(path: Path, key: tuple[str, str], code: str, lines: dict) -> Clip:
    """Record of one spoken line."""
    level, name = key
    font, english, local = lines[code].get(key, ("", "", ""))
    translations = {
        other: own[key][2]
        for other, own in lines.items()
        if other != code and key in own
    }
    translations["en"] = english
    return Clip(
        id=f"{NAME}-{code}-{level}-{name}",
        recording=path,
        source=NAME,
        language=code,
        speaker=f"fillets-{code}-{font.removeprefix('font_') or 'unnamed'}",
        unit=level,
        text=local,
        translations={other: text for other, text in translations.items() if text},
        fault=texts.fault_of(local, code),
    )


def _lines(root: Path, code: str) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Font, English and local text of one language, by level and id."""
    lines = {}
    for path in sorted((root / GAME / "script").glob(f"*/*dialogs_{code}.lua")):
        for name, line in parse(path.read_text(encoding="utf-8")).items():
            lines.setdefault((path.parent.name, name), line)
    return lines


def parse(script: str) -> dict[str, tuple[str, str, str]]:
    r"""Font, English and local text by id, of the content of a ``dialogs_XX.lua``.

    Example
    -------
    >>> parse('dialogId("a", "font_big", "Why?")\ndialogStr("Waarom \\"dit\\"?")')
    {'a': ('font_big', 'Why?', 'Waarom "dit"?')}
    """
    return {
        name: (font, _plain(english), _plain(local))
        for name, font, english, local in _SPOKEN.findall(script)
    }


def _plain(text: str) -> str:
    """Text of a Lua string, without stage directions."""
    text = re.sub(r"\\(.)", lambda match: " " if match[1] == "n" else match[1], text)
    return texts.without_directions(text)
