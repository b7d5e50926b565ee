"""Trained recognisers from the folder of a run, or from an exported one."""

from pathlib import Path
from typing import Any

from xlsr_sb.checkpoints import read_checkpoint
from xlsr_sb.checkpoints.reading import KNOWN
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.encoder import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.export.peers import transcriber_of
from xlsr_sb.export.sizes import SIZES, read_sizes
from xlsr_sb.export.transcriber import Transcriber
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.tasks.scoring import best_metric_of
from xlsr_sb.tasks.transcripts import VOCABULARY
from xlsr_sb.training.checkpoint_files import DamagedError
from xlsr_sb.training.checkpoint_states import read_state
from xlsr_sb.training.checkpointer import AtomicCheckpointer

CHECKPOINTS = "save"  # in the folder of a run
ENCODER, HEAD = "encoder", "head.ckpt"  # in an exported folder


def load_transcriber(source: str | Path) -> Transcriber:
    """Recogniser of a run, an exported folder, or another implementation, on the CPU.

    Parameters
    ----------
    source : str or Path
        A run's folder (its best checkpoint is taken); one that ``export_recogniser``
        wrote; or a checkpoint with a CTC head and its vocabulary: a folder or hub id of
        transformers' ``Wav2Vec2ForCTC``, a file of fairseq, a folder of
        ``xlsr-sb convert``.

    Raises
    ------
    InputError
        If it is none of these, or a file is missing or damaged.

    Example
    -------
    >>> load_transcriber(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ... is neither the folder of a run (with encoder.json \
and save/) nor an exported recogniser (with encoder/ and head.ckpt) nor a checkpoint
    """
    folder = Path(source)
    if (folder / CHECKPOINTS).is_dir():
        return read_run(folder)[0]
    if (folder / ENCODER).is_dir():
        return _read_export(folder)
    if folder.is_dir() and not any((folder / name).exists() for name in KNOWN):
        raise InputError(
            f"{folder} is neither the folder of a run (with {SIZES} and "
            f"{CHECKPOINTS}/) nor an exported recogniser (with {ENCODER}/ and {HEAD}) "
            "nor a checkpoint"
        )
    return transcriber_of(read_checkpoint(source))


def read_run(folder: Path) -> tuple[Transcriber, dict[str, Any]]:
    """Recogniser of a run with the weights that were best on the development set.

    Parameters
    ----------
    folder : Path
        Of the run.

    Returns
    -------
    transcriber : Transcriber
    meta : dict
        Of the checkpoint: its ``update``, and ``CER`` or ``PER``.

    Raises
    ------
    InputError
        If the folder holds no recogniser that was validated once.

    Example
    -------
    >>> read_run(Path("nowhere"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: nowhere is not the folder of a recognition run: no \
encoder.json, vocabulary.txt, save
    """
    needed = (SIZES, VOCABULARY, CHECKPOINTS)
    if missing := [name for name in needed if not (folder / name).exists()]:
        raise InputError(
            f"{folder} is not the folder of a recognition run: no {', '.join(missing)}"
        )
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    encoder = XLSR(read_sizes(folder))
    modules = {"encoder": encoder, "head": CTCHead(encoder.config.dim, len(vocabulary))}
    checkpointer = AtomicCheckpointer(folder / CHECKPOINTS, modules)
    meta = checkpointer.recover_best(best_metric_of(vocabulary.units), "min")
    return Transcriber(**modules, vocabulary=vocabulary), meta


def _read_export(folder: Path) -> Transcriber:
    """Recogniser of an exported folder; no file in it can run code."""
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    encoder = XLSR.from_pretrained(str(folder / ENCODER))
    head = CTCHead(encoder.config.dim, len(vocabulary))
    path = folder / HEAD
    try:
        head.load_state_dict(read_state(path))
    except (OSError, DamagedError, RuntimeError) as error:
        raise InputError(
            f"{path} cannot be used: {error}; export the run again"
        ) from error
    return Transcriber(encoder, head, vocabulary)
