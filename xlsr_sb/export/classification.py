"""Classifiers of utterances: of our runs and exports, and of any layout."""

from pathlib import Path

from xlsr_sb.checkpoints import CLASSIFIER, Checkpoint, read_checkpoint
from xlsr_sb.encoder import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.export.classification_runs import read_classifier_run
from xlsr_sb.export.classifier import UtteranceClassifier
from xlsr_sb.export.loading import ENCODER, HEAD
from xlsr_sb.export.peers import encoder_of
from xlsr_sb.export.runs import CHECKPOINTS
from xlsr_sb.heads.class_file import CLASSES, ClassFile
from xlsr_sb.heads.classifier import ClassificationHead
from xlsr_sb.metrics.verification import LinearCalibration
from xlsr_sb.tasks.verification import CALIBRATION
from xlsr_sb.tasks.vocabularies import VOCABULARY
from xlsr_sb.training.checkpoint_files import DamagedError
from xlsr_sb.training.checkpoint_states import read_state


def load_classifier(source: str | Path) -> UtteranceClassifier:
    """Classifier of a run, an exported folder, or another implementation, on the CPU.

    Parameters
    ----------
    source : str or Path
        A run's folder (its best checkpoint is taken); one that ``xlsr-sb export`` made
        of it; transformers' ``Wav2Vec2ForSequenceClassification`` (folder or hub id);
        fairseq's ``wav2vec_classification`` (file); or a folder of ``xlsr-sb convert``.

    Raises
    ------
    InputError
        If it has no classification head, or cannot be used.

    Example
    -------
    >>> load_classifier("nowhere.pt")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: source 'nowhere.pt' does not exist
    """
    folder = Path(source)
    if (folder / CHECKPOINTS).is_dir():
        return read_classifier_run(folder)[0]
    if (folder / CLASSES).exists():
        return _read_export(folder)
    if (folder / ENCODER).is_dir() and (folder / VOCABULARY).exists():
        raise InputError(
            f"{folder} is an exported recogniser; it has no classes. `xlsr-sb "
            "transcribe` takes it"
        )
    return classifier_of(read_checkpoint(source))


def read_calibration(source: str | Path) -> LinearCalibration | None:
    """Line from cosines to log-likelihood ratios that lies beside a model, if any.

    Parameters
    ----------
    source : str or Path
        As of ``load_classifier``.

    Raises
    ------
    InputError
        If the file cannot be used.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> read_calibration(folder) is None
    True
    >>> LinearCalibration(scale=20.0, offset=-5.0).save(folder / "calibration.json")
    >>> read_calibration(folder)
    LinearCalibration(scale=20.0, offset=-5.0)
    """
    path = Path(source) / CALIBRATION
    return LinearCalibration.load(path) if path.exists() else None


def classifier_of(checkpoint: Checkpoint) -> UtteranceClassifier:
    """Classifier of a checkpoint with a classification head.

    Parameters
    ----------
    checkpoint : Checkpoint

    Raises
    ------
    InputError
        If it has none.

    Example
    -------
    >>> classifier_of(Checkpoint("a.pt", "fairseq", {"dim": 4}, {}))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a.pt has no classification head
    """
    weights = checkpoint.head(CLASSIFIER)
    layers = weights.get("layer_weights")
    head = ClassificationHead(
        checkpoint.sizes["dim"],
        len(weights["projection.bias"]),
        len(weights["classifier.bias"]),
        activation=checkpoint.activation,
        num_layers=None if layers is None else len(layers),
    )
    head.load_state_dict(weights)
    return UtteranceClassifier(encoder_of(checkpoint), head, checkpoint.class_labels)


def _read_export(folder: Path) -> UtteranceClassifier:
    """Classifier of an exported folder; no file in it can run code."""
    known = ClassFile.load(folder)
    encoder = XLSR.from_pretrained(str(folder))
    head = known.build_head(encoder.config.dim, encoder.config.num_layers)
    path = folder / HEAD
    try:
        head.load_state_dict(read_state(path))
    except (OSError, DamagedError, RuntimeError) as error:
        raise InputError(
            f"{path} cannot be used: {error}; export the run again"
        ) from error
    return UtteranceClassifier(encoder, head, known.names, known.kind)
