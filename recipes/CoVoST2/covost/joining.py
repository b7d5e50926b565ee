"""Clips with their translations: the inner join of the publisher's script."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from covost.release import CLIPS, PATH, VALIDATED
from covost.resources import DEV, SPLITS, TEST, TRAIN
from covost.tables import table_rows
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

TRANSLATION, SPLIT = "translation", "split"
MORE_TRAIN = "train_covost"  # a part of train that Common Voice's own has not
NOT_VALIDATED, UNTRANSLATED = "not in validated.tsv", "without translation"
SCORED = "in dev or test"


@dataclass(frozen=True)
class Joined:
    """Translations of one pair.

    Parameters
    ----------
    texts : dict of str to dict of str to list of str
        By split and name of the clip; a clip that stands in the table twice has two.
    dropped : dict of str to Counter
        Rows that are in no split, by the split where they count, and reason.
    """

    texts: dict[str, dict[str, list[str]]]
    dropped: dict[str, Counter]


def join(table: Path, clips: Collection[str]) -> Joined:
    """Rows of a table whose clips are validated, by split.

    Parameters
    ----------
    table : Path
        Of one pair.
    clips : collection of str
        Names of the validated clips of the source language.

    Raises
    ------
    InputError
        For a row without a split, a split without rows, and when most clips are not
        validated: then they are of another language or release.
    """
    texts: dict[str, dict[str, list[str]]] = {split: {} for split in SPLITS}
    dropped = {split: Counter() for split in SPLITS}
    num_joined, missing = 0, []
    for line, row in table_rows(table, required=(PATH, TRANSLATION, SPLIT)):
        name, text, split = row[PATH], row[TRANSLATION], row[SPLIT]
        if not split:
            raise InputError(
                f"{table}, line {line}: the row of {name!r} has no split; mend it, or "
                f"fetch the table again"
            )
        split = TRAIN if split == MORE_TRAIN else split
        if split not in SPLITS:
            dropped[TRAIN][f"of the split {split}"] += 1
        elif name not in clips:
            dropped[split][NOT_VALIDATED] += 1
            missing.append(name)
        elif not text.strip():
            dropped[split][UNTRANSLATED] += 1
        else:
            num_joined += 1
            texts[split].setdefault(name, []).append(text)
    if num_joined < len(missing):
        raise InputError(
            f"{table}: {len(missing)} of {num_joined + len(missing)} clips are not in "
            f"{VALIDATED}, such as {missing[0]}; data_folder must hold Common Voice 4"
        )
    if empty := [split for split in SPLITS if not texts[split]]:
        raise InputError(
            f"{table} has no rows of {', '.join(empty)} with clips in {VALIDATED}; "
            f"fetch it again, or give Common Voice 4 as data_folder"
        )
    return Joined(texts, dropped)


def held_out(pairs: Mapping[str, Joined]) -> None:
    """Take out of train what is in dev or test of any pair, and count it.

    Parameters
    ----------
    pairs : mapping of str to Joined
        Those of one source language, by target language; they are changed.
    """
    scored = {x for one in pairs.values() for y in (DEV, TEST) for x in one.texts[y]}
    for one in pairs.values():
        for name in sorted(one.texts[TRAIN].keys() & scored):
            one.dropped[TRAIN][SCORED] += len(one.texts[TRAIN].pop(name))


def utterances(
    folder: Path,
    clips: Mapping[str, list[tuple[str, str]]],
    pairs: Mapping[str, Joined],
    *,
    language: str,
    split: str,
) -> Iterator[Utterance]:
    """Clips of a split with all their translations, without lengths.

    Parameters
    ----------
    folder : Path
        Of the source language.
    clips : mapping of str to list of (str, str)
        Sentence and speaker by name, of ``validated_clips``; gives the order.
    pairs : mapping of str to Joined
        By target language.
    language : str
        That is spoken.
    split : str
    """
    texts = {target: one.texts[split] for target, one in pairs.items()}
    for name, told in clips.items():
        found = {target: own[name] for target, own in texts.items() if name in own}
        number = 0
        for sentence, speaker in told if found else ():
            for index in range(max(map(len, found.values()))):
                number += 1
                yield Utterance(
                    id=Path(name).stem + (f"-{number}" if number > 1 else ""),
                    wav=str(folder / CLIPS / name),
                    duration=0.0,
                    spk_id=speaker,
                    language=language,
                    wrd=sentence,
                    translations={
                        target: own[index]
                        for target, own in found.items()
                        if index < len(own)
                    },
                )
