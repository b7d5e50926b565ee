"""CoVoST-2: speech of Common Voice 4 with translations, into and from English."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from covost.joining import Joined, held_out, join, utterances
from covost.release import language_folder, translations_table, validated_clips
from covost.resources import DEV, SPLITS, TEST, TRAIN, chosen_pairs, published_rows

from xlsr_sb.data.corpus import Corpus, Note
from xlsr_sb.data.measuring import ERROR, UNREADABLE, measured
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

logger = logging.getLogger(__name__)
Pair = tuple[str, str]
UNREAD, DELETED = "unreadable", "unreadable, counted as errors"


def prepare(
    data_folder: str | Path,
    *,
    pairs: str | Sequence[str],
    covost_folder: str | Path | None = None,
    unreadable: str = ERROR,
    cache: str | Path | None = None,
) -> Corpus:
    """Clips of the source languages, each with its text in all target languages.

    Parameters
    ----------
    data_folder : str or Path
        Common Voice 4: a folder a language, with ``validated.tsv`` and ``clips``; or
        the folder that holds ``cv-corpus-4-...``, or that of the only language.
    pairs : str, with commas, or sequence of str
        Such as ``fr_en``, or ``fr_en,de_en``; ``x_en`` is all 21 into English,
        ``en_x`` all 15 from English.
    covost_folder : str or Path, optional
        Holds ``covost_v2.<source>_<target>.tsv`` or the archives of these; else they
        are looked for in ``data_folder`` and beside the clips.
    unreadable : str
        What becomes of clips that are missing or damaged: ``error``, or ``count``; see
        ``measured``.
    cache : str or Path, optional
        File that remembers lengths, so that an interrupted preparation goes on.

    Returns
    -------
    Corpus
        The publisher's splits. A clip that is in dev or test of one of the pairs is in
        train of none.

    Raises
    ------
    InputError
        Naming what is missing, and what is there.
    """
    if unreadable not in UNREADABLE:
        raise InputError(f"unreadable must be one of {UNREADABLE}, got {unreadable!r}")
    chosen = chosen_pairs(pairs)
    covost_folder = None if covost_folder is None else Path(covost_folder)
    folders, tables = _places(Path(data_folder), covost_folder, chosen)
    clips, dropped = _joined(folders, tables)
    splits = {}
    for split in SPLITS:
        splits[split], _ = measured(
            clips[split],
            name=split,
            is_scored=split != TRAIN,
            unreadable=unreadable,
            cache=cache,
        )
        for pair, number in _unread(clips[split], splits[split]).items():
            dropped[split, pair][UNREAD if split == TRAIN else DELETED] = number
    notes = [
        _note(pair, split, splits[split], dropped[split, pair])
        for pair in tables
        for split in SPLITS
    ]
    return Corpus(splits, notes)


def _places(
    data_folder: Path, covost_folder: Path | None, chosen: dict[str, list[str]]
) -> tuple[dict[str, Path], dict[Pair, Path]]:
    """Folder of each source language, and table of each pair."""
    for option, folder in (("data", data_folder), ("covost", covost_folder)):
        if folder is not None and not folder.is_dir():
            raise InputError(f"{option}_folder: there is no folder {folder}")
    folders = {
        source: language_folder(data_folder, source, is_alone=len(chosen) == 1)
        for source in chosen
    }
    tables = {
        (source, target): translations_table(
            source,
            target,
            folder=covost_folder,
            beside=[folders[source], folders[source].parent, data_folder],
        )
        for source, targets in chosen.items()
        for target in targets
    }
    return folders, tables


def _joined(
    folders: dict[str, Path], tables: dict[Pair, Path]
) -> tuple[dict[str, list[Utterance]], dict[tuple[str, Pair], Counter]]:
    """Clips without lengths by split; rows left out by split, pair and reason."""
    found: dict[str, list[Utterance]] = {split: [] for split in SPLITS}
    dropped = {}
    for source, folder in folders.items():
        clips = validated_clips(folder)
        own = {
            target: join(table, clips)
            for (language, target), table in tables.items()
            if language == source
        }
        held_out(own)
        for target, one in own.items():
            _compare(one, source, target)
            dropped |= {(x, (source, target)): one.dropped[x] for x in SPLITS}
        for split, part in found.items():
            part += utterances(folder, clips, own, language=source, split=split)
    return found, dropped


def _compare(joined: Joined, source: str, target: str) -> None:
    """Warn if sets that are scored have other sizes than the publisher's."""
    wanted = published_rows(source)
    there = {x: sum(map(len, joined.texts[x].values())) for x in (DEV, TEST)}
    if others := [x for x in there if there[x] != wanted[x]]:
        counts = (f"{x} has {there[x]} rows, not {wanted[x]}" for x in others)
        logger.warning(
            "%s_%s: %s; scores are not those of the published sets",
            *(source, target, ", ".join(counts)),
        )


def _pairs_of(one: Utterance) -> list[Pair]:
    """Pairs to which a clip belongs."""
    return [(one.language, target) for target in one.translations]


def _unread(clips: Iterable[Utterance], ready: Iterable[Utterance]) -> Counter:
    """Clips of each pair that cannot be read."""
    heard = {one.id for one in ready if one.duration}
    return Counter(x for one in clips if one.id not in heard for x in _pairs_of(one))


def _note(
    pair: Pair, split: str, clips: Iterable[Utterance], dropped: Mapping[str, int]
) -> Note:
    """What was kept and dropped of a pair in one split."""
    source, target = pair
    own = (one for one in clips if one.language == source)
    seconds = [one.duration for one in own if target in one.translations]
    return Note(f"{'_'.join(pair)} {split}", len(seconds), sum(seconds), dict(dropped))
