"""VoxPopuli's transcribed speech: one language, as ``voxpopuli.get_asr_data`` cut it.

Its tables are joined with tabs and quote nothing: a quotation mark is a character like
any other, and a line break in a text goes on in the next line of the file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from xlsr_sb.data.corpus import Corpus
from xlsr_sb.data.measuring import measured
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines
from xlsr_sb.manifest import Utterance

LANGUAGES = (  # the paper has no results for the last two
    *("en", "de", "it", "fr", "es", "pl", "ro", "hu", "nl", "cs", "sl", "fi", "hr"),
    *("sk", "et", "lt"),
)
ACCENTED = "en_accented"  # English with fifteen accents: a test set only
TRAIN = "train"
ID, TEXT, SPEAKER = COLUMNS = ("id", "normalized_text", "speaker_id")
SHOWN = 10  # problems listed in an error


def prepare(
    data_folder: str | Path,
    *,
    language: str,
    accented: bool = False,
    unreadable: str = "error",
    cache: str | Path | None = None,
) -> Corpus:
    """Utterances of one language, dev and test as they were published.

    Parameters
    ----------
    data_folder : str or Path
        The publisher's ``ROOT``: holds ``transcribed_data/<language>``.
    language : str
        Code: en de it fr es pl ro hu nl cs sl fi hr sk, or et lt.
    accented : bool
        Add the test set ``test_accented`` of English, from
        ``transcribed_data/en_accented``.
    unreadable : str
        What becomes of recordings that are missing or damaged: ``error``, or
        ``count``; see ``measured``.
    cache : str or Path, optional
        File that remembers lengths, so that an interrupted preparation goes on.

    Raises
    ------
    InputError
        For a language that is not there, and naming the lines that are no rows.
    """
    folder = Path(data_folder) / "transcribed_data"
    _check_language(folder, language)
    tables = {
        split: folder / language / f"asr_{split}.tsv"
        for split in (TRAIN, "dev", "test")
    }
    if accented:
        if language != "en":
            raise InputError(f"accented: there is such a set of en, not of {language}")
        tables["test_accented"] = folder / ACCENTED / "asr_test.tsv"
    splits, notes = {}, []
    for split, table in tables.items():
        is_train = split == TRAIN
        found = _utterances(table, language)
        kept = [one for one in found if one.wrd or not is_train]
        splits[split], note = measured(
            kept,
            name=f"{language} {split}",
            is_scored=not is_train,
            unreadable=unreadable,
            cache=cache,
        )
        dropped = {"without text": len(found) - len(kept), **note.dropped}
        notes.append(replace(note, dropped=dropped))
    return Corpus(splits, notes)


def _check_language(folder: Path, language: str) -> None:
    """Raise unless the language is in the corpus and on disk."""
    there = [code for code in LANGUAGES if (folder / code).is_dir()]
    if language not in LANGUAGES:
        raise InputError(
            f"language {language!r} is not in VoxPopuli's transcribed speech, which "
            f"has {', '.join(LANGUAGES)}; {folder} holds {', '.join(there) or 'none'}"
        )
    if language not in there:
        raise InputError(
            f"{folder} holds {', '.join(there) or 'no language of VoxPopuli'}, not "
            f"{language}; data_folder must be the --root of voxpopuli.get_asr_data, "
            f"and `--lang {language}` of it makes that folder"
        )


def _utterances(table: Path, language: str) -> list[Utterance]:
    """Utterances of a table in its order, without lengths."""
    found: dict[str, Utterance] = {}
    problems = []
    for line, row in _rows(table):
        if row is None or not row[ID]:
            problems.append(f"line {line} is no row of the table")
        elif row[ID] in found:
            problems.append(f"line {line}: {row[ID]} stands above already")
        else:
            name = row[ID]
            found[name] = Utterance(
                id=name,
                wav=str(table.parent / name[:4] / f"{name}.ogg"),
                duration=0.0,
                spk_id=row[SPEAKER],
                language=language,
                wrd=row[TEXT],
            )
    if not found and not problems:
        problems.append("there are no rows")
    if problems:
        raise InputError(_listed(table, problems))
    return list(found.values())


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str] | None]]:
    """Number of the first line and cells by column of each row; None for no row."""
    lines = enumerate(read_lines(table), start=1)
    _, header = next(lines, (1, ""))
    columns = header.strip().split("\t")
    if missing := [name for name in COLUMNS if name not in columns]:
        raise InputError(
            f"{table}, line 1: there is no column {', '.join(missing)}; there must be "
            f"{', '.join(COLUMNS)}, with tabs between, and there are {columns}"
        )
    for number, line in lines:
        if not line.strip():
            continue
        cells = _cells(line)
        while len(cells) < len(columns) and (more := next(lines, None)):
            first, *others = _cells(more[1])
            cells = [*cells[:-1], f"{cells[-1]} {first}", *others]
        is_row = len(cells) == len(columns)
        cells = (cell.strip() for cell in cells)
        yield number, dict(zip(columns, cells, strict=True)) if is_row else None


def _cells(line: str) -> list[str]:
    """Cells of a line, as they stand there."""
    return line.rstrip("\r\n").split("\t")


def _listed(table: Path, problems: Sequence[str]) -> str:
    """One message of several problems of a table."""
    more = len(problems) - SHOWN
    lines = [*problems[:SHOWN], *([f"... and {more} more"] if more > 0 else [])]
    advice = "mend these lines, or let voxpopuli.get_asr_data make the table again"
    return "\n  ".join([f"{table}:", *lines, advice])
