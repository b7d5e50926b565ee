"""A tiny LibriSpeech with the few-shot sets of Libri-light, as they are unpacked."""

from pathlib import Path

import soundfile

from tests.corpus import sing
from xlsr_sb.lengths import SAMPLE_RATE

SCORED = ("dev-clean", "dev-other", "test-clean", "test-other")
TRAINING = ("train-clean-100", "train-clean-360", "train-other-500")
FEW = [f"1h/{fold}/{kind}" for fold in range(6) for kind in ("clean", "other")]
FEW += ["9h/clean", "9h/other"]
WORDS = ("ABA", "NINE", "DAO", "MI", "BEE", "ODA", "MOB", "IDEA'M")
CLIPS = 2  # of a chapter


def write_chapter(folder: Path, speaker: int, chapter: int, *, clips: int = CLIPS):
    """A chapter of a speaker, clips and transcript; its folder."""
    place = folder / str(speaker) / str(chapter)
    place.mkdir(parents=True)
    lines = []
    for i in range(clips):
        name = f"{speaker}-{chapter}-{i:04}"
        first = (speaker + i) % len(WORDS)
        text = f"{WORDS[first]} {WORDS[first - 3]}"
        samples = sing(text.lower().replace("'", ""), seed=speaker + i)
        soundfile.write(place / f"{name}.flac", samples, SAMPLE_RATE)
        lines.append(f"{name} {text}\n")
    (place / f"{speaker}-{chapter}.trans.txt").write_text("".join(lines))
    return place


def write_librispeech(folder: Path) -> None:
    """``LibriSpeech`` and ``librispeech_finetuning``, a chapter each part.

    With what must not be read: lists of speakers and books, phones.
    """
    root = folder / "LibriSpeech"
    for i, name in enumerate((*SCORED, *TRAINING)):
        write_chapter(root / name, 100 + i, 1_000 + i)
    for name in ("SPEAKERS.TXT", "CHAPTERS.TXT", "README.TXT"):
        (root / name).write_text("; ID | SEX | SUBSET | MINUTES | NAME\n")
    few = folder / "librispeech_finetuning"
    for i, name in enumerate(FEW):
        write_chapter(few / name, 200 + i, 2_000 + i)
    (few / "phones").mkdir()
    (few / "phones" / "10min_phones.txt").write_text("200-2000-0000 1 1 4\n")
