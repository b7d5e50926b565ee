"""Real speech from Debian packages: fetch, decode, clean, split.

python prepare.py FOLDER [--languages fr,it] [--sources prompts,dialogues,stamps]
                         [--debs FOLDER_OF_DEBS] [--synthetic]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from debian_speech import corpus, dialogues, prompts, stamps

from xlsr_sb.data.corpus import Corpus
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import write_manifest

SOURCES = {source.NAME: source for source in (prompts, dialogues, stamps)}


def prepare(
    folder: str | Path,
    *,
    languages: Sequence[str] | str | None = None,
    sources: Sequence[str] | str = ("prompts",),
    debs: str | Path | None = None,
    synthetic: bool = False,
) -> Corpus:
    """Transcribed speech with translations, split by sentence.

    Parameters
    ----------
    folder : str or Path
        Takes the packages and the audio; a second run only does what is missing.
    languages : sequence of str, or str with commas, optional
        Codes of the languages; by default all that the sources have.
    sources : sequence of str, or str with commas
        ``prompts`` (telephone, five languages), ``dialogues`` (a game, Czech and
        Dutch), ``stamps`` (names of pictures, eleven languages).
    debs : str or Path, optional
        Folder with the ``.deb`` files, instead of fetching them with apt-get.
    synthetic : bool
        Make speech with eSpeak NG instead, where there is no apt-get.

    Returns
    -------
    Corpus
        Splits ``train``, ``dev``, ``test``, and a note for each source and language.
    """
    folder = Path(folder)
    languages, sources = _names(languages), _names(sources)
    if unknown := sorted(set(sources or ()) - set(SOURCES)):
        raise InputError(
            f"sources: no {', '.join(unknown)}; there are {', '.join(SOURCES)}"
        )
    chosen = {
        name: source for name, source in SOURCES.items() if name in (sources or SOURCES)
    }
    debs = None if debs is None else Path(debs)
    try:
        if synthetic:
            return corpus.build_synthetic(folder, chosen, languages=languages)
        return corpus.build(folder, chosen, languages=languages, debs=debs)
    except OSError as error:  # a full disk, a folder that may not be written
        raise InputError(
            f"{folder}: {error}; run again when that is mended, what is done is kept"
        ) from error


def _names(value: Sequence[str] | str | None) -> list[str] | None:
    """Names of a list, which may be written with commas; None if there are none."""
    names = value.split(",") if isinstance(value, str) else list(value or ())
    return [name.strip() for name in names if name.strip()] or None


def _arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="takes packages, audio, manifests")
    parser.add_argument("--languages", help="codes with commas between (default: all)")
    parser.add_argument("--sources", default="prompts", help=", ".join(SOURCES))
    parser.add_argument("--debs", type=Path, help="folder of downloaded packages")
    parser.add_argument("--synthetic", action="store_true", help="eSpeak NG instead")
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
    )
    print(made.table())
    for name, utterances in made.splits.items():
        path = options.folder / "manifests" / f"{name}.csv"
        write_manifest(path, utterances)
        minutes = sum(one.duration for one in utterances) / 60
        print(f"{path}: {len(utterances)} utterances, {minutes:.1f} minutes")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
