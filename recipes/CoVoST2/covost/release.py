"""Where the files are: languages of Common Voice 4, and tables of translations."""

import sys
from pathlib import Path

from covost.resources import published
from covost.tables import ARCHIVE, table_rows
from xlsr_sb.errors import InputError

SPEAKER, PATH, SENTENCE = COLUMNS = ("client_id", "path", "sentence")
VALIDATED, CLIPS = "validated.tsv", "clips"
RELEASES = "cv-corpus-4*"
URL = "https://dl.fbaipublicfiles.com/covost"


def language_folder(data_folder: Path, code: str, *, is_alone: bool) -> Path:
    """Folder with the clips of a language.

    Parameters
    ----------
    data_folder : Path
        Holds a folder a language, or ``cv-corpus-4-...`` that does.
    code : str
        Of ISO 639-1; the folder may have the publisher's name.
    is_alone : bool
        Whether no other language is asked for: ``data_folder`` may then be its folder.

    Raises
    ------
    InputError
        If the language is not there; it lists those that are.
    """
    roots = [data_folder, *sorted(data_folder.glob(RELEASES))]
    places = [root / name for root in roots for name in (published(code), code)]
    places += [data_folder] if is_alone else []
    if found := next((one for one in places if (one / VALIDATED).is_file()), None):
        return found
    there = {path.parent.name for root in roots for path in root.glob(f"*/{VALIDATED}")}
    raise InputError(
        f"data_folder: {data_folder} has no {published(code)}/{VALIDATED}; there is "
        f"{', '.join(sorted(there)) or 'no language'}; it must be Common Voice 4, a "
        f"folder a language, {VALIDATED} and {CLIPS} in each"
    )


def translations_table(
    source: str, target: str, *, folder: Path | None, beside: list[Path]
) -> Path:
    """Table of translations of a pair, or its archive.

    Parameters
    ----------
    source, target : str
        Codes of ISO 639-1.
    folder : Path, optional
        Where it must be: there, or in a folder of the source or of the pair.
    beside : list of Path
        Where it is looked for otherwise.

    Raises
    ------
    InputError
        If it is in none of these; it says where to get it.
    """
    source, target = published(source), published(target)
    pair = f"{source}_{target}"
    name = f"covost_v2.{pair}.tsv"
    places = [folder, folder / source, folder / pair] if folder else beside
    for place in places:
        for path in (place / name, place / f"{name}{ARCHIVE}"):
            if path.is_file():
                return path
    raise InputError(
        f"there is no {name} and no {name}{ARCHIVE} in {', '.join(map(str, places))}; "
        f"fetch {URL}/{name}{ARCHIVE}, and give its folder as covost_folder"
    )


def validated_clips(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Sentence and speaker of each row of ``validated.tsv``, by the name of the clip.

    Parameters
    ----------
    folder : Path
        Of the language.

    Returns
    -------
    dict of str to list of (str, str)
        A clip that stands there twice has two.
    """
    clips: dict[str, list[tuple[str, str]]] = {}
    for _, row in table_rows(folder / VALIDATED, required=COLUMNS):
        told = (row[SENTENCE], sys.intern(row[SPEAKER]))
        clips.setdefault(row[PATH], []).append(told)
    return clips
