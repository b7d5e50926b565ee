"""A manifest to a folder of shards: in parallel, and going on where it was stopped."""

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import astuple, dataclass, field
from pathlib import Path

from xlsr_sb.data.shards import (
    RECORDS,
    Shard,
    is_whole,
    read_shard,
    shard_rows,
    write_shard,
)
from xlsr_sb.errors import InputError
from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.manifest import Utterance, durations_of, read_utterances
from xlsr_sb.manifest.table import SHARDS, extra_columns_of
from xlsr_sb.manifest.writing import write_rows

OPTIONS, FAILED, LANGUAGES = "shards.json", "failed.csv", "languages.tsv"
VERSION = 1


@dataclass
class Totals:
    """What a folder of shards holds.

    Parameters
    ----------
    shards, utterances, failures, num_bytes : int
    seconds : dict of (corpus, language) to float
    counts : dict of (corpus, language) to int
        Utterances.
    """

    shards: int = 0
    utterances: int = 0
    failures: int = 0
    num_bytes: int = 0
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, shard: Shard) -> None:
        """Count one more shard."""
        self.shards += 1
        self.utterances += len(shard.utterances)
        self.failures += len(shard.failures)
        self.num_bytes += shard.num_bytes
        for one in shard.utterances:
            group = one.corpus, one.language
            self.seconds[group] = self.seconds.get(group, 0.0) + one.duration
            self.counts[group] = self.counts.get(group, 0) + 1


def make_shards(
    manifest: str | Path,
    folder: str | Path,
    *,
    seconds_per_shard: float = 36_000.0,
    workers: int = 1,
    report: Callable[[Shard], None],
) -> Totals:
    r"""Write the shards of a manifest that are not there yet, then their index.

    Parameters
    ----------
    manifest : str or Path
        A CSV file or a folder of shards.
    folder : str or Path
        To write into.
    seconds_per_shard : float
        Ten hours are some 700 MB.
    workers : int
        Processes, each at one shard.
    report : callable
        Told of each shard as it is done.

    Returns
    -------
    Totals

    Raises
    ------
    InputError
        When the manifest cannot be used, when the folder holds shards of another one,
        or when no utterance can be read.

    Example
    -------
    >>> import numpy as np
    >>> import soundfile
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "a.wav", np.zeros(16_000), 16_000)
    >>> _ = (folder / "a.csv").write_text("ID,duration,wav\na,1.0,a.wav\n")
    >>> make_shards(folder / "a.csv", folder / "out", report=print).utterances
    Shard(name='shard-000000.tar', ...)
    1
    >>> sorted(path.name for path in (folder / "out").glob("*.*"))
    ['failed.csv', 'index.csv', 'languages.tsv', 'shard-000000.tar', 'shards.json']
    """
    if not seconds_per_shard > 0 or workers < 1:
        raise InputError(
            f"seconds_per_shard is {seconds_per_shard} and workers is {workers}; both "
            f"must be above 0"
        )
    folder, utterances = Path(folder), read_utterances(manifest)
    _settle(folder, manifest, len(utterances), seconds_per_shard)
    rows = shard_rows(durations_of(utterances), seconds_per_shard=seconds_per_shard)
    names = {f"shard-{number:06}.tar": part for number, part in enumerate(rows)}
    missing = [name for name in names if not is_whole(folder, name)]
    if missing:  # an index must not be of other shards than there are
        (folder / SHARDS).unlink(missing_ok=True)
    calls = (
        (folder, name, utterances[slice(*names[name])], names[name][0])
        for name in missing
    )
    for shard in map(_write, calls) if workers == 1 else _parallel(calls, workers):
        report(shard)
    if not (folder / SHARDS).exists():
        return _write_index(folder, list(names), extras=extra_columns_of(utterances))
    totals = Totals()
    for shard in _shards(folder, names):
        totals.add(shard)
    return totals


def _write(call: tuple) -> Shard:
    """Write one shard; its arguments come as one, as they do in another process."""
    folder, name, utterances, first_row = call
    return write_shard(folder, name, utterances, first_row=first_row)


def _parallel(calls: Iterator[tuple], workers: int) -> Iterator[Shard]:
    """Write shards in processes; few wait, as each holds its utterances."""
    context = multiprocessing.get_context("spawn")  # torch has threads
    running: set[Future] = set()
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            for call in calls:
                running.add(pool.submit(_write, call))
                if len(running) > workers:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (one.result() for one in done)
            yield from (one.result() for one in running)
        except BrokenProcessPool as error:
            raise InputError(
                "a worker was killed, perhaps for lack of memory; the same command "
                "with fewer workers goes on with the shards that are missing"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _settle(
    folder: Path, manifest: str | Path, num_utterances: int, seconds: float
) -> None:
    """Write down what a folder is made of; refuse to mix, remove what was cut off."""
    path = Path(manifest)
    wanted = {
        "version": VERSION,
        "manifest_sha256": _digest(path / SHARDS if path.is_dir() else path),
        "utterances": num_utterances,
        "seconds_per_shard": seconds,
    }
    options = folder / OPTIONS
    if not options.exists():
        present = folder.iterdir() if folder.exists() else ()
        if any(path.suffix != ".unfinished" for path in present):
            raise InputError(f"{folder} is not empty; give a new folder")
        with open_atomic(options) as file:
            json.dump(wanted, file, indent=2)
        return
    try:
        known = json.loads(options.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{options} cannot be read: {error}") from error
    if known != wanted:
        other = [name for name in wanted if known.get(name) != wanted[name]]
        raise InputError(
            f"{folder} holds shards made with another {', '.join(other)}: {known}, not "
            f"{wanted}; give another folder, or remove this one"
        )
    for place in (folder, folder / RECORDS):
        for unfinished in place.glob(".*.unfinished"):
            unfinished.unlink()


def _digest(path: Path) -> str:
    """Check sum of a file."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


def _shards(folder: Path, names: Iterable[str]) -> Iterator[Shard]:
    """All shards, in order."""
    for name in names:
        if not is_whole(folder, name):
            raise InputError(
                f"{folder / name} has changed while its folder was indexed; the same "
                f"command makes it again"
            )
        yield read_shard(folder, name)


def _write_index(folder: Path, names: list[str], *, extras: list[str]) -> Totals:
    """Write what was read, what was not, and the speech of each language."""
    totals = Totals()
    # The index appears last: with it the folder is complete.
    with open_atomic(folder / SHARDS) as file:
        with open_atomic(folder / FAILED) as failed:
            writer = csv_writer(failed)
            writer.writerow(["ID", "wav", "reason"])
            rows = _utterances(totals, _shards(folder, names), writer)
            write_rows(file, rows, extras=extras)
        if not totals.utterances:
            raise InputError(
                f"none of {totals.failures} utterances could be read; the reasons are "
                f"in {folder / FAILED}; mend the manifest and remove the folder"
            )
        with open_atomic(folder / LANGUAGES) as languages:
            languages.write("corpus\tlanguage\tutterances\tseconds\n")
            for (corpus, language), seconds in sorted(totals.seconds.items()):
                count = totals.counts[corpus, language]
                languages.write(f"{corpus}\t{language}\t{count}\t{seconds:.2f}\n")
    return totals


def _utterances(totals: Totals, shards: Iterable[Shard], failed) -> Iterator[Utterance]:
    """Utterances of all shards, counted; what failed goes into a table of its own."""
    for shard in shards:
        totals.add(shard)
        failed.writerows(astuple(one) for one in shard.failures)
        yield from shard.utterances
