"""Multilingual LibriSpeech (MLS): one language, with few labels or with all.

The publisher's folder is read as it was unpacked: ``mls_french`` with FLAC files, or
``mls_french_opus``. English has 10.8 million lines of transcripts. They are read once,
as bytes, and only those that were asked for are kept; no folder of clips is listed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from xlsr_sb.data.corpus import Corpus
from xlsr_sb.data.measuring import measured
from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines
from xlsr_sb.manifest import Utterance

LANGUAGES = {
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pl": "polish",
    "pt": "portuguese",
}
FOLDS = tuple(f"1hr/{fold}" for fold in range(6))  # ten minutes each
TEN_MINUTES, FULL = "10min", "full"
LABELS = {  # parts of train/limited_supervision
    "10h": ("9hr", *FOLDS),
    "9h": ("9hr",),
    "1h": FOLDS,
    TEN_MINUTES: FOLDS,  # one of them
    FULL: (),
}
TRAIN = "train"
TRANSCRIPTS = "transcripts.txt"
SUFFIXES = (".flac", ".opus")
SHOWN = 10  # problems listed in an error


def prepare(
    data_folder: str | Path,
    *,
    language: str,
    labels: str = "10h",
    fold: int = 0,
    unreadable: str = "error",
    cache: str | Path | None = None,
) -> Corpus:
    """Utterances of one language, dev and test as they were published.

    Parameters
    ----------
    data_folder : str or Path
        Holds ``mls_<language>`` or ``mls_<language>_opus`` (if both, the first is
        read), or is that folder itself.
    language : str
        Code: de en es fr it nl pl pt.
    labels : str
        What is learnt from: ``10h`` (the nine hours and all ten-minute folds), ``9h``,
        ``1h`` (the six folds), ``10min`` (one of them), ``full``.
    fold : int
        Which ten minutes, 0 to 5.
    unreadable : str
        What becomes of recordings that are missing or damaged: ``error``, or
        ``count``; see ``measured``.
    cache : str or Path, optional
        File that remembers lengths, so that an interrupted preparation goes on.

    Raises
    ------
    InputError
        For a language or labels that are not there, and naming lines and handles that
        do not fit together.
    """
    folder = _language_folder(Path(data_folder), language)
    wanted = _handles(folder / TRAIN / "limited_supervision", labels, fold)
    splits, notes = {}, []
    for split in (TRAIN, "dev", "test"):
        is_train = split == TRAIN
        place = folder / split
        texts = _transcripts(place / TRANSCRIPTS, wanted if is_train else None)
        found = _utterances(place / "audio", texts, language=language)
        kept = [one for one in found if one.wrd or not is_train]
        splits[split], note = measured(
            kept,
            name=f"{language} {split}" + is_train * f" {labels}",
            is_scored=not is_train,
            unreadable=unreadable,
            cache=cache,
        )
        dropped = {"without text": len(found) - len(kept), **note.dropped}
        notes.append(replace(note, dropped=dropped))
    return Corpus(splits, notes)


def _language_folder(folder: Path, language: str) -> Path:
    """Folder of the language: inside the one that was given, or that itself."""
    there = [path.name for name in LANGUAGES.values() for path in _places(folder, name)]
    if language not in LANGUAGES:
        raise InputError(
            f"language {language!r} is not in MLS, which has {', '.join(LANGUAGES)}; "
            f"{folder} holds {', '.join(there) or 'none of them'}"
        )
    name = LANGUAGES[language]
    if found := _places(folder, name):
        return found[0]
    own = folder.absolute().name.removeprefix("mls_").removesuffix("_opus")
    is_other = own in LANGUAGES.values() and own != name
    if (folder / "test" / TRANSCRIPTS).is_file() and not is_other:
        return folder
    raise InputError(
        f"{folder}: data_folder must hold mls_{name} or mls_{name}_opus, or be that "
        f"folder; it holds {', '.join(there) or 'no language of MLS'}"
    )


def _places(folder: Path, name: str) -> list[Path]:
    """Folders of a language that are there, FLAC before Opus."""
    places = [folder / f"mls_{name}", folder / f"mls_{name}_opus"]
    return [place for place in places if place.is_dir()]


def _handles(folder: Path, labels: str, fold: int) -> set[bytes] | None:
    """Ids of the utterances to learn from; None for all."""
    if labels not in LABELS:
        raise InputError(f"labels must be one of {', '.join(LABELS)}, got {labels!r}")
    if fold not in range(len(FOLDS)):
        raise InputError(f"fold must be 0 to {len(FOLDS) - 1}, got {fold!r}")
    if fold and labels != TEN_MINUTES:
        raise InputError(f"fold {fold} is for labels 10min; {labels} has none")
    if labels == FULL:
        return None
    parts = (FOLDS[fold],) if labels == TEN_MINUTES else LABELS[labels]
    files = [folder / part / "handles.txt" for part in parts]
    lines = (line.strip() for file in files for line in read_lines(file))
    return {line.encode() for line in lines if line}


def _transcripts(path: Path, wanted: set[bytes] | None) -> dict[str, str]:
    """Texts by id, in the order of the file."""
    texts: dict[str, str] = {}
    problems = []
    for line, name, text in _lines(path, wanted):
        if text is None or not all(_parts(name)):
            problems.append(f"line {line}: {name[:60]!r} is not <id> TAB <text>")
        elif name in texts:
            problems.append(f"line {line}: {name} stands above already")
        else:
            texts[name] = text
    absent = {name.decode() for name in wanted or ()} - texts.keys()
    problems += [f"handle {name} has no transcript" for name in sorted(absent)]
    if not texts and not problems:
        problems.append("it is empty")
    if problems:
        raise InputError(_listed(path, problems))
    return texts


def _parts(name: str) -> tuple[str, str, str]:
    """Speaker, book and number of an id; empty where it has other parts."""
    parts = name.split("_")
    return tuple(parts) if len(parts) == 3 else ("", "", "")


def _utterances(
    folder: Path, texts: dict[str, str], *, language: str
) -> list[Utterance]:
    """Utterances of a split, without lengths."""
    stems = {}
    for name in texts:
        speaker, book, _ = _parts(name)
        stems[name] = f"{folder}/{speaker}/{book}/{name}"
    suffix = _suffix(stems.values())
    return [
        Utterance(
            id=name,
            wav=stem + suffix,
            duration=0.0,
            spk_id=_parts(name)[0],
            language=language,
            wrd=texts[name],
        )
        for name, stem in stems.items()
    ]


def _lines(
    path: Path, wanted: set[bytes] | None
) -> Iterator[tuple[int, str, str | None]]:
    """Number, id and text (None where there is no tab) of each line that is wanted."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                name, tab, text = line.partition(b"\t")
                if wanted is None:
                    name = name.strip()
                elif name not in wanted:
                    continue
                if name or tab:  # not a blank line
                    yield number, name.decode(), text.decode().strip() if tab else None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}, line {number}: not UTF-8 text: {error}") from error


def _suffix(stems: Iterable[str]) -> str:
    """Kind of the audio files: that of the first one that is there."""
    files = ((stem + suffix, suffix) for stem in stems for suffix in SUFFIXES)
    there = (suffix for file, suffix in files if Path(file).is_file())
    return next(there, SUFFIXES[0])


def _listed(path: Path, problems: Sequence[str]) -> str:
    """One message of several problems of a file."""
    more = len(problems) - SHOWN
    lines = [*problems[:SHOWN], *([f"... and {more} more"] if more > 0 else [])]
    advice = "the file is cut off or was changed; unpack it again"
    return "\n  ".join([f"{path}:", *lines, advice])
