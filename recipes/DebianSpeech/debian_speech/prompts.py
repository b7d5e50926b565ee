"""Asterisk's telephone prompts: one voice a language, the same prompts in five.

Package ``asterisk-core-sounds-XX-g722`` holds the audio (G.722, 16 kHz) and
``asterisk-core-sounds-XX`` the text: lines ``key: text``, where the key is the path of
the recording without its extension, and ``;`` starts a comment.
"""

import gzip
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from debian_speech import texts
from debian_speech.clip import Clip, Reading

NAME = "prompts"
LANGUAGES = ("en", "es", "fr", "it", "ru")
VOICES = {
    "en": "allison",
    "es": "allison",
    "fr": "june",
    "it": "carlo",
    "ru": "ivrvoice",
}
NOT_SPEECH = {
    *("ascending-2tone", "descending-2tone", "beep", "beeperr"),
    *("confbridge-join", "confbridge-leave", "tt-monkeys"),
}
DAMAGED = "damaged text"

_LOST_LETTER = re.compile(r"\?\s*[a-zà-ÿ]")  # "pu? essere" was "può essere"
_ENTRY = re.compile(r"([\w/-]+):(.*)")
_EMBEDDED = re.compile(r"([\w/]+-[\w/-]+):\s")


def packages(languages: Iterable[str]) -> dict[str, Callable[[str], bool]]:
    """Packages to fetch, each with the test of the members that are needed.

    The texts of all languages are always needed: they are the translations, and the
    split is made from them.

    Example
    -------
    >>> sorted(packages(["fr"]))[-2:]
    ['asterisk-core-sounds-it', 'asterisk-core-sounds-ru']
    """
    wanted: dict[str, Callable[[str], bool]] = {
        f"asterisk-core-sounds-{code}": lambda name: name.endswith(".txt.gz")
        for code in LANGUAGES
    }
    for code in languages:
        wanted[f"asterisk-core-sounds-{code}-g722"] = lambda name: name.endswith(
            ".g722"
        )
    return wanted


def read(roots: Mapping[str, Path], languages: Iterable[str]) -> Reading:
    """Every prompt in ``languages``; ``roots`` says where each package was unpacked."""
    written = {
        code: _texts(roots[f"asterisk-core-sounds-{code}"]) for code in LANGUAGES
    }
    faults = {
        code: {key: _fault(key, text, code) for key, text in own.items()}
        for code, own in written.items()
    }
    clips = []
    for code in languages:
        root = roots[f"asterisk-core-sounds-{code}-g722"]
        for path in sorted(root.glob("usr/share/asterisk/sounds/*/**/*.g722")):
            name = "/".join(path.relative_to(root).with_suffix("").parts[5:])
            clips.append(_clip(path, name, code, written, faults))
    units: dict[str, list[str]] = {}
    for own in written.values():
        for key, text in own.items():
            units.setdefault(key, []).append(text)
    return Reading(clips, units)


def _clip(path: Path, name: str, code: str, written: dict, faults: dict) -> Clip:
    """Record of one recording."""
    key = name.casefold()
    spoiled = (texts.NO_TEXT, texts.NOT_SPEECH, DAMAGED)
    translations = {
        other: own[key]
        for other, own in written.items()
        if other != code and faults[other].get(key, texts.NO_TEXT) not in spoiled
    }
    return Clip(
        id=f"{NAME}-{code}-{name.replace('/', '-')}",
        recording=path,
        source=NAME,
        language=code,
        speaker=f"asterisk-{VOICES[code]}",
        unit=key,
        text=written[code].get(key, ""),
        translations=translations,
        fault=faults[code].get(key, _fault(key, "", code)),
    )


def _fault(key: str, text: str, language: str) -> str | None:
    """Why a prompt's text cannot be used."""
    if key in NOT_SPEECH or key.startswith("silence/"):
        return texts.NOT_SPEECH
    if _LOST_LETTER.search(text):
        return DAMAGED
    return texts.fault_of(text, language)


def _texts(root: Path) -> dict[str, str]:
    """Text by key of one language, cleaned, keys of the telephone written out."""
    (path,) = root.glob("usr/share/doc/*/core-sounds-*.txt.gz")
    own = parse(gzip.decompress(path.read_bytes()))
    names = {digit: own.get(f"digits/{digit}", digit) for digit in "0123456789"}
    return {key: texts.spell_figures(text, names) for key, text in own.items()}


def parse(content: bytes) -> dict[str, str]:
    r"""Text by key, cleaned, of the content of a ``core-sounds-XX.txt``.

    Keys are case-folded, because they do not always have the case of their file. Of a
    key that comes twice the first text counts. A line into which another entry was
    glued is cut there.

    Example
    -------
    >>> parse(b"; comment\ndigits/1F: una\nvm-no: no vm-and: y\nvm-and: y [and]")
    {'digits/1f': 'una', 'vm-no': 'no', 'vm-and': 'y [and]'}
    """
    lines = _decoded(content).splitlines()
    entries = [match.groups() for line in lines if (match := _ENTRY.match(line))]
    keys = {key.casefold() for key, _ in entries}
    own: dict[str, str] = {}
    for key, text in entries:
        text = _cut(key.casefold(), f"{text} ", keys)
        own.setdefault(key.casefold(), texts.without_directions(text))
    return own


def _cut(key: str, text: str, keys: set[str]) -> str:
    """``text`` up to the first other entry that stands in it."""
    for match in _EMBEDDED.finditer(text):
        embedded = match[1].casefold()
        if embedded == key:
            return text[match.end() :]
        if embedded in keys:
            return text[: match.start(1)]
    return text


def _decoded(content: bytes) -> str:
    """Text of a file that is UTF-8, or else the 8-bit encoding of its letters."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        russian = sum(byte >= 0xC0 for byte in content) > len(content) / 4
        return content.decode("cp1251" if russian else "latin-1")
