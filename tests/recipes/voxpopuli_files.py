"""A tiny VoxPopuli as ``voxpopuli.get_asr_data`` leaves it: French and English."""

from pathlib import Path

import numpy as np
import soundfile

from tests.corpus import sing
from xlsr_sb.lengths import SAMPLE_RATE

LONG_SECONDS = 31.0
OLD_COLUMNS = ("id", "raw_text", "normalized_text", "speaker_id", "split", "gender")
COLUMNS = (*OLD_COLUMNS, "is_gold_transcript", "accent")
# Raw and normalised text of each row. One quotation mark that is never closed would
# swallow the next rows if it counted; a break in a raw text breaks its row in two.
ROWS = {
    "fr": {
        "train": [
            ('"Mendiane, a-t-il dit', "mendiane a-t-il dit"),
            ("L'idée.", "l'idee amie"),
            ("Un mot\nde Bade", "un mot de bade"),
            ("(applaudissements)", ""),
            ("Une longue idée", "long mode"),
            ('Amen "bon" ami', "amen bon ami"),
        ],
        "dev": [("Demain midi.", "demain midi."), ("Non !", "non")],
        "test": [
            ("Oui", "oui"),
            ("Une longue idée", "long ami"),
            ("(silence)", ""),
            ('Il a dit "non".', 'il a dit "non'),
        ],
    },
    "en": {
        "train": [
            ("A bad idea", "a bad idea"),
            ("Ode", "ode mine"),
            ("Mob", "mob one"),
        ],
        "dev": [("Name", "name one")],
        "test": [("Dine", "dine")],
    },
    "en_accented": {
        "train": [],
        "dev": [],
        "test": [("Bone", "bone"), ("No", "no idea")],
    },
}


def write_voxpopuli(folder: Path) -> None:
    """Write ``transcribed_data`` of three languages; the same each time.

    Clips take 0.6 to 1.8 s, those with "long" in their text 31 s. The English tables
    have the columns of the publisher's first version.
    """
    for language, splits in ROWS.items():
        root = folder / "transcribed_data" / language
        columns = OLD_COLUMNS if language == "en" else COLUMNS
        for split, texts in splits.items():
            lines = ["\t".join(columns)]
            for number, (raw, text) in enumerate(texts):
                name = id_of(language, split, number)
                cells = (name, raw, text, str(1000 + number), split, "female", "True")
                lines.append("\t".join([*cells, "None"][: len(columns)]))
                write_clip(root / name[:4] / f"{name}.ogg", text, seed=number)
            write_lines(root / f"asr_{split}.tsv", lines)


def id_of(language: str, split: str, number: int) -> str:
    """Id of a row: session, language, and the time of day with its colons."""
    year = {"train": 2013, "dev": 2016, "test": 2017}[split]
    spoken = language[:2]
    return f"{year}0114-0900-PLENARY-{number}-{spoken}_{year}0114-17:12:30_{number}"


def write_clip(path: Path, text: str, *, seed: int) -> None:
    """Write a clip: Ogg Vorbis, mono, 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = sing(text.ljust(6), seed=seed)
    if "long" in text:
        missing = round(LONG_SECONDS * SAMPLE_RATE) - len(samples)
        samples = np.pad(samples, (0, missing))
    soundfile.write(path, samples, SAMPLE_RATE, format="OGG", subtype="VORBIS")


def write_lines(path: Path, lines: list[str]) -> None:
    """Write lines of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
