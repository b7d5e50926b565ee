"""Utterances to CSV."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.manifest.checking import check_manifest
from xlsr_sb.manifest.utterance import COLUMNS, CORPUS, TRANSLATION, Utterance


def write_manifest(path: str | Path, utterances: Sequence[Utterance]) -> None:
    """Check the utterances and write them as CSV, all of them or none.

    Audio paths are written as absolute paths, so that the manifest may stand
    anywhere.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.csv"
    >>> write_manifest(path, [Utterance("a", "/audio/a.wav", 2.0, language="fr")])
    >>> print(path.read_text(), end="")
    ID,duration,wav,start,stop,spk_id,language,wrd
    a,2.0,/audio/a.wav,,,,fr,
    """
    check_manifest(utterances, source=path)
    whole = (replace(one, wav=os.path.abspath(one.wav)) for one in utterances)
    with open_atomic(path) as file:
        write_rows(file, whole, extras=extra_columns(utterances))


def extra_columns(utterances: Iterable[Utterance]) -> list[str]:
    """Columns that only some manifests need: a corpus, translations.

    Example
    -------
    >>> extra_columns([Utterance("a", "a.wav", 2.0, translations={"en": "yes"})])
    ['translation_en']
    """
    names = {TRANSLATION + code for one in utterances for code in one.translations}
    return [CORPUS] * any(one.corpus for one in utterances) + sorted(names)


def write_rows(
    file: TextIO, utterances: Iterable[Utterance], *, extras: Sequence[str]
) -> None:
    """Write utterances as they are, unchecked, under a line of column names.

    Parameters
    ----------
    file : text file
    utterances : iterable of Utterance
    extras : sequence of str
        Of ``extra_columns``.

    Example
    -------
    >>> import sys
    >>> write_rows(sys.stdout, [Utterance("a", "a.wav", 2.0)], extras=["corpus"])
    ID,duration,wav,start,stop,spk_id,language,wrd,corpus
    a,2.0,a.wav,,,,,,
    """
    writer = csv_writer(file)
    writer.writerow([*COLUMNS, *extras])
    writer.writerows(_cells(one, extras) for one in utterances)


def _cells(one: Utterance, extras: Iterable[str]) -> list[str]:
    """Turn an utterance into the cells of its row."""
    bounds = ["" if bound is None else str(bound) for bound in (one.start, one.stop)]
    known = {TRANSLATION + code: text for code, text in one.translations.items()}
    known[CORPUS] = one.corpus
    return [
        one.id,
        repr(float(one.duration)),
        one.wav,
        *bounds,
        one.spk_id,
        one.language,
        one.wrd,
        *(known.get(name, "") for name in extras),
    ]
