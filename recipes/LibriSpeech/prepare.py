"""LibriSpeech with 10 minutes, 1, 10, 100 or 960 hours of labels.

The three small sets are those of Libri-light (``librispeech_finetuning``).
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from xlsr_sb.data.corpus import Corpus
from xlsr_sb.data.measuring import ERROR, UNREADABLE, measured
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines
from xlsr_sb.manifest import Utterance

FOLDS = tuple(f"1h/{fold}" for fold in range(6))  # ten minutes each
FEW = {"10min": FOLDS, "1h": FOLDS, "10h": (*FOLDS, "9h")}  # of Libri-light; 10min: one
MANY = {
    "100h": ("train-clean-100",),
    "960h": ("train-clean-100", "train-clean-360", "train-other-500"),
}
KINDS = ("clean", "other")
DEV = "dev-other"  # the best update is chosen by it, as in wav2vec 2.0
SCORED = ("dev-clean", "dev-other", "test-clean", "test-other")
LANGUAGE = "en"
AUDIO, TRANSCRIPT = ".flac", ".trans.txt"
SHOWN = 10  # problems listed in an error


def prepare(
    data_folder: str | Path,
    *,
    labels: str,
    fold: int = 0,
    librilight: str | Path | None = None,
    unreadable: str = ERROR,
    cache: str | Path | None = None,
) -> Corpus:
    """Utterances to learn from, and the four sets that are scored, whole.

    Parameters
    ----------
    data_folder : str or Path
        ``LibriSpeech``, or the folder that holds it.
    labels : str
        What is learnt from: ``10min``, ``1h``, ``10h``, ``100h`` or ``960h``.
    fold : int
        Which ten minutes, 0 to 5.
    librilight : str or Path, optional
        ``librispeech_finetuning``, or the folder that holds it; for 10min, 1h and 10h.
    unreadable : str
        What becomes of recordings that are missing or damaged: ``error``, or
        ``count``; see ``measured``.
    cache : str or Path, optional
        File that remembers lengths, so that an interrupted preparation goes on.

    Returns
    -------
    Corpus
        ``train``, ``dev`` (which is dev-other), and the four sets by their names.

    Raises
    ------
    InputError
        For folders that are not there, and naming clips without a transcript.
    """
    if unreadable not in UNREADABLE:
        raise InputError(f"unreadable must be one of {UNREADABLE}, got {unreadable!r}")
    root = _root(Path(data_folder), "LibriSpeech")
    options = {"unreadable": unreadable, "cache": cache}
    places = _training_folders(root, labels, fold=fold, librilight=librilight)
    train = [one for place in places for one in _utterances(place)]
    splits, notes = {}, []
    splits["train"], note = measured(
        train, name=f"train {labels}", is_scored=False, **options
    )
    notes.append(note)
    for name in SCORED:
        found = list(_utterances(root / name))
        splits[name], note = measured(found, name=name, is_scored=True, **options)
        notes.append(note)
    return Corpus({"train": splits.pop("train"), "dev": splits[DEV], **splits}, notes)


def _training_folders(
    root: Path, labels: str, *, fold: int, librilight: str | Path | None
) -> list[Path]:
    """Folders of speakers to learn from."""
    if labels not in (*FEW, *MANY):
        known = ", ".join((*FEW, *MANY))
        raise InputError(f"labels must be one of {known}; got {labels!r}")
    if fold not in range(len(FOLDS)):
        raise InputError(f"fold must be 0 to {len(FOLDS) - 1}, got {fold!r}")
    if fold and labels != "10min":
        raise InputError(f"fold {fold} is for labels 10min; {labels} has none")
    if labels in MANY:
        return [root / name for name in MANY[labels]]
    if librilight is None:
        raise InputError(
            f"labels {labels}: librilight is needed, the folder librispeech_finetuning "
            "of Libri-light; see README.md"
        )
    few = _root(Path(librilight), "librispeech_finetuning")
    parts = (FOLDS[fold],) if labels == "10min" else FEW[labels]
    return [few / part / kind for part in parts for kind in KINDS]


def _root(folder: Path, name: str) -> Path:
    """The folder itself, or the one in it with the publisher's name."""
    return folder / name if (folder / name).is_dir() else folder


def _utterances(folder: Path) -> Iterator[Utterance]:
    """Utterances of all chapters of all speakers, with no length yet.

    Raises
    ------
    InputError
        If there are none, or some clips are in no transcript.
    """
    untold, count = [], 0
    for speaker in _folders(folder):
        for chapter in _folders(speaker):
            prefix = f"{speaker.name}-{chapter.name}"
            path = chapter / f"{prefix}{TRANSCRIPT}"
            texts = _texts(path, prefix) if path.exists() else {}
            names = sorted(name for name in os.listdir(chapter) if name.endswith(AUDIO))
            clips = [name.removesuffix(AUDIO) for name in names]
            untold += [f"{chapter / x}{AUDIO}" for x in clips if x not in texts]
            count += len(texts)
            for name, text in texts.items():
                yield Utterance(
                    id=name,
                    wav=str(chapter / f"{name}{AUDIO}"),
                    duration=0.0,
                    spk_id=speaker.name,
                    language=LANGUAGE,
                    wrd=text,
                )
    if untold:
        raise InputError(_listed(folder, untold))
    if not count:
        raise InputError(
            f"{folder} holds no transcripts (speaker/chapter/*{TRANSCRIPT}); fetch it "
            "again"
        )


def _folders(folder: Path) -> list[Path]:
    """Folders in a folder, by name."""
    if not folder.is_dir():
        there = sorted(path.name for path in folder.parent.glob("*") if path.is_dir())
        raise InputError(
            f"there is no folder {folder}; {folder.parent} holds "
            f"{', '.join(there) or 'no folders'}"
        )
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _texts(path: Path, prefix: str) -> dict[str, str]:
    """Text of each utterance of a chapter."""
    texts: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        name, _, text = line.strip().partition(" ")
        if not name:
            continue
        if not (name.startswith(f"{prefix}-") and text):
            raise InputError(
                f"{path}, line {number}: {line.strip()!r} must be an ID that starts "
                f"with {prefix}-, a space and a text"
            )
        if name in texts:
            raise InputError(f"{path}, line {number}: {name} stands above already")
        texts[name] = text.strip()
    return texts


def _listed(folder: Path, untold: Sequence[str]) -> str:
    """One message of clips that are in no transcript."""
    more = len(untold) - SHOWN
    lines = [*untold[:SHOWN], *([f"... and {more} more"] if more > 0 else [])]
    advice = "fetch the transcripts of these chapters again, or take the clips away"
    head = f"{folder}: {len(untold)} clips have no transcript:"
    return "\n  ".join([head, *lines, advice])
