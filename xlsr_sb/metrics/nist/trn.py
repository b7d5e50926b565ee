"""``trn`` files: a line an utterance, its text and its name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic, read_lines
from xlsr_sb.metrics.counts import split_units
from xlsr_sb.metrics.nist.escaping import escape, unescape

_LINE = re.compile(r"(?P<text>.*)\((?P<id>[^()]*)\)\s*", re.DOTALL)


@dataclass(frozen=True)
class Transcription:
    """One line of a ``trn`` file.

    Parameters
    ----------
    id : str
        Unique among those of its speaker.
    text : str
        Words with spaces between them; empty where nothing was said or recognised.
    speaker : str
        Empty where unknown.
    """

    id: str
    text: str
    speaker: str = ""


def write_trn(
    path: str | Path, transcriptions: Iterable[Transcription], *, metric: str = "WER"
) -> None:
    """Write texts with the names of their speakers and utterances.

    Parameters
    ----------
    path : path
    transcriptions : iterable of Transcription
        References or hypotheses; ``sclite`` matches them by speaker and id.
    metric : str
        What ``sclite`` is to count as words. ``CER``: each character is one, and the
        spaces inside a text are written ``%20``; its own option ``-c`` would leave
        spaces out.

    Raises
    ------
    InputError
        When two utterances of a speaker have the same id, or the file cannot be
        written.

    Example
    -------
    >>> path = getfixture("tmp_path") / "ref.trn"
    >>> texts = [Transcription("1", "oui {non}", "anne-b"), Transcription("2", "")]
    >>> write_trn(path, texts)
    >>> print(path.read_text(), end="")
    oui %7Bnon%7D (anne%2Db-1)
    (-2)
    """
    transcriptions = list(transcriptions)
    names = [_name(one) for one in transcriptions]
    if twice := len(names) - len(set(names)):
        known: set[str] = set()
        first = next(x for x in names if x in known or known.add(x))
        raise InputError(
            f"{path}: {twice} utterances have the id of another one of their speaker, "
            f"the first is ({first}); scoring needs an id for each"
        )
    units = split_units(metric, [one.text for one in transcriptions])
    with open_atomic(path) as file:
        for words, name in zip(units, names, strict=True):
            print(*map(escape, words), f"({name})", file=file)


def _name(one: Transcription) -> str:
    """Id of a line: up to its first hyphen it is the speaker's."""
    speaker = escape(one.speaker).replace("-", "%2D")
    return f"{speaker}-{escape(one.id)}"


def read_trn(path: str | Path) -> list[Transcription]:
    """Lines of a ``trn`` file, of ours or of another tool.

    Speakers end at the first hyphen of an id, or if it has none, at the first ``_``, as
    for ``sclite -i spu_id``; in an id without either, no speaker is named.

    Raises
    ------
    InputError
        When the file cannot be read, a line has no id or that of an earlier line, or
        holds alternatives or ``@``, which only ``sclite`` can score.

    Example
    -------
    >>> path = getfixture("tmp_path") / "ref.trn"
    >>> write_trn(path, [Transcription("1", "oui {non}", "anne-b")])
    >>> read_trn(path)
    [Transcription(id='1', text='oui {non}', speaker='anne-b')]
    """
    found: dict[tuple[str, str], Transcription] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.startswith(";;"):
            continue
        one = _transcription(line, f"{path}, line {number}")
        if found.setdefault((one.speaker, one.id), one) is not one:
            raise InputError(
                f"{path}, line {number}: a line before has the same id; each utterance "
                "needs its own"
            )
    return list(found.values())


def _transcription(line: str, place: str) -> Transcription:
    """Content of one line; errors name the ``place`` it stands at."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise InputError(
            f"{place}: {line.strip()[:80]!r} does not end in an id in parentheses, as "
            "in `a text (speaker-1)`"
        )
    words = re.findall(r"[^ \t\n\v\f\r]+", match["text"])
    if any(word == "@" or "{" in word for word in words):
        raise InputError(
            f"{place}: {' '.join(words)[:80]!r} holds alternatives ({{ a / b }} or @); "
            "score this file with sclite, or keep one alternative of each"
        )
    separator = "-" if "-" in match["id"] else "_"
    speaker, found, name = match["id"].partition(separator)
    if not found:
        speaker, name = "", match["id"]
    return Transcription(unescape(name), unescape(" ".join(words)), unescape(speaker))
