"""Where the clips of a list are: as published, or converted to 16 kHz."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from common_voice.phones import FILE_ENDINGS
from common_voice.release import CLIPS, ENDING
from xlsr_sb.errors import InputError

CONVERTED = "clips_16k"  # of the script that was published with the lists


def find_clips(
    data_folder: Path, language: str, names: Collection[str]
) -> tuple[Path, dict[str, str]]:
    """Folder of the language, and the path of each clip.

    The lists write some languages otherwise than releases do: ``sv`` is ``sv-SE``, and
    of ``zh`` it was not said which of ``zh-TW``, ``zh-HK`` and ``zh-CN`` it is. Of the
    folders ``<language>`` and ``<language>-...`` that with most of the clips is taken.

    Parameters
    ----------
    data_folder : Path
        ``cv-corpus-<version>``, or the folder of the language itself.
    language : str
    names : collection of str
        Of the clips.

    Returns
    -------
    folder : Path
    paths : dict of str to str
        Of all clips; one that is missing is said to be where it should be.

    Raises
    ------
    InputError
        If none of the clips is there.
    """
    wanted, best, places = set(names), {}, []
    folder = data_folder / language / CLIPS
    for place in _places(data_folder, language):
        places.append(place)
        found = dict(_found(place, wanted))
        if len(found) > len(best):
            best, folder = found, place
    if not best:
        raise InputError(
            f"{data_folder} has none of the {len(wanted)} clips of the lists for "
            f"{language}; looked into {', '.join(map(str, places)) or 'no folder'}; "
            f"data_folder must be a release, such as cv-corpus-3, that holds "
            f"{language}/{CLIPS} or {language}-.../{CLIPS}"
        )
    missing = {name: str(folder / f"{name}{ENDING}") for name in wanted - best.keys()}
    return folder.parent, best | missing


def _places(data_folder: Path, language: str) -> Iterator[Path]:
    """Folders in which clips may be; converted ones, which are read faster, first."""
    named = sorted(data_folder.glob(f"{language}-*"))
    for folder in (data_folder / language, *named, data_folder):
        for name in (CONVERTED, CLIPS):
            if (folder / name).is_dir():
                yield folder / name


def _found(place: Path, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Name and path of the wanted clips below a folder, which may sort by speaker."""
    for folder, _, files in os.walk(place):
        for file in files:
            name, ending = os.path.splitext(file)
            if name in wanted and ending in FILE_ENDINGS:
                yield name, os.path.join(folder, file)
