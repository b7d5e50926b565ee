"""From the files of the packages to utterances by split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from debian_speech import (
    audio,
    cleaning,
    deb,
    packages,
    pretraining,
    splitting,
    synthetic,
)
from debian_speech.cleaning import Pair, Tally
from debian_speech.clip import Clip, Reading
from xlsr_sb.data.corpus import Corpus
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

Splits = dict[str, list[Pair]]
Tallies = dict[str, Tally]
Arrange = Callable[[Splits, Tallies], tuple[Splits, Tallies]]


def build(
    folder: Path,
    chosen: Mapping,
    *,
    languages: Sequence[str] | None,
    debs: Path | None,
    unlabelled: bool = False,
    arrange: Arrange | None = None,
) -> Corpus:
    """Fetch, unpack, decode, clean and split.

    Parameters
    ----------
    folder : Path
        Takes ``packages/``, ``unpacked/`` and ``audio/``.
    chosen : mapping of str to source
        Name to a module with ``LANGUAGES``, ``packages`` and ``read``.
    languages : sequence of str, optional
        Codes; all of the sources by default.
    debs : Path, optional
        Folder of packages to take instead of fetching them.
    unlabelled : bool
        All audio but that of dev and test in train, without texts.
    arrange : callable, optional
        Makes other splits of the unlabelled ones: those of languages or speakers.
    """
    spoken = _languages(chosen, languages)
    wanted = {}
    for name, source in chosen.items():
        wanted |= source.packages(spoken[name])
    if debs is None:
        files = packages.fetch(wanted, folder / "packages")
    else:
        files = packages.find(wanted, debs)
    unpacked = folder / "unpacked"
    unpacked.mkdir(parents=True, exist_ok=True)
    new = [files[name] for name in wanted if not (unpacked / name).is_dir()]
    size = sum(file.stat().st_size for file in new)
    packages.check_room(unpacked, packages.ROOM * size)
    roots = {
        name: deb.unpack(files[name], needed, unpacked / name)
        for name, needed in wanted.items()
    }
    readings = {
        name: source.read(roots, spoken[name]) for name, source in chosen.items()
    }
    return _corpus(readings, folder / "audio", unlabelled=unlabelled, arrange=arrange)


def build_synthetic(
    folder: Path,
    chosen: Mapping,
    *,
    languages: Sequence[str] | None,
    unlabelled: bool = False,
    arrange: Arrange | None = None,
) -> Corpus:
    """The same from synthetic speech, in the languages of the sources that it has."""
    known = {synthetic.NAME: synthetic}
    if languages is None:
        of_sources = {code for source in chosen.values() for code in source.LANGUAGES}
        languages = sorted(of_sources & set(synthetic.LANGUAGES))
    spoken = _languages(known, languages)[synthetic.NAME]
    reading = synthetic.read(folder / "unpacked" / synthetic.NAME, spoken)
    readings = {synthetic.NAME: reading}
    return _corpus(readings, folder / "audio", unlabelled=unlabelled, arrange=arrange)


def spoken(chosen: Mapping, *, synthetic_speech: bool) -> set[str]:
    """Languages that there is speech in."""
    if synthetic_speech:
        return set(synthetic.LANGUAGES)
    return {code for source in chosen.values() for code in source.LANGUAGES}


def _corpus(
    readings: Mapping[str, Reading],
    folder: Path,
    *,
    unlabelled: bool,
    arrange: Arrange | None,
) -> Corpus:
    """Decode under ``folder``, clean and split what the sources hold."""
    clips = [clip for reading in readings.values() for clip in reading.clips]
    pairs = list(zip(clips, audio.decode_all(clips, folder), strict=True))
    splits, tallies = _transcribed(pairs, readings)
    if is_heard := unlabelled or arrange is not None:
        splits, tallies = pretraining.widen(pairs, splits)
    if arrange is not None:
        splits, tallies = arrange(splits, tallies)
    record = _heard if is_heard else _utterance
    return Corpus(
        {name: [record(*pair) for pair in split] for name, split in splits.items()},
        cleaning.notes(tallies),
    )


def _transcribed(
    pairs: Sequence[Pair], readings: Mapping[str, Reading]
) -> tuple[Splits, Tallies]:
    """Clips with a text that can be trusted by split, and what was dropped."""
    tallies = {clip.group: Tally() for clip, _ in pairs}
    kept = cleaning.sift(pairs, tallies, judges=cleaning.TRANSCRIBED)
    split_of = {
        (name, unit): split
        for name, reading in readings.items()
        for unit, split in splitting.split_units(
            reading.units, joins_sentences=reading.joins_sentences, salt=name
        ).items()
    }
    by_split: dict[str, list[Clip]] = {"train": [], "dev": [], "test": []}
    for clip, _ in kept:
        by_split[split_of[clip.source, clip.unit]].append(clip)
    left_out = splitting.leaks(by_split)
    splits: Splits = {name: [] for name in by_split}
    for clip, sound in kept:
        if clip.id in left_out:
            tallies[clip.group].drop(splitting.LEAK)
            continue
        tallies[clip.group].keep(sound.seconds)
        splits[split_of[clip.source, clip.unit]].append((clip, sound))
    return splits, tallies


def _utterance(clip: Clip, sound: audio.Sound) -> Utterance:
    """Record of a manifest."""
    return Utterance(
        id=clip.id,
        wav=str(sound.path.resolve()),
        duration=sound.seconds,
        spk_id=clip.speaker,
        language=clip.language,
        wrd=clip.text,
        translations=clip.translations,
    )


def _heard(clip: Clip, sound: audio.Sound) -> Utterance:
    """Record of a manifest that says nothing of what is said."""
    told = _utterance(clip, sound)
    return replace(told, wrd="", translations={}, corpus=clip.source)


def _languages(
    chosen: Mapping, languages: Sequence[str] | None
) -> dict[str, list[str]]:
    """Languages to read of each source."""
    known = sorted({code for source in chosen.values() for code in source.LANGUAGES})
    if unknown := sorted(set(languages or ()) - set(known)):
        raise InputError(
            f"languages: {', '.join(chosen)} have no {', '.join(unknown)}; "
            f"they have {', '.join(known)}"
        )
    return {
        name: [x for x in source.LANGUAGES if languages is None or x in languages]
        for name, source in chosen.items()
    }
