"""A tiny MLS in the publisher's layout: French as FLAC files, Polish as Opus files."""

from itertools import cycle, islice
from pathlib import Path

import soundfile

from tests.corpus import WORDS, sing
from xlsr_sb.lengths import SAMPLE_RATE

FORMATS = {"mls_french": ("flac", "FLAC", "PCM_16"), "mls_polish_opus": ("opus", "OGG")}
SPEAKERS = {"train": (10065, 1028), "dev": (5525, 8204), "test": (2223, 1745)}
NUM_TRAIN, NUM_DEV, NUM_TEST = 11, 2, 3
NUM_NINE = 3  # of the training clips; then one for each fold; the rest has no handle
METAINFO = """\
  SPEAKER   |   GENDER   | PARTITION  |  MINUTES   |  BOOK ID   |   TITLE   | CHAPTER
   10065    |     M      |   train    |   9.002    |   1028     | Marc | Chapitre 09
   5525     |     F      |   secret   |   17.148   |   8204     | A | B | Ch. "II"
"""


def write_mls(folder: Path) -> None:
    """Write both languages, 0.6 to 1.5 s a clip; the same each time.

    There are eleven training clips: three of the nine hours, one of each ten minutes,
    and two that no handle names.
    """
    for name, (suffix, *kind) in FORMATS.items():
        root = folder / name
        for split, count in (
            ("train", NUM_TRAIN),
            ("dev", NUM_DEV),
            ("test", NUM_TEST),
        ):
            ids = ids_of(split, count)
            for number, one in enumerate(ids):
                write_clip(root / split, one, suffix, *kind, seed=number)
            write_lines(
                root / split / "transcripts.txt", [f"{x}\t{text(x)}" for x in ids]
            )
            url = "http://www.archive.org/download/a/b_64kb.mp3"
            segments = [f"{x}\t{url}\t401.76\t417.57" for x in [*ids, "1_2_000003"]]
            write_lines(root / split / "segments.txt", segments)
        ids = ids_of("train", NUM_TRAIN)
        limited = root / "train" / "limited_supervision"
        write_lines(limited / "9hr" / "handles.txt", ids[:NUM_NINE])
        for fold in range(6):
            one = ids[NUM_NINE + fold]
            write_lines(limited / "1hr" / str(fold) / "handles.txt", [one])
        (root / "metainfo.txt").write_text(METAINFO, encoding="utf-8")


def ids_of(split: str, count: int) -> list[str]:
    """Ids of a split: speaker, book, number; of two speakers."""
    speaker, book = SPEAKERS[split]
    return [f"{speaker + i % 2}_{book}_{i:06}" for i in range(count)]


def text(name: str) -> str:
    """Text of a clip, in which a hyphen and an apostrophe stand."""
    number = int(name[-6:])
    words = list(islice(cycle(WORDS["aa"]), number, number + 2 + number % 2))
    return " ".join([*words[:-1], f"d'{words[-1]}-a"])


def write_clip(folder: Path, name: str, suffix: str, *kind: str, seed: int) -> None:
    """Write the clip of an id where the publisher has it."""
    speaker, book, _ = name.split("_")
    path = folder / "audio" / speaker / book / f"{name}.{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    container, subtype = kind if len(kind) == 2 else (*kind, "OPUS")
    samples = sing(text(name), seed=seed)
    soundfile.write(path, samples, SAMPLE_RATE, format=container, subtype=subtype)


def write_lines(path: Path, lines: list[str]) -> None:
    """Write lines of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
