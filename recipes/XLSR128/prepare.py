"""Speech without transcripts, of any number of corpora and languages, as one table.

python prepare.py LIST FOLDER [--dev LIST] [--dev-utterances 1000]

LIST is a CSV file with the columns path, corpus and language, one row a manifest: a tsv
file of fairseq, a CSV manifest, or a folder that ``xlsr-sb shard`` made. Rows are
copied one after another, so twenty million utterances need no memory.
"""

import argparse
import heapq
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np
from speech_manifests.sources import HEADER, Source, read_list, rows_of

from xlsr_sb.data.corpus import Corpus, Note
from xlsr_sb.errors import InputError
from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.manifest import Utterance, columns_of, read_utterances

DEV_SHARE = 20  # at most one utterance in so many is held out


def prepare(
    manifests: str,
    *,
    folder: str,
    dev: str | None = None,
    dev_utterances: int = 1_000,
) -> Corpus:
    """Utterances of all manifests.

    Parameters
    ----------
    manifests : str
        A list of manifests, or a single one of them.
    folder : str
        Takes ``train.csv`` and ``dev.csv``, unless they are there: with ``dev``, a
        single CSV manifest or folder of shards is used where it stands.
    dev : str, optional
        The same for development. Without it utterances are held out, by a hash of
        their ids.
    dev_utterances : int
        So many, but at most one in twenty.

    Returns
    -------
    Corpus
        Splits ``train`` and ``dev``, and a note for each language of each corpus.

    Raises
    ------
    InputError
        Naming the file and line that cannot be used.
    """
    if dev_utterances < 1:
        raise InputError(f"dev_utterances is {dev_utterances}; it must be at least 1")
    target = Path(folder)
    sources = read_list(Path(manifests))
    if dev is None:
        _split(sources, target, dev_utterances)
        splits = {name: target / f"{name}.csv" for name in ("train", "dev")}
    else:
        held_out = read_list(Path(dev))
        splits = {
            "train": _merged(sources, target / "train.csv"),
            "dev": _merged(held_out, target / "dev.csv"),
        }
    utterances = {name: read_utterances(path) for name, path in splits.items()}
    return Corpus(utterances, _notes(utterances))


def _merged(sources: list[Source], target: Path) -> Path:
    """One manifest of all sources: the target, or the only source itself."""
    if len(sources) == 1 and sources[0].stands_alone:
        return sources[0].path
    with open_atomic(target) as file:
        writer = csv_writer(file)
        writer.writerow(HEADER)
        writer.writerows(_rows(sources))
    return target


def _split(sources: list[Source], folder: Path, dev_utterances: int) -> None:
    """Write ``dev.csv``, the utterances with the lowest hashes, and ``train.csv``.

    In one pass: of those with the lowest hashes so far the highest goes to train as
    soon as there are too many.
    """
    held_out: list[tuple[int, int, list[str]]] = []
    count = 0
    with open_atomic(folder / "train.csv") as file:
        writer = csv_writer(file)
        writer.writerow(HEADER)
        for count, row in enumerate(_rows(sources), start=1):
            entry = (-_hash(row[0]), count, row)
            if count <= dev_utterances:
                heapq.heappush(held_out, entry)
            else:
                writer.writerow(heapq.heappushpop(held_out, entry)[2])
        if count < 2:
            raise InputError("there is one utterance; train and dev need one each")
        for _ in range(len(held_out) - max(1, count // DEV_SHARE)):
            writer.writerow(heapq.heappop(held_out)[2])
    with open_atomic(folder / "dev.csv") as file:
        in_order = sorted(held_out, key=lambda entry: entry[1])
        csv_writer(file).writerows([HEADER, *(row for _, _, row in in_order)])


def _rows(sources: list[Source]) -> Iterator[list[str]]:
    """Rows of all sources, each id with the number of its source before it."""
    for number, source in enumerate(sources, start=1):
        for row in rows_of(source):
            if len(sources) > 1:
                row[0] = f"{number}/{row[0]}"
            yield row


def _hash(name: str) -> int:
    """A number that has nothing to do with the name, the same everywhere."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")


def _notes(splits: dict[str, list[Utterance]]) -> list[Note]:
    """Utterances and speech of each language of each corpus."""
    notes = []
    for split, utterances in splits.items():
        columns = columns_of(utterances)
        languages, corpora = columns.languages, columns.corpora
        width = len(languages.names)
        groups = corpora.codes.astype(np.int64) * width + languages.codes
        counts = np.bincount(groups).tolist()
        seconds = np.bincount(groups, weights=columns.durations).tolist()
        for group in np.flatnonzero(counts).tolist():
            corpus, language = divmod(group, width)
            names = split, corpora.names[corpus], languages.names[language]
            title = " ".join(filter(None, names))
            notes.append(Note(title, counts[group], seconds[group]))
    return sorted(notes, key=lambda note: note.group)


def main() -> None:
    """Write ``train.csv`` and ``dev.csv``, to be sharded or trained on."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("manifests", help="CSV with the columns path,corpus,language")
    parser.add_argument("folder", help="takes train.csv and dev.csv")
    parser.add_argument("--dev", help="the same for development")
    parser.add_argument("--dev-utterances", type=int, default=1_000, metavar="N")
    given = parser.parse_args()
    corpus = prepare(
        given.manifests,
        folder=given.folder,
        dev=given.dev,
        dev_utterances=given.dev_utterances,
    )
    print(corpus.table())


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
