"""The vocabulary of a run, and of each language: made once, read ever after."""

from collections.abc import Sequence
from pathlib import Path

from xlsr_sb.data.text import LanguageVocabularies, Vocabulary
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance
from xlsr_sb.training import distributed

VOCABULARY = "vocabulary.txt"
VOCABULARIES = "vocabularies.json"  # of a run with outputs for each language


def run_vocabularies(
    folder: Path, train: Sequence[Utterance], *, units: str, per_language: bool
) -> tuple[Vocabulary, LanguageVocabularies | None]:
    """Units of the training transcripts, or those that a run took before.

    Parameters
    ----------
    folder : Path
        Of the run.
    train : sequence of Utterance
    units : str
        ``characters`` or ``tokens``.
    per_language : bool
        Whether each language has a vocabulary of its own as well.

    Raises
    ------
    InputError
        If the folder has vocabularies of another kind.

    Example
    -------
    >>> clips = [Utterance("a", "a.wav", 1.0, language="fr", wrd="oui")]
    >>> options = {"units": "characters", "per_language": True}
    >>> whole, languages = run_vocabularies(getfixture("tmp_path"), clips, **options)
    >>> languages.parts == {"fr": whole}
    True
    """
    distributed.on_main(lambda: _make(folder, train, units, per_language))
    path = folder / VOCABULARY
    vocabulary = Vocabulary.load(path)
    languages = load_languages(folder, vocabulary)
    settings = {
        "data.units": (units, vocabulary.units),
        "head.per_language": (per_language, languages is not None),
    }
    for name, (wanted, found) in settings.items():
        if wanted != found:
            raise InputError(
                f"{name} is {wanted}, and {path} is of a run where it was {found}: "
                "take another output_folder"
            )
    return vocabulary, languages


def load_languages(folder: Path, vocabulary: Vocabulary) -> LanguageVocabularies | None:
    """Vocabulary of each language of a run; None where all share their outputs.

    Example
    -------
    >>> load_languages(getfixture("tmp_path"), Vocabulary.of(["oui"])) is None
    True
    """
    path = folder / VOCABULARIES
    return LanguageVocabularies.load(path, vocabulary) if path.exists() else None


def _make(
    folder: Path, train: Sequence[Utterance], units: str, per_language: bool
) -> None:
    """Write the vocabularies, unless a run did it before.

    That of all is written last: where it stands, the others do, or are not wanted.
    """
    if (folder / VOCABULARY).exists():
        return
    if per_language:
        LanguageVocabularies.of(train, units=units).save(folder / VOCABULARIES)
    else:
        (folder / VOCABULARIES).unlink(missing_ok=True)
    Vocabulary.of((one.wrd for one in train), units=units).save(folder / VOCABULARY)
