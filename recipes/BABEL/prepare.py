"""BABEL: telephone conversations in 25 languages, one LDC package each.

Of a package the folder ``conversational`` is read, wherever it lies: ``training`` and
``dev``. ``scripted``, ``eval``, ``transcript_roman`` and lexicons are not looked at.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from babel_speech.packages import Side, find_conversations, sides
from babel_speech.segments import utterances_of
from babel_speech.sphere import refuse_shortened

from xlsr_sb.data.audio import AudioInfo
from xlsr_sb.data.corpus import Corpus
from xlsr_sb.data.measuring import ERROR, UNREADABLE, probe_all
from xlsr_sb.errors import InputError

DEV_SHARE = 0.05  # of the callers; the corpus has no development set besides its test
UNTRANSCRIBED = "recordings without a transcript"


def prepare(
    data_folder: str,
    *,
    language: str,
    unreadable: str = ERROR,
    cache: str | None = None,
) -> Corpus:
    """Segments of the conversations of one language.

    Parameters
    ----------
    data_folder : str
        A package as the LDC delivers it, or a folder of several.
    language : str
        Code of the language, such as ``ka``.
    unreadable : str
        What becomes of recordings that are missing, damaged, or end before their
        transcript. ``error``: nothing is prepared. ``count``: they are left out of
        training; what is scored stays, and counts as deleted.
    cache : str, optional
        File that remembers the lengths of recordings.

    Returns
    -------
    Corpus
        ``train``; ``dev``, about a twentieth of the callers of the training part;
        ``test``, the official development part, whole.

    Raises
    ------
    InputError
        Naming what is missing, and what is there.
    """
    if unreadable not in UNREADABLE:
        raise InputError(f"unreadable must be one of {UNREADABLE}, got {unreadable!r}")
    place = find_conversations(Path(data_folder), language)
    training, num_untold = sides(place / "training")
    test, num_untold_test = sides(place / "dev")
    train, dev = held_out(training)
    infos = probed([*training, *test], cache=cache)
    splits, notes = {}, []
    for name, members, untold in (
        ("train", train, num_untold),
        ("dev", dev, 0),
        ("test", test, num_untold_test),
    ):
        splits[name], note = utterances_of(
            members,
            [infos[one.audio] for one in members],
            name=name,
            language=language,
            is_scored=name != "train",
            unreadable=unreadable,
        )
        notes.append(replace(note, dropped={**note.dropped, UNTRANSCRIBED: untold}))
    return Corpus(splits, notes)


def probed(members: list[Side], *, cache: str | None) -> dict[Path, AudioInfo | str]:
    """Header of each side's recording, or what is wrong with it.

    Raises
    ------
    InputError
        If some are compressed; nobody wants to train without them.
    """
    paths = [one.audio for one in members]
    infos = dict(zip(paths, probe_all(map(str, paths), cache=cache), strict=True))
    refuse_shortened(path for path, info in infos.items() if isinstance(info, str))
    return infos


def held_out(training: list[Side]) -> tuple[list[Side], list[Side]]:
    """Sides to learn from, and those kept for development.

    Whole conversations, and all of a caller together, by a hash of the caller's number.

    Raises
    ------
    InputError
        If there is one caller only.
    """
    callers = sorted({one.caller for one in training}, key=_hash)
    if len(callers) < 2:
        raise InputError(
            f"{training[0].transcript.parent} has conversations of one caller; there "
            "must be two at least, as some are kept for development"
        )
    chosen = set(callers[: max(1, round(DEV_SHARE * len(callers)))])
    train = [one for one in training if one.caller not in chosen]
    return train, [one for one in training if one.caller in chosen]


def _hash(name: str) -> bytes:
    """An order that has nothing to do with the names."""
    return hashlib.sha256(name.encode()).digest()
