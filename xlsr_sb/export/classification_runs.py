"""The best checkpoint of a classification run."""

from pathlib import Path
from typing import Any

from xlsr_sb.encoder import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.export.classifier import UtteranceClassifier
from xlsr_sb.export.runs import CHECKPOINTS
from xlsr_sb.export.sizes import SIZES, read_sizes
from xlsr_sb.heads.class_file import CLASSES, ClassFile
from xlsr_sb.tasks.classification import Classification
from xlsr_sb.tasks.vocabularies import VOCABULARY
from xlsr_sb.training.checkpointer import AtomicCheckpointer
from xlsr_sb.translation.stored import STORED

OTHERS = {VOCABULARY: "recognition", STORED: "translation"}  # runs, by what they hold


def is_classification_run(folder: Path) -> bool:
    """Whether a run of the classification task has begun in a folder.

    Example
    -------
    >>> is_classification_run(Path("nowhere"))
    False
    """
    return (folder / CLASSES).exists() and (folder / CHECKPOINTS).is_dir()


def read_classifier_run(folder: Path) -> tuple[UtteranceClassifier, dict[str, Any]]:
    """Classifier of a run with the weights that were best on the development set.

    Parameters
    ----------
    folder : Path
        Of the run.

    Returns
    -------
    classifier : UtteranceClassifier
    meta : dict
        Of the checkpoint: its ``update``, and ``ERR``.

    Raises
    ------
    InputError
        If the folder holds no classifier that was validated once.

    Example
    -------
    >>> read_classifier_run(Path("nowhere"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: nowhere is not the folder of a classification run: no \
encoder.json, classes.json, save
    """
    needed = (SIZES, CLASSES, CHECKPOINTS)
    if missing := [name for name in needed if not (folder / name).exists()]:
        others = [kind for name, kind in OTHERS.items() if (folder / name).exists()]
        hint = f"; it is one of {others[0]}" if others else ""
        raise InputError(
            f"{folder} is not the folder of a classification run: no "
            f"{', '.join(missing)}{hint}"
        )
    known = ClassFile.load(folder)
    encoder = XLSR(read_sizes(folder))
    head = known.build_head(encoder.config.dim, encoder.config.num_layers)
    checkpointer = AtomicCheckpointer(
        folder / CHECKPOINTS, {"encoder": encoder, "head": head}
    )
    meta = checkpointer.recover_best(Classification.best_metric, "min")
    return UtteranceClassifier(encoder, head, known.names, known.kind), meta
