"""Real speech from Debian packages: fetch, decode, clean, split.

python prepare.py FOLDER [--languages fr,it] [--sources prompts,dialogues,stamps]
                         [--debs FOLDER_OF_DEBS] [--synthetic]
python prepare.py FOLDER --pairs x_en    # with translations into English
python prepare.py FOLDER --unlabelled    # all that can be heard, for pretraining
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

from xlsr_sb.data.corpus import Corpus
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import write_manifest

TRANSCRIBED = {source.NAME: source for source in (prompts, dialogues, stamps)}
HEARD = {x.NAME: x for x in (letters, syllables, shouts, adventure)}  # and no text
DEFAULT = ("prompts",)  # of the sources with text


def prepare(
    folder: str | Path,
    *,
    languages: Sequence[str] | str | None = None,
    sources: Sequence[str] | str | None = None,
    debs: str | Path | None = None,
    synthetic: bool = False,
    unlabelled: bool = False,
    pairs: Sequence[str] | str | None = None,
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
        ``unlabelled`` all of these by default, and four without texts: ``letters``
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

    Returns
    -------
    Corpus
        Splits ``train``, ``dev``, ``test``, and a note for each source and language,
        or for each pair and split.
    """
    folder = Path(folder)
    languages = _names(languages)
    chosen = _chosen(sources, unlabelled=unlabelled, is_paired=pairs is not None)
    debs = None if debs is None else Path(debs)
    wanted = None
    if pairs is not None:
        if languages or unlabelled:
            raise InputError(
                "pairs: they say which languages there are, and need their texts; "
                "leave out languages and unlabelled"
            )
        spoken = corpus.spoken(chosen, synthetic_speech=synthetic)
        wanted = translation.chosen_pairs(pairs, spoken)
        languages = sorted({source for source, _ in wanted})
    try:
        if synthetic:
            made = corpus.build_synthetic(
                folder, chosen, languages=languages, unlabelled=unlabelled
            )
        else:
            made = corpus.build(
                folder, chosen, languages=languages, debs=debs, unlabelled=unlabelled
            )
        return made if wanted is None else translation.translated(made, wanted)
    except OSError as error:  # a full disk, a folder that may not be written
        raise InputError(
            f"{folder}: {error}; run again when that is mended, what is done is kept"
        ) from error


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
            "for all audio (unlabelled, --unlabelled)"
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
    sources += f"also {', '.join(HEARD)} (default: all)"
    parser.add_argument("--sources", help=sources)
    parser.add_argument("--pairs", help="for translation: x_en, en_x, or es_en,fr_en")
    parser.add_argument("--debs", type=Path, help="folder of downloaded packages")
    parser.add_argument("--synthetic", action="store_true", help="eSpeak NG instead")
    parser.add_argument(
        "--unlabelled", action="store_true", help="all audio, for pretraining"
    )
    return parser.parse_args()


def main() -> None:
    """Write ``manifests/{train,dev,test}.csv`` and print what became of the clips."""
    options = _arguments()
    made = prepare(
        options.folder,
        languages=options.languages,
        sources=options.sources,
        debs=options.debs,
        synthetic=options.synthetic,
        unlabelled=options.unlabelled,
        pairs=options.pairs,
    )
    print(made.table())
    for name, utterances in made.splits.items():
        path = options.folder / "manifests" / f"{name}.csv"
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
