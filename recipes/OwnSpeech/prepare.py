"""Your own recordings, listed in a CSV file with the columns ``wav`` and ``text``.

For pretraining no text is needed. Further columns are read if they are there: ``ID``,
``language``, ``corpus``, ``spk_id``, and ``start`` and ``stop`` (samples of the file)
for pieces of long recordings. Paths are relative to the CSV file's folder.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from xlsr_sb.data.audio import probe_audio
from xlsr_sb.data.corpus import Corpus, Note
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_rows
from xlsr_sb.lengths import RECEPTIVE_FIELD, SAMPLE_RATE
from xlsr_sb.manifest import Utterance, check_manifest

TEXT_COLUMNS = ("text", "wrd", "sentence", "transcript")
SHORTEST = RECEPTIVE_FIELD / SAMPLE_RATE  # seconds; the encoder makes no frame of less
SHOWN = 10  # problems listed in an error


def prepare(
    csv: str,
    *,
    dev_csv: str | None = None,
    test_csv: str | None = None,
    language: str = "",
    skip_bad: bool = False,
    unlabelled: bool = False,
) -> Corpus:
    """Utterances of one, two or three CSV files.

    Parameters
    ----------
    csv : str
        The list of recordings.
    dev_csv, test_csv : str, optional
        Lists for development and test. Without one, about a tenth of ``csv`` stands in
        for it: whole speakers if ``spk_id`` is given, else whole recordings.
    language : str
        Code of the language, for rows without a ``language`` of their own.
    skip_bad : bool
        Leave out recordings that cannot be read, and count them, instead of stopping.
    unlabelled : bool
        For pretraining: texts are not read, and there is a test set only if it is
        given.

    Raises
    ------
    InputError
        With file, line and value of each of the first problems.
    """
    given = {"train": csv, "dev": dev_csv, "test": test_csv}
    if unlabelled and test_csv is None:
        del given["test"]
    splits: dict[str, list[Utterance]] = {name: [] for name in given}
    notes = []
    for name, path in given.items():
        if path is None:
            continue
        utterances, problems = _read(Path(path), language, has_text=not unlabelled)
        if problems and not skip_bad:
            raise InputError(_listed(problems))
        seconds = sum(one.duration for one in utterances)
        dropped = {"that cannot be read": len(problems)}
        notes.append(Note(Path(path).name, len(utterances), seconds, dropped))
        splits[name] = utterances
    _fill(splits, [name for name, path in given.items() if path is None])
    for name, utterances in splits.items():
        check_manifest(utterances, source=f"{csv} ({name})")
    return Corpus(splits, notes)


def _read(
    path: Path, language: str, *, has_text: bool
) -> tuple[list[Utterance], list[str]]:
    """Utterances of a CSV file, and what is wrong with the other rows."""
    rows = list(read_rows(path, required=["wav"]))
    if not rows:
        raise InputError(f"{path} is empty; it must list at least one recording")
    column = _text_column(path, rows[0][1]) if has_text else ""
    utterances, problems = {}, []
    for line, row in tqdm(rows, unit="clip"):
        try:
            text = row.get(column, "")
            one = _utterance(path, line, row, language=language, text=text)
            if one.id in utterances:
                raise InputError(f"the ID {one.id!r} stands above already")
            utterances[one.id] = one
        except InputError as error:  # noqa: PERF203 - each bad row is to be named
            problems.append(f"{path}, line {line}: {error}")
    return list(utterances.values()), problems


def _text_column(path: Path, row: dict) -> str:
    """Name of the column with the transcripts."""
    for name in TEXT_COLUMNS:
        if name in row:
            return name
    raise InputError(
        f"{path}, line 1: no column for the text; call it one of {TEXT_COLUMNS}"
    )


def _utterance(
    path: Path, line: int, row: dict, *, language: str, text: str
) -> Utterance:
    """One row, with the length read from the recording."""
    if not row["wav"].strip():
        raise InputError("the column wav is empty")
    wav = path.parent.resolve() / row["wav"].strip()
    info = probe_audio(wav)
    start, stop = _bound(row, "start"), _bound(row, "stop")
    if not (start or 0) < (stop or info.num_samples) <= info.num_samples:
        raise InputError(f"start {start}, stop {stop}: {wav} has {info.num_samples}")
    duration = ((stop or info.num_samples) - (start or 0)) / info.sample_rate
    if duration < SHORTEST:
        raise InputError(f"{wav}: {duration:.4f} s; at least {SHORTEST} s are needed")
    return Utterance(
        id=row.get("ID") or f"{path.stem}-{line:06d}",
        wav=str(wav),
        duration=duration,
        start=start,
        stop=stop,
        spk_id=row.get("spk_id", ""),
        language=row.get("language") or language,
        wrd=text,
        corpus=row.get("corpus", ""),
    )


def _bound(row: dict, name: str) -> int | None:
    """Start or stop of a piece, in samples."""
    value = row.get(name, "").strip()
    if not value:
        return None
    if not value.isdigit():
        raise InputError(f"{name} is {value!r}; it must be a number of samples")
    return int(value)


def _fill(splits: dict[str, list[Utterance]], missing: list[str]) -> None:
    """Move about a tenth of the training recordings into each missing split."""
    if not missing:
        return
    group = _grouping(splits["train"])
    members: dict[str, list[Utterance]] = {}
    for one in splits["train"]:
        members.setdefault(group(one), []).append(one)
    if len(members) <= len(missing):
        raise InputError(
            f"{len(members)} recordings or speakers are too few to split off "
            f"{' and '.join(missing)}; give {' and '.join(f'{x}_csv' for x in missing)}"
        )
    order = sorted(members, key=lambda name: hashlib.sha256(name.encode()).digest())
    share = max(1, len(order) // 10)
    for name in missing:
        taken, order = order[:share], order[share:]
        splits[name] = [one for key in taken for one in members[key]]
    splits["train"] = [one for key in order for one in members[key]]


def _grouping(utterances: list[Utterance]) -> Callable[[Utterance], str]:
    """What must not be in two splits: a speaker where known, else a recording."""
    if len({one.spk_id for one in utterances}) > 2:
        return lambda one: one.spk_id
    return lambda one: one.wav


def _listed(problems: list[str]) -> str:
    """One message of several problems."""
    more = len(problems) - SHOWN
    lines = problems[:SHOWN] + ([f"... and {more} more"] if more > 0 else [])
    advice = "mend these rows, or leave them out with --skip_bad True"
    return "\n  ".join([f"{len(problems)} rows cannot be used:", *lines, advice])
