"""The publisher's zips: one a language, and one of the development set."""

import logging
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from xlsr_sb.errors import InputError

logger = logging.getLogger(__name__)
AUDIO = ".wav"


def is_clip(name: str) -> bool:
    """Whether a file is a clip, from its name alone.

    Example
    -------
    >>> is_clip("a.wav"), is_clip("._a.wav"), is_clip("a.txt")
    (True, False, False)
    """
    return name.endswith(AUDIO) and not name.startswith(".")


def clips_in(archive: Path, *, by_language: bool) -> dict[str, str]:
    """Clips of a zip: where each one goes, and its name in the zip.

    Parameters
    ----------
    archive : Path
    by_language : bool
        Whether it holds several languages: a clip then goes to ``<language>/<file>``,
        else to ``<file>``, whatever folders stand before it.

    Raises
    ------
    InputError
        If the file is no zip, or none of speech.

    Example
    -------
    >>> path = getfixture("tmp_path") / "dev.zip"
    >>> with zipfile.ZipFile(path, "w") as file:
    ...     file.writestr("dev/fr/a.wav", b"")
    >>> clips_in(path, by_language=True)
    {'fr/a.wav': 'dev/fr/a.wav'}
    """
    try:
        with zipfile.ZipFile(archive) as file:
            names = file.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(_damaged(archive, error)) from error
    clips = {}
    for name in names:
        *folders, last = PurePosixPath(name).parts or ("",)
        if not is_clip(last) or "__MACOSX" in folders:
            continue
        if not by_language:
            clips[last] = name
        elif folders and folders[-1].isalpha():
            clips[f"{folders[-1]}/{last}"] = name
    if not clips:
        kind = f"<language>/*{AUDIO}" if by_language else f"*{AUDIO}"
        raise InputError(f"{archive} holds no {kind}; is it one of VoxLingua107?")
    return clips


def unpack(archive: Path, target: Path, *, by_language: bool = False) -> Path:
    """Unpack a zip into a folder that appears when it is whole.

    Parameters
    ----------
    archive, target : Path
    by_language : bool
        See ``clips_in``.

    Returns
    -------
    Path
        The target.

    Raises
    ------
    InputError
        If the zip is damaged, or the disk full.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> with zipfile.ZipFile(folder / "fr.zip", "w") as file:
    ...     file.writestr("fr/a.wav", b"")
    >>> [path.name for path in unpack(folder / "fr.zip", folder / "fr").iterdir()]
    ['a.wav']
    """
    clips = clips_in(archive, by_language=by_language)
    unfinished = target.with_name(f".{target.name}.unfinished")
    logger.info("%s is unpacked to %s: %d clips", archive, target, len(clips))
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        with zipfile.ZipFile(archive) as file:
            for place, name in clips.items():
                path = unfinished / place
                path.parent.mkdir(parents=True, exist_ok=True)
                with file.open(name) as source, path.open("wb") as clip:
                    shutil.copyfileobj(source, clip)
        return unfinished.rename(target)
    except (EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(_damaged(archive, error)) from error
    except OSError as error:
        raise InputError(
            f"{archive} cannot be unpacked to {target}: {error.strerror or error}; "
            f"`unpacked` names a folder with room for it; what is done is kept"
        ) from error


def _damaged(archive: Path, error: Exception) -> str:
    """What is said of a zip that cannot be read."""
    return f"{archive} is no complete zip ({error}); fetch it again"
