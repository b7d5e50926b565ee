"""Common Voice: one language of any release, or a list of clips with their phones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from common_voice.audio import find_clips
from common_voice.holding import hold_out
from common_voice.lengths import listed_seconds, with_lengths
from common_voice.phones import clip_lists, lists_folder, phones_of
from common_voice.release import (
    DEV,
    TEST,
    TRAIN,
    VALIDATED,
    language_folder,
    speakers,
    table_clips,
)

from xlsr_sb.data.corpus import Corpus
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance


@dataclass(frozen=True)
class Found:
    """Clips without their lengths.

    Parameters
    ----------
    folder : Path
        Of the language.
    splits : dict of str to list of Utterance
    dropped : dict of str to int
        Clips left out of training, by reason.
    """

    folder: Path
    splits: dict[str, list[Utterance]]
    dropped: dict[str, int]


def prepare(
    data_folder: str | Path,
    *,
    language: str,
    train: str = TRAIN,
    splits: str | Path | None = None,
    unreadable: str = "error",
    cache: str | Path | None = None,
) -> Corpus:
    """Clips of one language; dev and test are whole, as they were published.

    Parameters
    ----------
    data_folder : str or Path
        ``cv-corpus-<version>``, or the folder of the language in it.
    language : str
        Code as the release writes it (``fr``, ``zh-TW``), or as ``splits`` does.
    train : str
        ``train``; or ``validated``, which is more: all valid clips but those in dev
        and test and others of the same speakers. With ``splits``: ``1h`` or ``5h``.
    splits : str or Path, optional
        ``common_voices_splits``, or the folder of the language in it: the few-shot
        lists of clips with phones, which then take the place of the release's tables.
    unreadable : str
        What becomes of clips that are missing or damaged: ``error``, or ``count``; see
        ``measured``.
    cache : str or Path, optional
        File that remembers lengths, so that an interrupted preparation goes on.

    Raises
    ------
    InputError
        For a language or list that is not there, rows that cannot be read, clips that
        cannot be read.
    """
    data_folder = Path(data_folder)
    if not data_folder.is_dir():
        raise InputError(f"data_folder: there is no folder {data_folder}")
    if splits is None:
        found = _in_tables(data_folder, language, train)
    else:
        found = _in_lists(data_folder, Path(splits), language, train)
    clips, dropped = found.splits, found.dropped
    if not clips[TEST]:
        raise InputError(f"{found.folder}: the test set is empty; take another release")
    if not clips.get(DEV):  # few languages, all of few clips
        clips[TRAIN], clips[DEV] = hold_out(clips[TRAIN], name=f"{language} {train}")
        dropped["held out as dev"] = len(clips[DEV])
    files = [Path(one.wav).name for part in clips.values() for one in part]
    seconds = listed_seconds(found.folder, files)
    ready, notes = {}, []
    for name in (TRAIN, DEV, TEST):
        ready[name], note = with_lengths(
            clips[name],
            seconds,
            name=f"{language} {name}",
            is_scored=name != TRAIN,
            unreadable=unreadable,
            cache=cache,
        )
        reasons = dropped if name == TRAIN else {}
        notes.append(replace(note, dropped={**reasons, **note.dropped}))
    return Corpus(ready, notes)


def _in_tables(data_folder: Path, language: str, train: str) -> Found:
    """Clips of a release's tables, with their sentences."""
    if train not in (TRAIN, VALIDATED):
        raise InputError(
            f"train is {train!r}; it must be {TRAIN} or {VALIDATED} (1h and 5h are of "
            "lists with phones, whose folder the option splits gives)"
        )
    folder = language_folder(data_folder, language)
    clips = {
        name: table_clips(folder, table, language)
        for name, table in {TRAIN: train, DEV: DEV, TEST: TEST}.items()
    }
    if train == TRAIN:
        return Found(folder, clips, {})
    scored = [*clips[DEV], *clips[TEST]]
    clips[TRAIN], copies = _without(clips[TRAIN], scored, "wav")
    clips[TRAIN], others = _without(clips[TRAIN], scored, "spk_id")
    dropped = {"in dev or test": copies, "of speakers of dev or test": others}
    return Found(folder, clips, dropped)


def _in_lists(data_folder: Path, splits: Path, language: str, train: str) -> Found:
    """Clips of the few-shot lists, with their phones."""
    folder = lists_folder(splits, language)
    lists = clip_lists(folder, train)
    phones = phones_of(folder, [name for names in lists.values() for name in names])
    folder, paths = find_clips(data_folder, language, phones.keys())
    said_by = speakers(folder, phones.keys())
    clips = {
        split: [
            Utterance(
                id=name,
                wav=paths[name],
                duration=0.0,
                spk_id=said_by.get(name, ""),
                language=language,
                wrd=phones[name],
            )
            for name in names
        ]
        for split, names in lists.items()
    }
    scored = [one for name, part in clips.items() if name != TRAIN for one in part]
    clips[TRAIN], copies = _without(clips[TRAIN], scored, "wav")
    return Found(folder, clips, {"in dev or test": copies})


def _without(
    clips: Sequence[Utterance], others: Sequence[Utterance], field: str
) -> tuple[list[Utterance], int]:
    """Clips that share no value of a field with others, and how many do."""
    taken = {getattr(one, field) for one in others} - {""}
    kept = [one for one in clips if getattr(one, field) not in taken]
    return kept, len(clips) - len(kept)
