"""Where the clips are: folders or zips of languages, and the development set."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from voxlingua.languages import FOLDERS, code_of
from voxlingua.zips import AUDIO, clips_in, is_clip, unpack
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

TRAIN, DEV = "train", "dev"
ZIP = ".zip"
TIMES = re.compile(r".+---(\d+\.\d+)-(\d+\.\d+)")  # where it lies in its video
VIDEO_CHARACTERS = 11  # of an id of YouTube; behind it may stand a label
SHOWN = 10  # problems listed in an error
LAYOUT = (
    f"train/<language>/*{AUDIO} or <language>{ZIP}, and dev/<language>/*{AUDIO} or "
    f"dev{ZIP}, as they were published"
)


def language_places(data_folder: Path, *, unpacked: Path) -> dict[str, Path]:
    """Folder, or else zip, of each language there is to learn from.

    Parameters
    ----------
    data_folder : Path
        Holds them, or ``train`` with them.
    unpacked : Path
        Where zips were unpacked.

    Returns
    -------
    dict of str to Path
        By code of ISO 639.

    Raises
    ------
    InputError
        If there is none.
    """
    roots = [unpacked / TRAIN, data_folder / TRAIN, data_folder]
    places = {}
    for name in FOLDERS:
        folders = [root / name for root in roots if _holds_clips(root / name)]
        zips = [root / f"{name}{ZIP}" for root in roots]
        if found := [*folders, *(path for path in zips if path.is_file())]:
            places.setdefault(code_of(name), found[0])
    if not places:
        there = sorted(path.name for path in data_folder.glob("*"))
        raise InputError(
            f"data_folder: {data_folder} holds no language of VoxLingua107; there is "
            f"{', '.join(there[:SHOWN]) or 'nothing'}; there must be {LAYOUT}"
        )
    return places


def training_clips(place: Path, language: str, *, unpacked: Path) -> list[Utterance]:
    """Clips of a language with the lengths that their names tell.

    Parameters
    ----------
    place : Path
        Its folder, or its zip, which is unpacked.
    language : str
        Code of ISO 639.
    unpacked : Path
        Takes ``train/<language>``.

    Raises
    ------
    InputError
        For names that do not tell a length.
    """
    if place.is_file():
        place = unpack(place, unpacked / TRAIN / place.name.removesuffix(ZIP))
    clips = _utterances(place, language)
    if untold := [one.wav for one in clips if not one.duration > 0]:
        raise InputError(
            listed(
                f"{place}: {len(untold)} clips are not called "
                f"<video>---<start>-<end>{AUDIO}, in seconds:",
                untold,
                "take them away, or unpack the language again",
            )
        )
    return clips


def dev_clips(data_folder: Path, *, unpacked: Path) -> list[Utterance]:
    """Clips of the development set, all of them and without lengths.

    Parameters
    ----------
    data_folder : Path
        Holds ``dev``, or ``dev.zip``, which is unpacked.
    unpacked : Path
        Takes ``dev``.

    Raises
    ------
    InputError
        If it is not there, and naming clips that are in the zip alone.
    """
    archive, folders = data_folder / f"{DEV}{ZIP}", (data_folder / DEV, unpacked / DEV)
    folder = next((path for path in folders if path.is_dir()), None)
    if folder is None and not archive.is_file():
        raise InputError(
            f"data_folder: {data_folder} holds neither {DEV} nor {DEV}{ZIP}, the set "
            f"that is scored; there must be {LAYOUT}"
        )
    folder = folder or unpack(archive, folders[-1], by_language=True)
    if (folder / DEV).is_dir():  # unpacked into a folder of its own name
        folder = folder / DEV
    if archive.is_file():
        _check_complete(folder, archive)
    names = sorted(path.name for path in folder.iterdir() if _holds_clips(path))
    if not names:
        raise InputError(f"{folder} holds no clips; there must be {LAYOUT}")
    if unknown := [name for name in names if name not in FOLDERS]:
        raise InputError(
            f"{folder}: {', '.join(unknown)} is no language of VoxLingua107; take it "
            f"away, or call it as it was published"
        )
    found = (_utterances(folder / name, code_of(name)) for name in names)
    return [one for clips in found for one in clips]


def listed(head: str, problems: Sequence[str], advice: str) -> str:
    r"""One message of several problems.

    Example
    -------
    >>> listed("a clip is missing:", ["a.wav"], "fetch it again")
    'a clip is missing:\n  a.wav\n  fetch it again'
    """
    more = len(problems) - SHOWN
    lines = [*problems[:SHOWN], *([f"... and {more} more"] if more > 0 else [])]
    return "\n  ".join([head, *lines, advice])


def _check_complete(folder: Path, archive: Path) -> None:
    """Raise if a clip of the zip is not in the folder."""
    clips = clips_in(archive, by_language=True)
    if missing := [name for name in clips if not (folder / name).is_file()]:
        raise InputError(
            listed(
                f"{folder}: {len(missing)} clips of {archive.name} are missing:",
                missing,
                f"remove {folder}, and it is unpacked again",
            )
        )


def _holds_clips(folder: Path) -> bool:
    """Whether there is such a folder, with a clip in it."""
    if not folder.is_dir():
        return False
    with os.scandir(folder) as entries:
        return any(is_clip(entry.name) for entry in entries)


def _clips(folder: Path) -> list[str]:
    """Names of the clips in a folder, in order."""
    return sorted(name for name in os.listdir(folder) if is_clip(name))


def _utterances(folder: Path, language: str) -> list[Utterance]:
    """Clips of a folder; their group is the video, as nobody knows the speakers."""
    utterances = []
    for name in _clips(folder):
        stem = name.removesuffix(AUDIO)
        times = TIMES.fullmatch(stem)
        start, stop = map(float, times.groups()) if times else (0.0, 0.0)
        utterances.append(
            Utterance(
                id=f"{language}/{stem}",
                wav=str(folder / name),
                duration=max(0.0, stop - start),
                spk_id=stem[:VIDEO_CHARACTERS],
                language=language,
            )
        )
    return utterances
