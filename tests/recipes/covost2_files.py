"""CoVoST-2 on a tiny Common Voice 4: three pairs into English, two from it."""

import gzip
import io
import tarfile
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import soundfile

from tests.corpus import WORDS, sing
from tests.fixtures import ROOT
from xlsr_sb.lengths import SAMPLE_RATE

RECIPE = ROOT / "recipes" / "CoVoST2"
RELEASE, COVOST = "cv-corpus-4-2019-12-10", "covost"
RATE = 48_000
COLUMNS = (
    *("client_id", "path", "sentence", "up_votes", "down_votes"),
    *("age", "gender", "accent"),
)
PAIRS = ("fr_en", "de_en", "zh-CN_en", "en_de", "en_ja")
ARCHIVED = ("de_en", "en_ja")  # tables that stay packed, as they are published
SPLITS = {  # of the clips by number, as the tables name them
    **dict.fromkeys(range(12), "train"),
    **dict.fromkeys((12, 13), "train_covost"),
    **dict.fromkeys((14, 15, 16), "dev"),
    **dict.fromkeys((17, 18, 19, 20), "test"),
    21: "dev_covost",  # of version 1
    22: "train",  # and not validated
}
NOT_VALIDATED, UNTRANSLATED = 22, 23
SPOKEN = [*WORDS["aa"], *WORDS["bb"]]
WRITTEN = {
    "en": "hello red house small good child today seven water never bread moon",
    "de": "hallo rot Haus klein gut Kind heute sieben Wasser nie Brot Mond",
    "ja": "今日 赤い 家 小さ 良い 子 今 七 水 決 麺 月",
}
# What other readers of such tables lose or change.
ODD_SENTENCES = {3: "null", 4: "", 5: '"Aba, nine'}
ODD_TRANSLATIONS = {
    1: "null",
    2: '"Well, well',
    6: "one\ttwo",
    7: "back\\slash \\\\ twice",
    8: "1",
    15: "nan",
    18: "NA",
    19: '""',
}


def write_covost2(folder: Path) -> None:
    """Write the clips of four languages and the tables of five pairs.

    ``cv-corpus-4-2019-12-10`` holds French, German, Chinese and English; ``covost`` the
    translations, some of them in their archives. The same each time.
    """
    for language in ("fr", "de", "zh-CN", "en"):
        write_language(folder / RELEASE / language)
    for pair in PAIRS:
        table = folder / COVOST / f"covost_v2.{pair}.tsv"
        write_pair(table, SPLITS)
        if pair in ARCHIVED:
            pack(table)


def clip_name(language: str, number: int) -> str:
    """Name of a clip, without its ending."""
    return f"common_voice_{language}_{17_299_000 + number}"


def sentence(number: int) -> str:
    """What is said in a clip, as it is written."""
    return ODD_SENTENCES.get(number, f"{spoken(number).capitalize()}.")


def spoken(number: int) -> str:
    """What is said in a clip."""
    return " ".join(islice(cycle(SPOKEN), number, number + 2 + number % 3))


def translation(number: int, target: str) -> str:
    """Text of a clip in another language, cased and with punctuation."""
    if number in ODD_TRANSLATIONS:
        return ODD_TRANSLATIONS[number]
    words = dict(zip(SPOKEN, WRITTEN[target].split(), strict=True))
    known = [words[word] for word in spoken(number).split()]
    return "".join(known) + "。" if target == "ja" else f"{' '.join(known)}!".title()


def speaker(number: int) -> str:
    """Who reads a clip: a number of 128 digits, two clips each."""
    return f"{number // 2:0128x}"


def write_language(folder: Path) -> None:
    """Write clips of a language, 0.5 to 1.7 s, and ``validated.tsv``."""
    (folder / "clips").mkdir(parents=True)
    rows = [COLUMNS]
    for number in sorted({*SPLITS, UNTRANSLATED} - {NOT_VALIDATED}):
        name = f"{clip_name(folder.name, number)}.mp3"
        (folder / "clips" / name).write_bytes(_mp3(number))
        told = (speaker(number), name, sentence(number), "2", "0", "", "", "")
        rows.append(told)
    write_tsv(folder / "validated.tsv", rows)


def write_pair(table: Path, splits: dict[int, str], *, extra=()) -> None:
    """Write a table of translations with the given clips, and further rows."""
    source, target = table.name.split(".")[1].split("_")
    rows = [
        (f"{clip_name(source, number)}.mp3", translation(number, target), split)
        for number, split in splits.items()
    ]
    table.parent.mkdir(parents=True, exist_ok=True)
    write_tsv(table, [("path", "translation", "split"), *rows, *extra])


def write_tsv(path: Path, rows) -> None:
    """Write rows with tabs between the cells: escaped, and nothing quoted."""
    lines = ["\t".join(map(_escaped, row)) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def pack(table: Path) -> Path:
    """Put a table into an archive, as it is published; the table goes."""
    archive = table.with_name(f"{table.name}.tar.gz")
    content, packed = table.read_bytes(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as file:
        member = tarfile.TarInfo(table.name)
        member.size = len(content)
        file.addfile(member, io.BytesIO(content))
    archive.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    table.unlink()
    return archive


def _escaped(cell: str) -> str:
    """A cell in the dialect of the corpus."""
    return cell.replace("\\", "\\\\").replace("\t", "\\\t")


@cache
def _mp3(number: int) -> bytes:
    """Bytes of a clip, the same in all languages."""
    samples = np.repeat(sing(spoken(number), seed=number), RATE // SAMPLE_RATE)
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="MP3")
    return file.getvalue()
