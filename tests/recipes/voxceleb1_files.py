"""A tiny VoxCeleb1: four speakers to learn, two of the test set, and the lists."""

from itertools import product
from pathlib import Path

import soundfile

from tests.corpus import sing
from tests.fixtures import ROOT
from xlsr_sb.lengths import SAMPLE_RATE

RECIPE = ROOT / "recipes" / "VoxCeleb1"
LEARNT = ("id10001", "id10002", "id10269", "id11251")
HELD_OUT = ("id10270", "id10309")  # the first and the last speaker of the test set
VIDEOS = ("-a_1zcIwhmde", "x6uYqmx31kE", "8jEAjG6SegY")
NUMBERS = ("00001", "00002")
SPLITS = {"1": VIDEOS[0], "2": VIDEOS[1], "3": VIDEOS[2]}  # by video, as published
UNTRIED = f"{HELD_OUT[0]}/{VIDEOS[2]}/{NUMBERS[1]}.wav"  # a clip without a trial


def write_voxceleb1(folder: Path) -> None:
    """Write the two folders of clips and all lists; the same each time."""
    places = {"vox1_dev_wav": LEARNT, "vox1_test_wav": HELD_OUT}
    for place, speakers in places.items():
        for number, clip in enumerate(clips_of(*speakers)):
            path = folder / place / "wav" / clip
            path.parent.mkdir(parents=True, exist_ok=True)
            samples = sing("ab", seed=number)
            soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
    by_video = {video: number for number, video in SPLITS.items()}
    lines = [f"{by_video[clip.split('/')[1]]} {clip}" for clip in all_clips()]
    write_lines(folder / "iden_split.txt", lines)
    for name, trials in trials_of_lists().items():
        write_lines(folder / f"{name}.txt", trials)


def clips_of(*speakers: str) -> list[str]:
    """Clips of speakers, as the lists call them."""
    return ["/".join(one) + ".wav" for one in product(speakers, VIDEOS, NUMBERS)]


def all_clips() -> list[str]:
    """Clips in the order of ``iden_split.txt``: the test set is among the others."""
    return clips_of(*LEARNT[:2], HELD_OUT[0], LEARNT[2], HELD_OUT[1], LEARNT[3])


def trials_of_lists() -> dict[str, list[str]]:
    """Lines of each list; the cleaned ones lack the first trial."""
    tried = [clip for clip in clips_of(*HELD_OUT) if clip != UNTRIED]
    every = [clip for clip in all_clips() if clip != UNTRIED]
    lists = {"veri_test": tried, "list_test_all": every, "list_test_hard": every[:4]}
    lines = {name: _trials(clips) for name, clips in lists.items()}
    return lines | {f"{name}2": trials[1:] for name, trials in lines.items()}


def write_lines(path: Path, lines: list[str]) -> None:
    """Write lines of text."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _trials(clips: list[str]) -> list[str]:
    """Each clip with itself turned round, and with the one before it."""
    pairs = list(zip(clips, clips[::-1], strict=True))
    pairs += zip(clips[:-1], clips[1:], strict=True)
    return [f"{int(a[:7] == b[:7])} {a} {b}" for a, b in pairs]
