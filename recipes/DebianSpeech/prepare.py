"""Real speech from Debian packages: fetch, decode, clean, split.

python prepare.py FOLDER [--languages fr,it] [--sources prompts,dialogues,stamps]
                         [--debs FOLDER_OF_DEBS] [--synthetic]
python prepare.py FOLDER --pairs x_en    # with translations into English
python prepare.py FOLDER --unlabelled    # all that can be heard, for pretraining
python prepare.py FOLDER --classes language    # or speaker, to tell them apart
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from debian_speech import (
    adventure,
    corpus,
    dialogues,
    letters,
    prompts,
    shouts,
    stamps,
    syllables,
    translation,
)
from debian_speech.classes import KINDS, LANGUAGE, SPEAKER
from debian_speech.languages import arranged as by_language
from debian_speech.languages import chosen_languages
from debian_speech.speakers import VERIFICATION
from debian_speech.speakers import arranged as by_speaker
from debian_speech.trials import write_trials

from xlsr_sb.data.corpus import Corpus
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import write_manifest

TRANSCRIBED = {source.NAME: source for source in (prompts, dialogues, stamps)}
HEARD = {x.NAME: x for x in (letters, syllables, shouts, adventure)}  # and no text
DEFAULT = ("prompts",)  # of the sources with text
PAIRS_ALONE = (
    "pairs: they say which languages there are, and need their texts; leave out "
    "languages and unlabelled"
)
GO_ON = "run again when that is mended, what is done is kept"


def prepare(  # noqa: PLR0913 - each is an option of a leaf
    folder: str | Path,
    *,
    languages: Sequence[str] | str | None = None,
    sources: Sequence[str] | str | None = None,
    debs: str | Path | None = None,
    synthetic: bool = False,
    unlabelled: bool = False,
    pairs: Sequence[str] | str | None = None,
    classes: str | None = None,
    trials_folder: str | Path | None = None,
) -> Corpus:
    """Transcribed speech with translations, split by sentence, or all speech.

    Parameters
    ----------
    folder : str or Path
        Takes the packages and the audio; a second run only does what is missing.
    languages : sequence of str, or str with commas, optional
        Codes of the languages; by default all that the sources have.
    sources : sequence of str, or str with commas, optional
        ``prompts`` (telephone, five languages; the default), ``dialogues`` (a game,
        Czech and Dutch), ``stamps`` (names of pictures, eleven languages). With
        ``unlabelled`` or ``classes`` all of these, and four without texts: ``letters``
        (nineteen languages), ``syllables`` (Mandarin), ``shouts`` (a game, five
        languages), ``adventure`` (a game, English).
    debs : str or Path, optional
        Folder with the ``.deb`` files, instead of fetching them with apt-get.
    synthetic : bool
        Make speech with eSpeak NG instead, where there is no apt-get.
    unlabelled : bool
        For pretraining: no texts, and in ``train`` all audio whatever is known of its
        text, but nothing of ``dev`` and ``test``, which stay those of the transcribed
        speech (and are empty where none was chosen).
    pairs : sequence of str, or str with commas, optional
        For translation, instead of ``languages``: ``es_en``, from Spanish speech into
        English text; ``x_en``, all languages into English; ``en_x``, English into it
        ru fr es. All sources by default. Clips with such texts only, each in its
        split, and only these texts.
    classes : str, optional
        To tell apart, without texts. ``language``: each is learnt from some sources;
        ``test`` has these, ``test_unseen`` others. ``speaker``: all that have enough
        clips; ``verification`` has others, for trials.
    trials_folder : str or Path, optional
        Takes the list of trials, ``unseen.txt``; needed for speakers.

    Returns
    -------
    Corpus
        Splits ``train``, ``dev``, ``test``, and a note for each source and language,
        or for each pair and split.
    """
    folder = Path(folder)
    languages = _names(languages)
    _check(classes, trials_folder, others=unlabelled or pairs is not None)
    wide = unlabelled or classes is not None
    chosen = _chosen(sources, unlabelled=wide, is_paired=pairs is not None)
    if classes == LANGUAGE and not synthetic:
        languages = chosen_languages(languages, chosen)
    wanted = None
    if pairs is not None:
        if languages or unlabelled:
            raise InputError(PAIRS_ALONE)
        spoken = corpus.spoken(chosen, synthetic_speech=synthetic)
        wanted = translation.chosen_pairs(pairs, spoken)
        languages = sorted({source for source, _ in wanted})
    arrange = {LANGUAGE: by_language, SPEAKER: by_speaker}.get(classes)
    options = {"languages": languages, "unlabelled": unlabelled, "arrange": arrange}
    try:
        if synthetic:
            made = corpus.build_synthetic(folder, chosen, **options)
        else:
            debs = None if debs is None else Path(debs)
            made = corpus.build(folder, chosen, debs=debs, **options)
        if classes == SPEAKER:
            write_trials(made.splits[VERIFICATION], Path(trials_folder))
        return made if wanted is None else translation.translated(made, wanted)
    except OSError as error:  # a full disk, a folder that may not be written
        raise InputError(f"{folder}: {error}; {GO_ON}") from error


def _check(
    classes: str | None, trials_folder: str | Path | None, *, others: bool
) -> None:
    """Raise if options of classes do not fit together."""
    if classes is None:
        if trials_folder is not None:
            raise InputError("trials_folder: there are trials of classes: speaker only")
        return
    if classes not in KINDS:
        raise InputError(f"classes must be one of {', '.join(KINDS)}, got {classes!r}")
    if others:
        raise InputError(
            f"classes: {classes} has splits of its own; leave out unlabelled and pairs"
        )
    if (classes == SPEAKER) != (trials_folder is not None):
        raise InputError(
            "trials_folder: speakers need one, for the list of trials; languages have "
            f"none; got classes {classes}, trials_folder {trials_folder}"
        )


def _chosen(
    sources: Sequence[str] | str | None, *, unlabelled: bool, is_paired: bool
) -> dict:
    """Modules of the sources by name, in an order of their own."""
    known = {**TRANSCRIBED, **HEARD} if unlabelled else TRANSCRIBED
    wide = unlabelled or is_paired or sources is not None
    default = known if wide else DEFAULT
    names = _names(sources) or default
    if without_text := sorted(set(names) & set(HEARD) - set(known)):
        raise InputError(
            f"sources: {', '.join(without_text)} have no text; leave them out, or ask "
            "for all audio (unlabelled, --unlabelled) or for classes"
        )
    if unknown := sorted(set(names) - set(known)):
        raise InputError(
            f"sources: no {', '.join(unknown)}; there are {', '.join(known)}"
        )
    return {name: source for name, source in known.items() if name in names}


def _names(value: Sequence[str] | str | None) -> list[str] | None:
    """Names of a list, which may be written with commas; None if there are none."""
    names = value.split(",") if isinstance(value, str) else list(value or ())
    return [name.strip() for name in names if name.strip()] or None


def _arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="takes packages, audio, manifests")
    parser.add_argument("--languages", help="codes with commas between (default: all)")
    sources = f"{', '.join(TRANSCRIBED)} (default: {DEFAULT[0]}); unlabelled, "
    sources += f"classes: also {', '.join(HEARD)} (default: all)"
    parser.add_argument("--sources", help=sources)
    parser.add_argument("--pairs", help="for translation: x_en, en_x, or es_en,fr_en")
    parser.add_argument("--debs", type=Path, help="folder of downloaded packages")
    parser.add_argument("--synthetic", action="store_true", help="eSpeak NG instead")
    parser.add_argument(
        "--unlabelled", action="store_true", help="all audio, for pretraining"
    )
    parser.add_argument("--classes", help=f"to tell apart: {', '.join(KINDS)}")
    return parser.parse_args()


def main() -> None:
    """Write the manifests and print what became of the clips."""
    options = _arguments()
    manifests = options.folder / "manifests"
    made = prepare(
        options.folder,
        languages=options.languages,
        sources=options.sources,
        debs=options.debs,
        synthetic=options.synthetic,
        unlabelled=options.unlabelled,
        pairs=options.pairs,
        classes=options.classes,
        trials_folder=manifests if options.classes == SPEAKER else None,
    )
    print(made.table())
    for name, utterances in made.splits.items():
        path = manifests / f"{name}.csv"
        if options.unlabelled and not utterances:
            path.unlink(missing_ok=True)  # it would be that of another run
            print(f"{path}: nothing of it in these sources and languages")
            continue
        write_manifest(path, utterances)
        minutes = sum(one.duration for one in utterances) / 60
        print(f"{path}: {len(utterances)} utterances, {minutes:.1f} minutes")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
