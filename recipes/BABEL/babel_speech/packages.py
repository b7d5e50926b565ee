"""Packages of the LDC: where the conversations lie, and what their names say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xlsr_sb.errors import InputError

LANGUAGES = {
    "yue": ("101", "Cantonese"),
    "as": ("102", "Assamese"),
    "bn": ("103", "Bengali"),
    "ps": ("104", "Pashto"),
    "tr": ("105", "Turkish"),
    "tl": ("106", "Tagalog"),
    "vi": ("107", "Vietnamese"),
    "ht": ("201", "Haitian"),
    "sw": ("202", "Swahili"),
    "lo": ("203", "Lao"),
    "ta": ("204", "Tamil"),
    "ku": ("205", "Kurmanji"),
    "zu": ("206", "Zulu"),
    "tpi": ("207", "Tok Pisin"),
    "ceb": ("301", "Cebuano"),
    "kk": ("302", "Kazakh"),
    "te": ("303", "Telugu"),
    "lt": ("304", "Lithuanian"),
    "gn": ("305", "Guarani"),
    "ig": ("306", "Igbo"),
    "am": ("307", "Amharic"),
    "mn": ("401", "Mongolian"),
    "jv": ("402", "Javanese"),
    "luo": ("403", "Dholuo"),
    "ka": ("404", "Georgian"),
}
BY_NUMBER = {number: code for code, (number, _) in LANGUAGES.items()}
NAME = re.compile(
    r"BABEL_(?P<release>[A-Za-z0-9]+)_(?P<number>\d{3})_(?P<caller>\d+)_"
    r"(?P<date>\d+)_(?P<time>\d+)_(?P<line>inLine|outLine)"
)
CONVERSATIONS, PARTS = "conversational", ("training", "dev")
TRANSCRIPTS, AUDIO = "transcription", "audio"
ENDINGS = (".wav", ".sph")  # the first one wins: it may be converted from the second
DEPTH = 5  # folders down to the conversations


@dataclass(frozen=True)
class Side:
    """One side of a telephone conversation: a recording and its transcript.

    Parameters
    ----------
    name : str
        Of both files, without ending: ``BABEL_OP3_404_10033_20111024_205740_inLine``.
    number : str
        Of the language.
    caller : str
        Number of who called; both sides of a conversation have it.
    speaker : str
        Language, caller, and A for ``inLine`` or B for ``outLine``.
    transcript, audio : Path
        The audio need not be there.
    """

    name: str
    number: str
    caller: str
    speaker: str
    transcript: Path
    audio: Path


def find_conversations(folder: Path, language: str) -> Path:
    """Folder ``conversational`` of a language, wherever it lies below ``folder``.

    Parameters
    ----------
    folder : Path
        One package of the LDC, or a folder of several.
    language : str
        Code of the language, a key of ``LANGUAGES``.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When the language is not one of the corpus, or there is not exactly one such
        folder; it says which languages are there.
    """
    if language not in LANGUAGES:
        known = ", ".join(f"{code} ({name})" for code, (_, name) in LANGUAGES.items())
        raise InputError(f"language must be one of {known}; got {language!r}")
    if not folder.is_dir():
        raise InputError(f"data_folder: {folder} is not a folder")
    found = {place: _numbers(place) for place in _conversations(folder, DEPTH)}
    if not found:
        raise InputError(
            f"data_folder: below {folder} there is no folder {CONVERSATIONS} with "
            f"{' and '.join(PARTS)} in it; give the folder of an LDC package"
        )
    number, name = LANGUAGES[language]
    wanted = [place for place, numbers in found.items() if numbers == {number}]
    if len(wanted) != 1:
        there = "; ".join(
            f"{place}: {', '.join(_named(one) for one in sorted(numbers)) or 'nothing'}"
            for place, numbers in found.items()
        )
        raise InputError(
            f"data_folder: {language} is {name}, BABEL {number}; it must be in exactly "
            f"one of the packages below {folder}, in files of its own. There is {there}"
        )
    return wanted[0]


def sides(part: Path) -> tuple[list[Side], int]:
    """Transcribed sides of ``training`` or ``dev``, and how many have no transcript.

    Parameters
    ----------
    part : Path
        Holds ``audio`` and ``transcription``.

    Returns
    -------
    sides : list of Side
        In the order of their names.
    num_without_transcript : int
        Recordings.

    Raises
    ------
    InputError
        When a folder is missing or empty, or the name of a transcript is none of BABEL.
    """
    recordings: dict[str, Path] = {}
    for path in _files(part / AUDIO):
        if path.suffix.lower() in ENDINGS:
            best = recordings.setdefault(path.stem, path)
            recordings[path.stem] = min(best, path, key=_preference)
    found = []
    for path in _transcripts(part):
        name = _parsed(path)
        line = "A" if name["line"] == "inLine" else "B"
        speaker = f"{name['number']}_{name['caller']}_{line}"
        audio = recordings.pop(path.stem, part / AUDIO / f"{path.stem}{ENDINGS[-1]}")
        found.append(
            Side(path.stem, name["number"], name["caller"], speaker, path, audio)
        )
    if not found:
        raise InputError(f"{part / TRANSCRIPTS} holds no transcript (*.txt)")
    return found, len(recordings)


def _preference(path: Path) -> int:
    """Place of a file's kind among those of the same recording."""
    return ENDINGS.index(path.suffix.lower())


def _conversations(folder: Path, depth: int) -> Iterator[Path]:
    """Folders with both parts, named as they should be or given themselves."""
    if all((folder / part / TRANSCRIPTS).is_dir() for part in PARTS):
        if folder.resolve().name == CONVERSATIONS:
            yield folder
        return
    if depth:
        for below in sorted(path for path in folder.iterdir() if path.is_dir()):
            yield from _conversations(below, depth - 1)


def _numbers(place: Path) -> set[str]:
    """Numbers of the languages of the conversations in a folder."""
    return {_parsed(path)["number"] for x in PARTS for path in _transcripts(place / x)}


def _named(number: str) -> str:
    """Number of a language with its code."""
    return f"{number} ({BY_NUMBER.get(number, 'not a language of BABEL')})"


def _transcripts(part: Path) -> list[Path]:
    """Transcripts of a part, by name."""
    return [one for one in _files(part / TRANSCRIPTS) if one.suffix.lower() == ".txt"]


def _files(folder: Path) -> list[Path]:
    """Files of a folder by name, without hidden ones."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; fetch the package again")
    return sorted(one for one in folder.iterdir() if not one.name.startswith("."))


def _parsed(path: Path) -> re.Match[str]:
    """What a file's name says."""
    found = NAME.fullmatch(path.stem)
    if not found:
        raise InputError(
            f"{path}: the name must be as BABEL_OP3_404_10033_20111024_205740_inLine "
            "or _outLine; take the file away if it is none of the corpus"
        )
    return found
