"""Official lists of trials: checked line by line, and copied as they are.

A trial is a line ``<1|0> <clip> <clip>``: 1 where both are of the same speaker.
"""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

from voxceleb.clips import list_file, listed, speaker_of
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic_binary, read_lines

logger = logging.getLogger(__name__)
SIZES = {  # lines of each list, as published
    "veri_test": 37_720,
    "veri_test2": 37_611,
    "list_test_all": 581_480,
    "list_test_all2": 579_818,
    "list_test_hard": 552_536,
    "list_test_hard2": 550_894,
}
ENDING = ".txt"


def chosen_lists(names: str | Sequence[str]) -> list[str]:
    """Names of the lists that a user asked for.

    Raises
    ------
    InputError
        For one that there is not.

    Example
    -------
    >>> chosen_lists("veri_test2, list_test_hard2.txt")
    ['veri_test2', 'list_test_hard2']
    """
    names = names.split(",") if isinstance(names, str) else names
    chosen = [str(name).strip().removesuffix(ENDING) for name in names]
    chosen = list(dict.fromkeys(name for name in chosen if name))
    if not chosen or not set(chosen) <= set(SIZES):
        unknown = [name for name in chosen if name not in SIZES]
        raise InputError(
            f"trials: {', '.join(map(repr, unknown)) or 'none'} of the lists of "
            f"VoxCeleb1, which are {', '.join(SIZES)}, several with commas between them"
        )
    return chosen


def copy_trials(
    name: str, *, folder: Path, target: Path, clips: Collection[str]
) -> set[str]:
    r"""Check a list and copy it, byte by byte.

    Parameters
    ----------
    name : str
        Of the list.
    folder, target : Path
        Where it is, and where it goes.
    clips : collection of str
        All clips of the corpus.

    Returns
    -------
    set of str
        Clips of the trials.

    Raises
    ------
    InputError
        Naming lines that are no trials, have clips that are not in the corpus, or
        contradict the names of the speakers.

    Example
    -------
    >>> folder, clips = getfixture("tmp_path"), ["id1/a/1.wav", "id1/b/1.wav"]
    >>> _ = (folder / "veri_test.txt").write_text(f"1 {clips[0]} {clips[1]}\n")
    >>> options = {"folder": folder, "target": folder / "out", "clips": clips}
    >>> sorted(copy_trials("veri_test", **options))
    ['id1/a/1.wav', 'id1/b/1.wav']
    >>> (folder / "out" / "veri_test.txt").read_text()
    '1 id1/a/1.wav id1/b/1.wav\n'
    """
    path = list_file(folder, f"{name}{ENDING}")
    found: set[str] = set()
    problems, count = [], 0
    for number, line in enumerate(read_lines(path), start=1):
        parts = line.split()
        if not parts:
            continue
        if problem := _problem(parts, clips):
            problems.append(f"line {number}: {problem}")
        found.update(parts[1:])
        count += 1
    if not count:
        problems.append("there are no trials")
    if problems:
        raise InputError(listed(path, problems, "fetch the list again"))
    if count != SIZES[name]:
        logger.warning(
            "%s has %d trials, not %d; scores are not those of the published list",
            *(path, count, SIZES[name]),
        )
    if (copy := target / path.name).absolute() != path.absolute():
        with open_atomic_binary(copy) as file:
            file.write(path.read_bytes())
    return found


def _problem(parts: Sequence[str], clips: Collection[str]) -> str | None:
    """What is wrong with a trial; None if nothing is."""
    if len(parts) != 3 or parts[0] not in ("0", "1"):
        return f"{' '.join(parts)[:80]!r} is not 0 or 1 and two clips, with spaces"
    label, *pair = parts
    if unknown := [clip for clip in pair if clip not in clips]:
        return f"{unknown[0]} is no clip of the corpus"
    is_same = speaker_of(pair[0]) == speaker_of(pair[1])
    if is_same != (label == "1"):
        return f"{label} {' '.join(pair)} contradicts the names of the speakers"
    return None
