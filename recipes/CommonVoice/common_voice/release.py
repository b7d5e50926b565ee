"""A release as it was published: a folder a language, tables of clips in it."""

import sys
from collections.abc import Collection
from pathlib import Path

from common_voice.tables import table_rows
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

TRAIN, DEV, TEST, VALIDATED = "train", "dev", "test", "validated"
SPEAKER, PATH, SENTENCE = COLUMNS = ("client_id", "path", "sentence")
LOCALE = "locale"  # not in the first releases
CLIPS = "clips"
ENDING = ".mp3"  # not written in the tables of the first releases


def language_folder(data_folder: Path, language: str) -> Path:
    """Folder of a language.

    Parameters
    ----------
    data_folder : Path
        ``cv-corpus-<version>``, or the folder of the language itself.
    language : str
        Code as the release writes it, such as ``fr`` or ``zh-TW``.

    Raises
    ------
    InputError
        If the language is not there; it lists those that are.
    """
    there = sorted(path.parent.name for path in data_folder.glob(f"*/{TEST}.tsv"))
    if language in there:
        return data_folder / language
    if (data_folder / f"{TEST}.tsv").exists() and language:
        _check_locale(data_folder, language)
        return data_folder
    if (data_folder / f"{TEST}.tsv").exists():
        there = [_locale(data_folder) or data_folder.name]
    if there:
        raise InputError(
            f"{data_folder} does not hold the language {language!r}; there is "
            f"{', '.join(there)}"
        )
    raise InputError(
        f"{data_folder} is no folder of a release: there is neither {TEST}.tsv in it "
        f"nor in a folder below; give that of the release, such as cv-corpus-17.0-"
        f"2024-03-15, or that of the language in it, to which {language!r} belongs"
    )


def _locale(folder: Path) -> str:
    """Language that the test table of a folder names; empty where it names none."""
    rows = table_rows(folder / f"{TEST}.tsv", required=COLUMNS)
    return next(rows, {}).get(LOCALE, "")


def _check_locale(folder: Path, language: str) -> None:
    """Raise if the clips of a folder are of another language."""
    if (locale := _locale(folder)) not in ("", language):
        raise InputError(f"{folder} is of the language {locale}, not of {language!r}")


def table_clips(folder: Path, table: str, language: str) -> list[Utterance]:
    """Clips of a table with their sentences, in its order and without lengths.

    Parameters
    ----------
    folder : Path
        Of the language.
    table : str
        ``train``, ``dev``, ``test`` or ``validated``.
    language : str
    """
    clips, times = [], {}
    for row in table_rows(folder / f"{table}.tsv", required=COLUMNS):
        name = clip_name(row[PATH])
        times[name] = times.get(name, 0) + 1
        clips.append(
            Utterance(
                id=name if times[name] == 1 else f"{name}-{times[name]}",
                wav=str(folder / CLIPS / file_name(row[PATH])),
                duration=0.0,
                spk_id=sys.intern(row[SPEAKER]),
                language=language,
                wrd=row[SENTENCE],
            )
        )
    return clips


def file_name(path: str) -> str:
    """Name of a clip's file.

    Example
    -------
    >>> file_name("common_voice_fr_1.mp3"), file_name("4f0c2a")
    ('common_voice_fr_1.mp3', '4f0c2a.mp3')
    """
    return path if "." in path else path + ENDING


def clip_name(path: str) -> str:
    """Name of a clip: that of its file without what tells its kind.

    Example
    -------
    >>> clip_name("common_voice_fr_1.mp3"), clip_name("4f0c2a")
    ('common_voice_fr_1', '4f0c2a')
    """
    return Path(file_name(path)).stem


def speakers(folder: Path, names: Collection[str]) -> dict[str, str]:
    """Speakers of clips by name, as far as the validated clips of a folder tell."""
    path = folder / f"{VALIDATED}.tsv"
    if not path.exists():
        return {}
    rows = table_rows(path, required=COLUMNS)
    return {
        name: row[SPEAKER] for row in rows if (name := clip_name(row[PATH])) in names
    }
