"""Tiny releases of Common Voice, old and new, and few-shot lists with phones."""

import importlib.util
import io
import json
import sys
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import soundfile

from tests.corpus import WORDS, sing
from xlsr_sb.lengths import SAMPLE_RATE

RECIPE = Path(__file__).parents[2] / "recipes" / "CommonVoice"
if str(RECIPE) not in sys.path:
    sys.path.insert(0, str(RECIPE))

NEW, OLD, FIRST = "cv-corpus-17.0-2024-03-15", "cv-corpus-3", "cv-corpus-1"
SPLITS = "common_voices_splits"
COLUMNS = {  # they stand in another order from release to release
    FIRST: "client_id path sentence up_votes down_votes age gender accent",
    OLD: "client_id path sentence up_votes down_votes age gender accent",
    NEW: "client_id path sentence_id sentence sentence_domain up_votes down_votes age "
    "gender accents variant locale segment",
}
RATES = (48_000, 32_000)  # of older and of newer clips
TABLES = {"train": range(6), "dev": range(6, 8), "test": range(8, 11)}
OTHERS = range(11, 15)  # valid clips that stand in none of these
SPEAKERS = "AABBCCDDEEFDGGH"  # of the clips by number
# The number of each phone is that of the lists, not its place in the file.
PHONES = {"a": 7, "tʃ": 0, "aː": 3, "m": 1, "n": 12}


def load_prepare():
    """The recipe's ``prepare.py``, loaded by its path as a run does."""
    path = RECIPE / "prepare.py"
    spec = importlib.util.spec_from_file_location("common_voice_prepare", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_common_voice(folder: Path) -> None:
    """Write three releases with five languages, and lists for two; the same each time.

    French in the newest, with lengths; Turkish in the first, whose tables name no
    files; Swedish and two kinds of Chinese in that of the lists.
    """
    for release, language in (
        *((NEW, "fr"), (FIRST, "tr"), (OLD, "sv-SE"), (OLD, "zh-HK"), (OLD, "zh-TW")),
    ):
        write_language(folder / release / language, release)
    for language, locale in (("sv", "sv-SE"), ("zh", "zh-TW")):
        write_lists(folder / SPLITS / language, locale)


def write_language(folder: Path, release: str) -> None:
    """Write the clips of a language and its tables."""
    clips = range(len(SPEAKERS))
    (folder / "clips").mkdir(parents=True)
    for number in clips:
        name = clip_name(folder.name, number)
        write_clip(folder / "clips" / f"{name}.mp3", number)
    for table, numbers in {**TABLES, "validated": clips}.items():
        write_table(folder / f"{table}.tsv", numbers, release)
    if release == NEW:
        lengths = [
            (path.name, 1 + 1000 * soundfile.info(path).frames // rate(number))
            for number, path in enumerate(sorted((folder / "clips").iterdir()))
        ]
        write_tsv(folder / "clip_durations.tsv", [("clip", "duration[ms]"), *lengths])


def clip_name(language: str, number: int) -> str:
    """Name of a clip, which in the first release is a number of 128 digits."""
    digits = f"{language == 'zh-HK':x}{number:02x}"
    return (
        f"{digits:0>128}"
        if language == "tr"
        else f"common_voice_{language}_{17_299_000 + int(digits, 16)}"
    )


def text(number: int) -> str:
    """Sentence of a clip, written with capitals and punctuation."""
    words = [*WORDS["aa"], *WORDS["bb"]]
    spoken = " ".join(islice(cycle(words), number, number + 2))
    return f'"{spoken.capitalize()}' + ("?" if number % 2 else '."')


def rate(number: int) -> int:
    """Sample rate of a clip in Hz."""
    return RATES[number % 2]


def write_clip(path: Path, number: int) -> None:
    """Write an MP3 file of 0.5 to 1 s, in which the letters of its text are sung."""
    path.write_bytes(_mp3(number))


@cache
def _mp3(number: int) -> bytes:
    """Bytes of a clip, the same in all languages."""
    letters = text(number).strip('"?.').lower()
    samples = np.repeat(sing(letters, seed=number), rate(number) // SAMPLE_RATE)
    file = io.BytesIO()
    soundfile.write(file, samples, rate(number), format="MP3")
    return file.getvalue()


def write_table(path: Path, numbers, release: str, **cells: str) -> None:
    """Write a table of clips; ``cells`` are of all its rows."""
    language = path.parent.name
    columns = COLUMNS[release].split()
    rows = []
    for number in numbers:
        row = {
            "client_id": SPEAKERS[number] * 128,
            "path": clip_name(language, number) + ("" if release == FIRST else ".mp3"),
            "sentence": text(number),
            "up_votes": "2",
            "down_votes": "0",
            "locale": language,
            **cells,
        }
        rows.append([row.get(column, "") for column in columns])
    write_tsv(path, [columns, *rows])


def write_tsv(path: Path, rows) -> None:
    """Write rows with tabs between the cells, nothing quoted."""
    lines = ["\t".join(map(str, row)) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def write_lists(folder: Path, locale: str) -> None:
    """Write the lists of a language: an hour, five hours, dev of the former, test."""
    folder.mkdir(parents=True)
    names = [clip_name(locale, number) for number in range(len(SPEAKERS))]
    for kind, numbers in {
        "trainSeqs_1.0": TABLES["train"],
        "trainSeqs_5.0": [*TABLES["train"], *OTHERS],
        "valSeqs_1.0": TABLES["dev"],
        "testSeqs": TABLES["test"],
    }.items():
        lines = [f"{names[number]}\n" for number in numbers]
        (folder / f"{kind}_uniform_new_version.txt").write_text("".join(lines))
    (folder / "phonesMatches_reduced.json").write_text(json.dumps(PHONES))
    codes = [" ".join(map(str, phones(number))) for number in range(len(names))]
    lines = [f"{name} {line} \n" for name, line in zip(names, codes, strict=True)]
    (folder / "validated_phones_reduced.txt").write_text("".join(lines))


def phones(number: int) -> list[int]:
    """Numbers of the phones of a clip."""
    return list(islice(cycle(PHONES.values()), number, number + 3 + number % 3))
