"""A tiny VoxLingua107: three languages to learn, of which two are scored."""

import zipfile
from pathlib import Path

import soundfile

from tests.corpus import sing
from tests.fixtures import ROOT
from xlsr_sb.lengths import SAMPLE_RATE

RECIPE = ROOT / "recipes" / "VoxLingua107"
LANGUAGES = ("fr", "iw", "jw")  # as the publisher calls them
CODES = {"fr": "fr", "iw": "he", "jw": "jv"}
SCORED = ("fr", "iw")
NUM_VIDEOS, NUM_CLIPS = 5, 2  # of each language; clips of each video
IN_BOTH = "fr_and_iw_-"  # a video whose clips are in two languages
LEAKED = "leaks-into-"  # a video with clips in train and in dev


def write_voxlingua107(folder: Path) -> None:
    """Write ``train`` and ``dev``, a folder a language; the same each time.

    Clips take 0.2 to 0.24 s, as their names say, to a millisecond.
    """
    for number, language in enumerate(LANGUAGES):
        videos = [f"{language}_video_{x}-" for x in range(NUM_VIDEOS)]
        videos += [IN_BOTH] * (language in SCORED) + [LEAKED] * (language == "fr")
        _write(folder / "train" / language, videos, first=100 * number)
    for number, language in enumerate(SCORED):
        videos = [f"{language}_dev_vi{x}_" for x in range(2)]
        videos += [LEAKED] * (language == "fr")
        _write(folder / "dev" / language, videos, first=1_000 + 100 * number)


def pack(folder: Path, target: Path) -> None:
    """Write the zips of a folder as they are published: one a language, and dev."""
    target.mkdir(parents=True, exist_ok=True)
    for place in sorted((folder / "train").iterdir()):
        _zip(target / f"{place.name}.zip", place.parent, [place])
    _zip(target / "dev.zip", folder / "dev", sorted((folder / "dev").iterdir()))


def _write(folder: Path, videos: list[str], *, first: int) -> None:
    """Write clips of videos; every other name has the label of a speaker in it."""
    folder.mkdir(parents=True)
    for number in range(NUM_CLIPS * len(videos)):
        video = videos[number // NUM_CLIPS]
        assert len(video) == 11
        samples = sing("ab", seed=first + number)
        start = 7.25 * number
        stop = start + len(samples) / SAMPLE_RATE
        label = "__U__S3" * (number % 2)
        name = f"{video}{label}---{start:08.3f}-{stop:08.3f}.wav"
        soundfile.write(folder / name, samples, SAMPLE_RATE, subtype="PCM_16")


def _zip(path: Path, root: Path, folders: list[Path]) -> None:
    """Write a zip with the files of some folders."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in folders:
            for file in sorted(folder.iterdir()):
                info = zipfile.ZipInfo(str(file.relative_to(root)))  # of no time
                archive.writestr(info, file.read_bytes(), zipfile.ZIP_DEFLATED)
