"""The corpus in tar shards: what ``xlsr-sb shard`` made of the three manifests."""

from collections import Counter
from pathlib import Path

from voxlingua.release import listed
from xlsr_sb.data.corpus import Corpus, Note
from xlsr_sb.data.sharding import FAILED
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_rows
from xlsr_sb.manifest import columns_of, read_utterances
from xlsr_sb.manifest.table import SHARDS

TRAIN, DEV, TEST = SPLITS = ("train", "dev", "test")


def is_sharded(folder: Path) -> bool:
    """Whether a folder holds shards of one of the splits.

    Example
    -------
    >>> is_sharded(getfixture("tmp_path"))
    False
    """
    return any((folder / split / SHARDS).is_file() for split in SPLITS)


def sharded_corpus(folder: Path) -> Corpus:
    """Utterances of shards, used where they stand.

    Parameters
    ----------
    folder : Path
        Holds ``train``, ``dev`` and ``test``, each made by ``xlsr-sb shard``.

    Raises
    ------
    InputError
        If one is missing, or a clip that is scored could not be packed.
    """
    missing = [x for x in SPLITS if not (folder / x / SHARDS).is_file()]
    if missing:
        raise InputError(
            f"{folder} holds no finished shards of {', '.join(missing)}; "
            f"`xlsr-sb shard {missing[0]}.csv {folder / missing[0]}` makes them"
        )
    failed = {split: _failed(folder / split) for split in SPLITS}
    if failed[TEST]:
        raise InputError(
            listed(
                f"{folder / TEST}: {len(failed[TEST])} clips could not be packed, and "
                "the set that is scored must be whole:",
                failed[TEST],
                "mend them, remove the folder and pack it again",
            )
        )
    splits = {split: read_utterances(folder / split) for split in SPLITS}
    notes = [
        note for split in SPLITS for note in _notes(split, splits[split], failed[split])
    ]
    return Corpus(splits, notes)


def _failed(folder: Path) -> list[str]:
    """Ids of the clips that could not be packed."""
    path = folder / FAILED
    if not path.exists():
        return []
    return [row["ID"] for _, row in read_rows(path, required=["ID"])]


def _notes(split: str, utterances, failed: list[str]) -> list[Note]:
    """Clips and speech of each language of a split."""
    columns = columns_of(utterances)
    lost = Counter(name.partition("/")[0] for name in failed)
    notes = []
    for code, language in enumerate(columns.languages.names):
        seconds = columns.durations[columns.languages.codes == code]
        dropped = {"unreadable": lost[language]}
        total = float(seconds.sum())
        notes.append(Note(f"{language} {split}", len(seconds), total, dropped))
    return sorted(notes, key=lambda note: note.group)
