"""A run's classifier as a folder that SpeechBrain, transformers and ours load."""

import shutil
from pathlib import Path

from xlsr_sb.checkpoints import write_files
from xlsr_sb.checkpoints.writing import appearing
from xlsr_sb.encoder.lora import merge_lora
from xlsr_sb.errors import InputError
from xlsr_sb.export.classification import read_calibration
from xlsr_sb.export.classification_runs import read_classifier_run
from xlsr_sb.export.classifier import UtteranceClassifier
from xlsr_sb.export.classifier_layouts import classifier_checkpoint, write_classifier
from xlsr_sb.export.classifier_texts import (
    classifier_card,
    classifier_hyperparameters,
)
from xlsr_sb.export.folder import HPARAMS, RESULTS
from xlsr_sb.export.loading import HEAD
from xlsr_sb.export.speechbrain_classifier import ClassLabels
from xlsr_sb.heads.class_file import CLASSES
from xlsr_sb.results import read_rows
from xlsr_sb.tasks.verification import CALIBRATION
from xlsr_sb.training.checkpoint_states import write_state

LABELS = "label_encoder.txt"


def export_classifier(
    run_folder: str | Path, target: str | Path, *, layout: str | None = None
) -> Path:
    """Write the best classifier of a run into a new folder.

    ``speechbrain.inference``'s ``EncoderClassifier`` and ``SpeakerRecognition`` load
    it, ours, and transformers: the whole ``Wav2Vec2ForSequenceClassification`` where
    that has a place for the head, else the encoder. A calibration goes along. The
    folder appears complete or not at all.

    Parameters
    ----------
    run_folder : str or Path
        A recipe's ``output_folder``.
    target : str or Path
        Must not exist.
    layout : str, optional
        ``huggingface`` or ``fairseq``: nothing but a model of that implementation.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the run has no validated checkpoint, the target exists or cannot be written,
        or the layout has no place for the head.

    Example
    -------
    >>> export_classifier("results/demo/1", getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ... exists already; remove it or give another target
    """
    run_folder, target = Path(run_folder), Path(target)
    if target.exists():
        raise InputError(f"{target} exists already; remove it or give another target")
    classifier, meta = read_classifier_run(run_folder)
    merge_lora(classifier.encoder)
    if layout is not None:
        write_classifier(classifier, target, layout=layout)
        return target
    is_calibrated = read_calibration(run_folder) is not None
    results = run_folder / RESULTS
    card = classifier_card(
        target.resolve().name,
        classifier,
        read_rows(results) if results.exists() else [],
        meta=meta,
        is_calibrated=is_calibrated,
    )
    copied = [CLASSES, CALIBRATION] if is_calibrated else [CLASSES]
    with appearing(target) as folder:
        _write_models(classifier, folder)
        for name in copied:
            shutil.copyfile(run_folder / name, folder / name)
        yaml = classifier_hyperparameters(classifier)
        for name, text in {HPARAMS: yaml, "README.md": card}.items():
            (folder / name).write_text(text, encoding="utf-8")
    return target


def _write_models(classifier: UtteranceClassifier, folder: Path) -> None:
    """Write weights and labels, for every reader in the form it knows."""
    write_files(classifier_checkpoint(classifier, "huggingface"), folder)
    write_state(folder / HEAD, classifier.head.state_dict())
    labels = ClassLabels(len(classifier.labels))
    labels.update_from_iterable(classifier.labels)
    labels.save(folder / LABELS)
