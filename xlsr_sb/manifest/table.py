"""Manifests of any size as sequences of utterances."""

import os
import weakref
from collections.abc import Sequence
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.manifest.columns import Columns
from xlsr_sb.manifest.index_files import load_index
from xlsr_sb.manifest.indexing import parse_row
from xlsr_sb.manifest.reading import read_manifest, utterance_of
from xlsr_sb.manifest.utterance import CORPUS, TRANSLATION, Utterance
from xlsr_sb.manifest.writing import extra_columns

LARGE = 1 << 26  # bytes, some 500,000 utterances: above, rows are read when asked for
SHARDS = "index.csv"  # the manifest of a folder of shards


class UtteranceTable(Sequence[Utterance]):
    r"""Utterances that stay on disk, each read when it is asked for.

    Only where they are and their ``columns`` is known in memory, of which processes
    share one copy.

    Parameters
    ----------
    path : str or Path
        A manifest. The first time it is read once and a file ``<path>.columns`` is
        put beside it.

    Attributes
    ----------
    path : Path
    columns : Columns
    column_names : tuple of str
        Of the file.

    Raises
    ------
    InputError
        As ``read_manifest``.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.csv"
    >>> _ = path.write_text("ID,duration,wav\na,2.5,/a.wav\nb,1.5,/b.wav\n")
    >>> table = UtteranceTable(path)
    >>> len(table), table[-1].id, table.columns.durations.tolist()
    (2, 'b', [2.5, 1.5])
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        index = load_index(self.path)
        self._offsets = index.offsets
        self.columns, self.column_names = index.columns, index.names
        self._file = os.open(self.path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.columns.durations)

    def __getitem__(self, index):
        """Read an utterance, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        row = range(len(self))[index]
        start, stop = self._offsets[row : row + 2].tolist()
        place = f"{self.path}, at byte {start}"
        # Not through a file object, whose position processes would share.
        cells = parse_row(os.pread(self._file, stop - start, start), place)
        names = self.column_names
        if len(cells) != len(names):
            raise InputError(f"{place}: it was changed while it was read; start again")
        row = dict(zip(names, cells, strict=True))
        return utterance_of(row, folder=self.path.parent, place=place)

    def __reduce__(self):
        """Send the path to other processes, not the arrays."""
        return UtteranceTable, (self.path,)


def read_utterances(path: str | Path) -> Sequence[Utterance]:
    r"""Utterances of a manifest or of a folder of shards, of any number.

    Parameters
    ----------
    path : str or Path
        A CSV file as for ``read_manifest``, or a folder that ``xlsr-sb shard`` made.

    Returns
    -------
    list of Utterance or UtteranceTable
        The latter where the manifest has more than 64 MiB.

    Raises
    ------
    InputError
        As ``read_manifest``.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.csv"
    >>> _ = path.write_text("ID,duration,wav\na,2.5,/a.wav\n")
    >>> read_utterances(path)[0].wav
    '/a.wav'
    """
    path = Path(path)
    if path.is_dir():
        path = path / SHARDS
        if not path.exists():
            raise InputError(
                f"{path.parent} is a folder without {SHARDS}; give a manifest, or a "
                f"folder that `xlsr-sb shard` has finished"
            )
    if is_large(path):
        return UtteranceTable(path)
    return read_manifest(path)


def is_large(path: Path) -> bool:
    """Whether a manifest is read as a table.

    Example
    -------
    >>> is_large(Path("no/such.csv"))
    False
    """
    return path.exists() and path.stat().st_size > LARGE


def columns_of(utterances: Sequence[Utterance]) -> Columns:
    """Lengths, languages and corpora of utterances; those of a table are there already.

    Example
    -------
    >>> columns_of([Utterance("a", "a.wav", 2.0, language="fr")]).languages.names
    ('fr',)
    """
    if isinstance(utterances, UtteranceTable):
        return utterances.columns
    return Columns.of(utterances)


def durations_of(utterances: Sequence[Utterance]) -> Sequence[float]:
    """Length of each utterance in seconds.

    Example
    -------
    >>> durations_of([Utterance("a", "a.wav", 2.0)])
    [2.0]
    """
    if isinstance(utterances, UtteranceTable):
        return utterances.columns.durations
    return [one.duration for one in utterances]


def extra_columns_of(utterances: Sequence[Utterance]) -> list[str]:
    """Columns that a manifest of utterances needs besides the usual ones.

    Example
    -------
    >>> extra_columns_of([Utterance("a", "a.wav", 2.0, corpus="books")])
    ['corpus']
    """
    if isinstance(utterances, UtteranceTable):
        names = utterances.column_names
        return [one for one in names if one == CORPUS or one.startswith(TRANSLATION)]
    return extra_columns(utterances)
