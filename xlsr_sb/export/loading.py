"""Trained recognisers from the folder of a run, or from an exported one."""

from pathlib import Path

from xlsr_sb.checkpoints import read_checkpoint
from xlsr_sb.checkpoints.reading import KNOWN
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.encoder import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.export.peers import transcriber_of
from xlsr_sb.export.runs import CHECKPOINTS, read_run, shared
from xlsr_sb.export.sizes import SIZES
from xlsr_sb.export.transcriber import Transcriber
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.tasks.vocabularies import VOCABULARY
from xlsr_sb.training.checkpoint_files import DamagedError
from xlsr_sb.training.checkpoint_states import read_state

ENCODER, HEAD = "encoder", "head.ckpt"  # in an exported folder


def load_transcriber(source: str | Path, *, language: str | None = None) -> Transcriber:
    """Recogniser of a run, an exported folder, or another implementation, on the CPU.

    Parameters
    ----------
    source : str or Path
        A run's folder (its best checkpoint is taken); one that ``export_recogniser``
        wrote; or a checkpoint with a CTC head and its vocabulary: a folder or hub id of
        transformers' ``Wav2Vec2ForCTC``, a file of fairseq, a folder of
        ``xlsr-sb convert``.
    language : str, optional
        Of a run with outputs for each language the one whose recogniser is wanted.

    Raises
    ------
    InputError
        If it is none of these, if a file is missing or damaged, or if a language is
        missing, unknown, or named where there is nothing to choose.

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
        return read_run(folder, language=language)[0]
    if language is not None:
        raise InputError(shared(source, language))
    if (folder / ENCODER).is_dir():
        return _read_export(folder)
    if folder.is_dir() and not any((folder / name).exists() for name in KNOWN):
        raise InputError(
            f"{folder} is neither the folder of a run (with {SIZES} and "
            f"{CHECKPOINTS}/) nor an exported recogniser (with {ENCODER}/ and {HEAD}) "
            "nor a checkpoint"
        )
    return transcriber_of(read_checkpoint(source))


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
