"""The best checkpoint of a translation run."""

from pathlib import Path
from typing import Any

from xlsr_sb.data.subwords import SubwordTokeniser
from xlsr_sb.encoder import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.export.runs import CHECKPOINTS
from xlsr_sb.export.sizes import SIZES, read_sizes
from xlsr_sb.heads.translator import TranslationHead
from xlsr_sb.tasks.translation import Translation
from xlsr_sb.tasks.translations import TOKENISER
from xlsr_sb.training.checkpointer import AtomicCheckpointer
from xlsr_sb.translation import SpeechTranslator
from xlsr_sb.translation.stored import STORED, StoredTranslator


def is_translation_run(folder: Path) -> bool:
    """Whether a run of the translation task has begun in a folder.

    Example
    -------
    >>> is_translation_run(Path("nowhere"))
    False
    """
    return (folder / STORED).exists() and (folder / CHECKPOINTS).is_dir()


def read_translation_run(
    folder: Path,
) -> tuple[SpeechTranslator, SubwordTokeniser, StoredTranslator, dict[str, Any]]:
    """Translator of a run with the weights that were best on the development set.

    Parameters
    ----------
    folder : Path
        Of the run.

    Returns
    -------
    model : SpeechTranslator
    tokeniser : SubwordTokeniser
    stored : StoredTranslator
        Languages that it writes, and how its test sets were translated.
    meta : dict
        Of the checkpoint: its ``update``, and ``valid_nll``.

    Raises
    ------
    InputError
        If the folder holds no translator that was validated once.

    Example
    -------
    >>> read_translation_run(Path("nowhere"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: nowhere is not the folder of a translation run: no \
encoder.json, translator.json, tokeniser, save
    """
    needed = (SIZES, STORED, TOKENISER, CHECKPOINTS)
    if missing := [name for name in needed if not (folder / name).exists()]:
        raise InputError(
            f"{folder} is not the folder of a translation run: no {', '.join(missing)}"
        )
    stored = StoredTranslator.load(folder)
    if stored.head is None:
        raise InputError(f"{folder / STORED} says nothing of the head's sizes")
    encoder = XLSR(read_sizes(folder))
    head = TranslationHead(encoder.config.dim, stored.head)
    checkpointer = AtomicCheckpointer(
        folder / CHECKPOINTS, {"encoder": encoder, "head": head}
    )
    meta = checkpointer.recover_best(Translation.best_metric, "min")
    tokeniser = SubwordTokeniser.load(folder / TOKENISER)
    return SpeechTranslator(encoder, head).eval(), tokeniser, stored, meta
