"""VoxCeleb1: who speaks, and whether two clips are of one speaker.

python prepare.py DATA FOLDER --task identification [--lists FOLDER]
python prepare.py DATA FOLDER --task verification [--trials veri_test2,list_test_hard2]

FOLDER takes train.csv, dev.csv and test.csv, and copies of the lists of trials.
"""

import argparse
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from voxceleb.clips import (
    DEV,
    IDEN_SPLIT,
    SPLITS,
    TEST,
    TRAIN,
    official_clips,
    speaker_of,
    utterances,
    video_of,
)
from voxceleb.trials import SIZES, chosen_lists, copy_trials

from xlsr_sb.data.corpus import Corpus
from xlsr_sb.data.measuring import ERROR, UNREADABLE, measured
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import write_manifest

logger = logging.getLogger(__name__)
TASKS = IDENTIFICATION, VERIFICATION = ("identification", "verification")
TRIALS = ("veri_test", "veri_test2")
TEST_SPEAKERS = {f"id{number}" for number in range(10270, 10310)}  # names with an E
CLIPS = {TRAIN: 138_361, DEV: 6_904, TEST: 8_251}  # of iden_split.txt
NUM_SPEAKERS = 1_251


def prepare(
    data_folder: str | Path,
    *,
    task: str,
    lists: str | Path | None = None,
    trials: str | Sequence[str] = TRIALS,
    trials_folder: str | Path | None = None,
    unreadable: str = ERROR,
    cache: str | Path | None = None,
) -> Corpus:
    """Clips with their speakers, in the official splits.

    Parameters
    ----------
    data_folder : str or Path
        Holds ``vox1_dev_wav/wav`` and ``vox1_test_wav/wav``, or ``wav`` with all.
    task : str
        ``identification``: the splits of ``iden_split.txt``, with all speakers in each.
        ``verification``: train has the 1,211 speakers that were published for it, dev
        one video of each of them, test the clips of the trials.
    lists : str or Path, optional
        Folder with ``iden_split.txt``, for both, and the lists of trials; by default
        ``data_folder``.
    trials : str with commas, or sequence of str
        Lists of verification.
    trials_folder : str or Path, optional
        Takes copies of them; needed for verification.
    unreadable : str
        What becomes of clips that are missing or damaged: ``error``, or ``count``; see
        ``measured``.
    cache : str or Path, optional
        File that remembers lengths, so that an interrupted preparation goes on.

    Raises
    ------
    InputError
        Naming lines of lists that cannot be used, and clips that are missing.
    """
    if task not in TASKS:
        raise InputError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    if unreadable not in UNREADABLE:
        raise InputError(f"unreadable must be one of {UNREADABLE}, got {unreadable!r}")
    data_folder = Path(data_folder)
    folder = data_folder if lists is None else Path(lists)
    clips = official_clips(folder)
    _compare(clips)
    if task == IDENTIFICATION:
        chosen = {x: [clip for clip in clips if clips[clip] == x] for x in SPLITS}
        dropped = {split: {} for split in SPLITS}
    elif trials_folder is None:
        raise InputError("trials_folder: verification needs one, for its trials")
    else:
        places = {"folder": folder, "target": Path(trials_folder), "clips": clips}
        names = chosen_lists(trials)
        scored = {name: copy_trials(name, **places) for name in names}
        chosen, dropped = _verification(clips, scored)
    options = {"unreadable": unreadable, "cache": cache}
    return _measured(data_folder, chosen, dropped, options)


def _measured(
    data_folder: Path,
    chosen: Mapping[str, list[str]],
    dropped: Mapping[str, dict[str, int]],
    options: dict,
) -> Corpus:
    """Clips of each split with their lengths, and a note of each."""
    found = utterances(data_folder, [x for split in SPLITS for x in chosen[split]])
    by_id = {one.id: one for one in found}
    splits, notes = {}, []
    for split in SPLITS:
        splits[split], note = measured(
            [by_id[clip] for clip in chosen[split]],
            name=split,
            is_scored=split == TEST,
            **options,
        )
        notes.append(replace(note, dropped={**dropped[split], **note.dropped}))
    return Corpus(splits, notes)


def _compare(clips: Mapping[str, str]) -> None:
    """Warn if the list has other numbers of clips or speakers than the published."""
    counts = {split: list(clips.values()).count(split) for split in SPLITS}
    speakers = len({speaker_of(clip) for clip in clips})
    if (counts, speakers) != (CLIPS, NUM_SPEAKERS):
        logger.warning(
            "%s has %s clips of %d speakers, not %s of %d; scores are not those of the "
            "published sets",
            IDEN_SPLIT,
            *(_numbers(counts), speakers, _numbers(CLIPS), NUM_SPEAKERS),
        )


def _numbers(counts: Mapping[str, int]) -> str:
    """Numbers of clips, as printed."""
    return " + ".join(str(counts[split]) for split in SPLITS)


def _verification(
    clips: Mapping[str, str], scored: Mapping[str, set[str]]
) -> tuple[dict[str, list[str]], dict[str, dict[str, int]]]:
    """Clips of each split, and how many are in none, by reason."""
    own = [clip for clip in clips if speaker_of(clip) not in TEST_SPEAKERS]
    for name, trials in scored.items():
        if known := {speaker_of(clip) for clip in trials} - TEST_SPEAKERS:
            logger.warning(
                "%s: %d of its speakers are learnt from; it is meant for models that "
                "were trained on another corpus",
                *(name, len(known)),
            )
    held_out = _held_out_videos(own)
    tried = set().union(*scored.values())
    test = [clip for clip in clips if clip in tried]
    train = [clip for clip in own if video_of(clip) not in held_out]
    dev = [clip for clip in own if video_of(clip) in held_out]
    if not train or not dev:
        raise InputError(
            f"{IDEN_SPLIT}: apart from the {len(TEST_SPEAKERS)} speakers of the test "
            f"set there must be some with two videos or more; fetch the list again"
        )
    unheard = sum(
        speaker_of(clip) in TEST_SPEAKERS and clip not in tried for clip in clips
    )
    return {TRAIN: train, DEV: dev, TEST: test}, {
        TRAIN: {"of a test speaker": len(clips) - len(own)},
        DEV: {},
        TEST: {"in no trial": unheard},
    }


def _held_out_videos(clips: Iterable[str]) -> set[str]:
    """One video of each speaker who has more, chosen by a hash of its name."""
    videos: dict[str, set[str]] = {}
    for clip in clips:
        videos.setdefault(speaker_of(clip), set()).add(video_of(clip))
    return {min(own, key=_drawn) for own in videos.values() if len(own) > 1}


def _drawn(name: str) -> bytes:
    """An order that has nothing to do with the names, the same everywhere."""
    return blake2b(name.encode(), digest_size=8).digest()


def main() -> None:
    """Write the manifests, and print what became of the clips."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="with vox1_dev_wav, vox1_test_wav")
    parser.add_argument("folder", type=Path, help="takes manifests and trials")
    parser.add_argument("--task", required=True, help=" or ".join(TASKS))
    parser.add_argument("--lists", type=Path, help="with the official lists")
    trials = f"of {', '.join(SIZES)} (default: {','.join(TRIALS)})"
    parser.add_argument("--trials", default=TRIALS, help=trials)
    parser.add_argument("--unreadable", default=ERROR, help="error, or count")
    given = parser.parse_args()
    corpus = prepare(
        given.data,
        task=given.task,
        lists=given.lists,
        trials=given.trials,
        trials_folder=given.folder,
        unreadable=given.unreadable,
        cache=given.folder / "lengths.csv",
    )
    print(corpus.table())
    for name, utterances_ in corpus.splits.items():
        write_manifest(given.folder / f"{name}.csv", utterances_)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
