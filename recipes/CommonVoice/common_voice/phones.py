"""Lists of clips with their phones, as ``common_voices_splits.tar.gz`` holds them.

A folder a language: ``validated_phones_reduced.txt`` (a clip and the numbers of its
phones), ``phonesMatches_reduced.json`` (number of each phone), and lists of clips.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines

PHONES = "validated_phones_reduced.txt"
SYMBOLS = "phonesMatches_reduced.json"
TEST = "testSeqs_uniform_new_version.txt"
TRAIN = "trainSeqs_{}.0_uniform_new_version.txt"  # hours
DEV = ("valSeqs_{}.0_uniform_new_version.txt", "valSeqs_uniform_new_version.txt")
FILE_ENDINGS = (".mp3", ".wav", ".flac")
HOURS = re.compile("([0-9]+)h")
SHOWN = 5  # clips named in an error


def lists_folder(splits: Path, language: str) -> Path:
    """Folder of a language.

    Parameters
    ----------
    splits : Path
        ``common_voices_splits``, or the folder of the language in it.
    language : str
        Code as there: es fr it ky nl ru sv tr tt zh.

    Raises
    ------
    InputError
        If the language is not there; it lists those that are.
    """
    there = sorted(path.parent.name for path in splits.glob(f"*/{SYMBOLS}"))
    if language in there:
        return splits / language
    if (splits / SYMBOLS).exists() and splits.resolve().name == language:
        return splits
    if (splits / SYMBOLS).exists():
        there = [splits.resolve().name]
    if there:
        raise InputError(
            f"{splits} does not hold the language {language!r}; there is "
            f"{', '.join(there)}"
        )
    raise InputError(
        f"splits: {splits} has neither {SYMBOLS} in it nor a folder of a language with "
        "one; give the folder common_voices_splits that its archive unpacks to"
    )


def clip_lists(folder: Path, train: str) -> dict[str, list[str]]:
    """Names of the clips of ``train``, ``dev`` and ``test``, each once.

    Parameters
    ----------
    folder : Path
        Of ``lists_folder``.
    train : str
        ``1h`` or ``5h``.

    Returns
    -------
    dict of str to list of str
        Without ``dev`` where no list of it was published.

    Raises
    ------
    InputError
        If there is no such training list.
    """
    hours = HOURS.fullmatch(str(train))
    if not hours or not (folder / TRAIN.format(hours[1])).exists():
        there = sorted(
            f"{found[1]}h"
            for path in folder.iterdir()
            if (found := re.fullmatch(TRAIN.format("([0-9]+)"), path.name))
        )
        raise InputError(
            f"train is {train!r}; {folder} has training lists of "
            f"{', '.join(there) or 'no length'}"
        )
    files = {"train": folder / TRAIN.format(hours[1]), "test": folder / TEST}
    dev = [folder / name.format(hours[1]) for name in DEV]
    if there := [path for path in dev if path.exists()]:
        files["dev"] = there[0]
    return {name: _listed(path) for name, path in files.items()}


def _listed(path: Path) -> list[str]:
    """Names of clips in a list, each once."""
    names = [_name(line.strip()) for line in read_lines(path)]
    if not any(names):
        raise InputError(f"{path} lists no clip; unpack it again")
    return list(dict.fromkeys(name for name in names if name))


def _name(text: str) -> str:
    """Name of a clip, without what tells the kind of its file."""
    path = Path(text)
    return path.stem if path.suffix in FILE_ENDINGS else text


def phones_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Phones of clips as symbols with spaces between.

    Parameters
    ----------
    folder : Path
        Of ``lists_folder``.
    names : iterable of str

    Raises
    ------
    InputError
        For a clip without phones, and a number without a symbol.
    """
    wanted = dict.fromkeys(names)
    symbols = _symbols(folder / SYMBOLS)
    path, found = folder / PHONES, {}
    for number, line in enumerate(read_lines(path), start=1):
        name, *codes = line.split() or [""]
        if (name := _name(name)) not in wanted:
            continue
        if unknown := [code for code in codes if code not in symbols]:
            raise InputError(
                f"{path}, line {number}: {unknown[0]!r} is not the number of a phone "
                f"of {folder / SYMBOLS}"
            )
        found[name] = " ".join(symbols[code] for code in codes)
    if missing := [name for name in wanted if not found.get(name)]:
        shown = ", ".join(missing[:SHOWN])
        raise InputError(
            f"{path} has no phones for {len(missing)} clips of the lists beside it: "
            f"{shown}; all files of a language must come from one archive"
        )
    return found


def _symbols(path: Path) -> dict[str, str]:
    """Symbol of each phone by its number, as the latter is written."""
    try:
        numbers = json.loads("".join(read_lines(path)))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    whole = isinstance(numbers, dict) and all(
        type(number) is int and symbol.split() == [symbol]
        for symbol, number in numbers.items()
    )
    if not whole or len(set(numbers.values())) != len(numbers):
        raise InputError(
            f"{path} is no dictionary of phones, without spaces, and of their numbers, "
            "each once"
        )
    return {str(number): symbol for symbol, number in numbers.items()}
