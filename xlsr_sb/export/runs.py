"""The best checkpoint of a run, as a recogniser of one language or of all."""

from pathlib import Path
from typing import Any

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.encoder import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.export.sizes import SIZES, read_sizes
from xlsr_sb.export.transcriber import Transcriber
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.heads.language_ctc import LanguageCTCHead
from xlsr_sb.tasks.scoring import best_metric_of
from xlsr_sb.tasks.vocabularies import VOCABULARY, load_languages
from xlsr_sb.training.checkpointer import AtomicCheckpointer

CHECKPOINTS = "save"  # in the folder of a run
LANGUAGES = "languages"  # there, what is kept of each language


def read_run(
    folder: Path, *, language: str | None = None
) -> tuple[Transcriber, dict[str, Any]]:
    """Recogniser of a run with the weights that were best on the development set.

    Parameters
    ----------
    folder : Path
        Of the run.
    language : str, optional
        Of a run with outputs for each language (``head.per_language``) the one that is
        wanted; the recogniser has its tokens alone.

    Returns
    -------
    transcriber : Transcriber
    meta : dict
        Of the checkpoint: its ``update``, and ``CER`` or ``PER``.

    Raises
    ------
    InputError
        If the folder holds no recogniser that was validated once, and if a language is
        missing, unknown, or named where all share their outputs.

    Example
    -------
    >>> read_run(Path("nowhere"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: nowhere is not the folder of a recognition run: no \
encoder.json, vocabulary.txt, save
    """
    vocabulary = _vocabulary(folder)
    languages = load_languages(folder, vocabulary)
    if languages is None and language is not None:
        raise InputError(shared(folder, language))
    own = vocabulary if languages is None else languages.part(language, source=folder)
    encoder, head, meta = _recovered(folder, vocabulary)
    if languages is not None:
        head = head.only(language)
    return Transcriber(encoder, head, own), meta


def read_encoder(folder: Path) -> XLSR:
    """Encoder of a recognition run, in evaluation mode; errors as of ``read_run``.

    Example
    -------
    >>> read_encoder(Path("nowhere"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: nowhere is not the folder of a recognition run: no ...
    """
    return _recovered(folder, _vocabulary(folder))[0].eval()


def settings_folder(source: str | Path, language: str | None) -> Path:
    """Folder in which the decoder of a model, or of one of its languages, is kept.

    Parameters
    ----------
    source : str or Path
        The model.
    language : str, optional

    Example
    -------
    >>> settings_folder("run", None).as_posix(), settings_folder("run", "fr").as_posix()
    ('run', 'run/languages/fr')
    """
    return Path(source) if language is None else Path(source, LANGUAGES, language)


def shared(source: str | Path, language: str) -> str:
    """Sentence for users who name a language where there is no choice.

    Example
    -------
    >>> shared("run", "fr")
    "language 'fr': run has one set of outputs for all it knows; name no language"
    """
    return (
        f"language {language!r}: {source} has one set of outputs for all it knows; "
        "name no language"
    )


def _vocabulary(folder: Path) -> Vocabulary:
    """Vocabulary of a run whose folder is complete."""
    needed = (SIZES, VOCABULARY, CHECKPOINTS)
    if missing := [name for name in needed if not (folder / name).exists()]:
        raise InputError(
            f"{folder} is not the folder of a recognition run: no {', '.join(missing)}"
        )
    return Vocabulary.load(folder / VOCABULARY)


def _recovered(
    folder: Path, vocabulary: Vocabulary
) -> tuple[XLSR, CTCHead | LanguageCTCHead, dict[str, Any]]:
    """Encoder and head of the best checkpoint, and what is known of it."""
    encoder = XLSR(read_sizes(folder))
    dim, num_tokens = encoder.config.dim, len(vocabulary)
    languages = load_languages(folder, vocabulary)
    if languages is None:
        head = CTCHead(dim, num_tokens)
    else:
        rows = CTCHead(dim, sum(map(len, languages.ids.values())))
        head = LanguageCTCHead(rows, languages.ids, num_tokens=num_tokens)
    checkpointer = AtomicCheckpointer(
        folder / CHECKPOINTS, {"encoder": encoder, "head": head}
    )
    meta = checkpointer.recover_best(best_metric_of(vocabulary.units), "min")
    return encoder, head, meta
