"""The clips of the corpus: their official list, and where they are."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines
from xlsr_sb.manifest import Utterance

SPLITS = TRAIN, DEV, TEST = ("train", "dev", "test")
IDEN_SPLIT = "iden_split.txt"
NUMBERS = {"1": TRAIN, "2": DEV, "3": TEST}  # of the splits, in that file
CLIP = re.compile(r"id\d{5}/[^/\s]+/[^/\s]+\.wav")  # speaker, video, number
FOLDERS = ("vox1_dev_wav/wav", "vox1_test_wav/wav", "dev/wav", "test/wav", "wav", ".")
PUBLISHER = "https://www.robots.ox.ac.uk/~vgg/data/voxceleb"
SHOWN = 10  # problems listed in an error


def official_clips(folder: Path) -> dict[str, str]:
    r"""Split of each clip of the corpus, in the order of ``iden_split.txt``.

    Parameters
    ----------
    folder : Path
        Holds that file.

    Raises
    ------
    InputError
        Naming lines that are none of the list.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> lines = ["3 id10001/a/1.wav", "1 id10001/b/1.wav", "2 id10001/b/2.wav", ""]
    >>> _ = (folder / "iden_split.txt").write_text("\n".join(lines))
    >>> list(official_clips(folder).items())[:2]
    [('id10001/a/1.wav', 'test'), ('id10001/b/1.wav', 'train')]
    """
    path = list_file(folder, IDEN_SPLIT)
    clips: dict[str, str] = {}
    problems = []
    for line, text in enumerate(read_lines(path), start=1):
        number, _, clip = text.strip().partition(" ")
        if not number:
            continue
        if number not in NUMBERS or not CLIP.fullmatch(clip):
            problems.append(
                f"line {line}: {text.strip()[:80]!r} is not 1, 2 or 3, a space and "
                f"<speaker>/<video>/<number>.wav"
            )
        elif clip in clips:
            problems.append(f"line {line}: {clip} stands above already")
        else:
            clips[clip] = NUMBERS[number]
    there = set(clips.values())
    problems += [f"no clip of {split}" for split in SPLITS if split not in there]
    if problems:
        raise InputError(listed(path, problems, "fetch the list again"))
    return clips


def list_file(folder: Path, name: str) -> Path:
    """Path of an official list.

    Raises
    ------
    InputError
        If it is not there; it says where to get it.

    Example
    -------
    >>> list_file(Path("/data"), "iden_split.txt")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: lists: there is no /data/iden_split.txt; fetch it from \
https://www.robots.ox.ac.uk/~vgg/data/voxceleb, or give the folder that has it
    """
    path = folder / name
    if not path.is_file():
        raise InputError(
            f"lists: there is no {path}; fetch it from {PUBLISHER}, or give the folder "
            f"that has it"
        )
    return path


def utterances(data_folder: Path, clips: Iterable[str]) -> list[Utterance]:
    """Clips as utterances, whose ids are what lists of trials call them.

    Parameters
    ----------
    data_folder : Path
        Holds ``vox1_dev_wav/wav`` and ``vox1_test_wav/wav``, the same without
        ``vox1_`` and ``_wav``, ``wav``, or the speakers themselves.
    clips : iterable of str

    Returns
    -------
    list of Utterance
        Without lengths.

    Raises
    ------
    InputError
        If there is no speaker at all.
    """
    clips = list(clips)
    speakers = dict.fromkeys(speaker_of(clip) for clip in clips)
    roots = [data_folder / name for name in FOLDERS if (data_folder / name).is_dir()]
    places = {
        speaker: next((root for root in roots if (root / speaker).is_dir()), None)
        for speaker in speakers
    }
    found = [place for place in places.values() if place is not None]
    if not found:
        there = sorted(path.name for path in data_folder.glob("*"))
        raise InputError(
            f"data_folder: {data_folder} holds no speaker of the lists, such as "
            f"{next(iter(speakers))}, in {', '.join(FOLDERS)}; there is "
            f"{', '.join(there[:SHOWN]) or 'nothing'}; unpack vox1_dev_wav.zip and "
            f"vox1_test_wav.zip there, each into a folder of its name"
        )
    return [
        Utterance(
            id=clip,
            wav=str((places[speaker_of(clip)] or found[0]) / clip),
            duration=0.0,
            spk_id=speaker_of(clip),
        )
        for clip in clips
    ]


def speaker_of(clip: str) -> str:
    """Speaker of a clip.

    Example
    -------
    >>> speaker_of("id10001/1zcIwhmdeo4/00001.wav")
    'id10001'
    """
    return clip.partition("/")[0]


def video_of(clip: str) -> str:
    """Speaker and video of a clip.

    Example
    -------
    >>> video_of("id10001/1zcIwhmdeo4/00001.wav")
    'id10001/1zcIwhmdeo4'
    """
    return clip.rpartition("/")[0]


def listed(path: Path, problems: Sequence[str], advice: str) -> str:
    r"""One message of several problems of a list.

    Example
    -------
    >>> listed(Path("a.txt"), ["line 1 is empty"], "fetch it again")
    'a.txt:\n  line 1 is empty\n  fetch it again'
    """
    more = len(problems) - SHOWN
    lines = [*problems[:SHOWN], *([f"... and {more} more"] if more > 0 else [])]
    return "\n  ".join([f"{path}:", *lines, advice])
