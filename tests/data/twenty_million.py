"""A manifest of twenty million utterances: time and memory to start and to resume.

    python -m tests.data.twenty_million --folder /tmp/twenty_million

Writes a manifest of that many lines (2.6 GB, with an index of 0.5 GB beside it) of 128
languages in five corpora, and measures in a fresh process each: the start that indexes
it, the start after that, with the files in memory and not, and resuming in epoch 1,000.
Audio is not opened.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

SETTINGS = {
    "min_crop_seconds": 2.0,
    "max_crop_seconds": 20.0,
    "language_alpha": 0.5,
    "corpus_alpha": 0.5,
    "utterances_per_epoch": None,
    "seconds_per_update": 1600.0,
    "seconds_per_device": 80.0,
    "num_workers": 0,
}
LANGUAGES, CORPORA = 128, ("parliament", "books", "sentences", "videos", "telephone")
BLOCK = 200_000


def held(what: str) -> float:
    """Megabytes of this process, of ``VmRSS`` or ``VmHWM``."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(what + r":\s+(\d+) kB", status)[1]) / 1024


def write(path: Path, number: int) -> None:
    """Write a manifest; few languages have most of it."""
    random = np.random.default_rng(0)
    shares = 1 / np.arange(1, LANGUAGES + 1)
    with path.open("w", encoding="utf-8") as file:
        file.write("ID,duration,wav,start,stop,spk_id,language,wrd,corpus\n")
        for first in range(0, number, BLOCK):
            size = min(BLOCK, number - first)
            language = random.choice(LANGUAGES, size, p=shares / shares.sum()).tolist()
            corpus = random.integers(len(CORPORA), size=size).tolist()
            seconds = random.uniform(1, 30, size).round(4).tolist()
            file.writelines(
                f"{CORPORA[c]}_{code:03}_{i:09}-{i % 9973:04}_{i % 97:02},{length},"
                f"/datasets/unlabelled/{CORPORA[c]}/{code:03}/{i % 4001:04}/"
                f"{CORPORA[c]}_{code:03}_{i:09}-{i % 9973:04}_{i % 97:02}.flac,,,"
                f"speaker-{i % 250_007:06},{code:03},,{CORPORA[c]}\n"
                for i, c, code, length in zip(
                    range(first, first + size), corpus, language, seconds, strict=True
                )
            )


def start(path: Path, epoch: int) -> None:
    """Start as a training does, and print where the time goes."""
    from xlsr_sb.data.unlabelled import pretraining_loader
    from xlsr_sb.manifest import read_utterances

    before, begin = held("VmHWM"), time.monotonic()
    utterances = read_utterances(path)
    opened = time.monotonic()
    loader = pretraining_loader(utterances, SETTINGS, seed=1)
    made = time.monotonic()
    plan = loader.plan.epoch(epoch)
    planned = time.monotonic()
    first = [utterances[index].id for batch in plan[0] for index, _ in batch]
    done = time.monotonic()
    print(
        f"manifest {opened - begin:.2f} s, loader {made - opened:.2f} s, plan of epoch "
        f"{epoch} {planned - made:.2f} s ({len(plan)} updates), rows of its first "
        f"update {1000 * (done - planned):.1f} ms ({len(first)} utterances); in all "
        f"{done - begin:.1f} s; peak {held('VmHWM'):.0f} MB, {before:.0f} MB of it "
        f"Python and libraries"
    )


def forget(*paths: Path) -> None:
    """Take files out of the system's cache."""
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--utterances", type=int, default=20_000_000)
    parser.add_argument("--start", type=int, help="only start, in this epoch")
    given = parser.parse_args()
    path = given.folder / f"{given.utterances}.csv"
    if given.start is not None:
        return start(path, given.start)
    if not path.exists():
        given.folder.mkdir(parents=True, exist_ok=True)
        write(path, given.utterances)
    kept = path.with_name(path.name + ".columns")
    kept.unlink(missing_ok=True)
    sizes = f"{path.stat().st_size / 1e9:.2f} GB"
    print(f"{given.utterances} lines, {sizes}")
    command = [sys.executable, "-m", "tests.data.twenty_million", "--folder"]
    command += [str(given.folder), "--utterances", str(given.utterances), "--start"]
    forget(path)
    for title, epoch in (
        ("first start", 0),
        ("start", 0),
        ("start from disk", 0),
        ("epoch 1,000", 1_000),
        ("epoch 3,000", 3_000),
    ):
        if title == "start from disk":
            forget(path, kept)
        print(title, end=": ", flush=True)
        subprocess.run([*command, str(epoch)], check=True)
    print(f"index: {kept.stat().st_size / 1e9:.2f} GB")
    return None


if __name__ == "__main__":
    main()
