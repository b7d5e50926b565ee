"""The encoder of a run, whatever it was trained for."""

from pathlib import Path

from xlsr_sb.encoder import XLSR
from xlsr_sb.export.classification_runs import (
    is_classification_run,
    read_classifier_run,
)
from xlsr_sb.export.runs import read_encoder
from xlsr_sb.export.translation_runs import is_translation_run, read_translation_run


def run_encoder(folder: Path) -> XLSR:
    """Encoder of a run with the weights that were best on the development set.

    Parameters
    ----------
    folder : Path
        Of a run of recognition, translation or classification.

    Returns
    -------
    XLSR
        In evaluation mode.

    Raises
    ------
    InputError
        If the folder holds no model that was validated once.

    Example
    -------
    >>> run_encoder(Path("nowhere"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: nowhere is not the folder of a recognition run: no ...
    """
    if is_classification_run(folder):
        return read_classifier_run(folder)[0].encoder
    if is_translation_run(folder):
        return read_translation_run(folder)[0].encoder
    return read_encoder(folder)
