"""Checkpoints written in any layout: whole or not at all, and read again."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from xlsr_sb.checkpoints import fairseq, huggingface, own, torchaudio
from xlsr_sb.checkpoints.checkpoint import CLASSIFIER, Checkpoint
from xlsr_sb.checkpoints.fairseq.tokens import dictionary_text
from xlsr_sb.checkpoints.fairseq.writing import LABELS, file_content
from xlsr_sb.checkpoints.huggingface.tokens import tokenizer_files
from xlsr_sb.checkpoints.naming import rename
from xlsr_sb.checkpoints.reading import SINGLE, read_checkpoint
from xlsr_sb.checkpoints.weights import SAFE
from xlsr_sb.errors import InputError

PREPROCESSOR = {
    "feature_extractor_type": "Wav2Vec2FeatureExtractor",
    "feature_size": 1,
    "sampling_rate": 16_000,
    "padding_value": 0.0,
    "do_normalize": True,
    "return_attention_mask": True,
}


def write_files(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a prepared checkpoint into a folder, in its layout.

    Parameters
    ----------
    checkpoint : Checkpoint
        As ``prepared`` left it for the layout.
    folder : Path
        Made if absent; files of the same names are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    WRITERS[checkpoint.layout](checkpoint, folder)


def write_checkpoint(checkpoint: Checkpoint, target: Path) -> Path:
    """Write a prepared checkpoint into a new folder, and compare what it holds then.

    The folder appears complete or not at all.

    Parameters
    ----------
    checkpoint : Checkpoint
        As ``prepared`` left it for the layout.
    target : Path
        Must not exist.

    Returns
    -------
    Path
        What other programs are given: the folder, or the one file in it.

    Raises
    ------
    InputError
        If the target exists or cannot be written, or a tensor is read back otherwise.

    Example
    -------
    >>> write_checkpoint(None, getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ... exists already; remove it or give another target
    """
    if target.exists():
        raise InputError(f"{target} exists already; remove it or give another target")
    with appearing(target) as folder:
        write_files(checkpoint, folder)
        _verify(checkpoint, folder, target)
    single = SINGLE.get(checkpoint.layout)
    return target / single if single else target


def _verify(checkpoint: Checkpoint, folder: Path, target: Path) -> None:
    """Raise unless a folder holds a checkpoint, bit for bit."""
    untold = {"num_heads", "conv_strides"} if _tells_no_sizes(checkpoint) else set()
    given = {name: checkpoint.sizes[name] for name in untold}
    again = read_checkpoint(folder, given)
    wanted = {**checkpoint.encoder, **checkpoint.heads}
    found = {**again.encoder, **again.heads}
    is_same = wanted.keys() == found.keys() and again.sizes == checkpoint.sizes
    pairs = [(found.get(name), one.float()) for name, one in wanted.items()]
    if not is_same or not all(torch.equal(*pair) for pair in pairs):
        raise InputError(
            f"{target}: what was written is read back otherwise; is the disk sound?"
        )


def _tells_no_sizes(checkpoint: Checkpoint) -> bool:
    """Whether the layout is tensors and nothing else."""
    return checkpoint.layout == torchaudio.LAYOUT


def _write_huggingface(checkpoint: Checkpoint, folder: Path) -> None:
    files = {
        huggingface.CONFIG: huggingface.config_of(checkpoint),
        huggingface.PREPROCESSOR: dict(PREPROCESSOR),
    }
    if checkpoint.vocabulary:
        files[huggingface.PREPROCESSOR]["processor_class"] = "Wav2Vec2Processor"
        files |= tokenizer_files(checkpoint.vocabulary)
    for name, content in files.items():
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    prefix = huggingface.PREFIX if checkpoint.heads else ""
    encoder = rename(checkpoint.encoder, huggingface.PAIRS)
    tensors = {f"{prefix}{name}": tensor for name, tensor in encoder.items()}
    heads = rename(checkpoint.heads, huggingface.HEAD_PAIRS)
    write_safetensors(tensors | heads, folder / SAFE)


def _write_fairseq(checkpoint: Checkpoint, folder: Path) -> None:
    _save(file_content(checkpoint), folder / SINGLE[fairseq.LAYOUT])
    text, name = "", ""
    if checkpoint.vocabulary:
        text, name = dictionary_text(checkpoint.vocabulary), "ltr"
    elif checkpoint.labels:
        text = "".join(f"{label} 1\n" for label in checkpoint.labels)
        name = LABELS[CLASSIFIER]
    if text:
        (folder / f"dict.{name}.txt").write_text(text, encoding="utf-8")


def _write_torchaudio(checkpoint: Checkpoint, folder: Path) -> None:
    tensors = torchaudio.peer_tensors(checkpoint)
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    _save(contiguous, folder / SINGLE[torchaudio.LAYOUT])


def _write_own(checkpoint: Checkpoint, folder: Path) -> None:
    text = own.config_text(checkpoint)
    (folder / own.CONFIG).write_text(text, encoding="utf-8")
    write_safetensors(checkpoint.encoder, folder / own.WEIGHTS)
    if checkpoint.heads:
        text = own.heads_text(checkpoint)
        (folder / own.HEADS).write_text(text, encoding="utf-8")
        write_safetensors(checkpoint.heads, folder / own.HEAD_WEIGHTS)


WRITERS: Mapping[str, Callable[[Checkpoint, Path], None]] = {
    huggingface.LAYOUT: _write_huggingface,
    fairseq.LAYOUT: _write_fairseq,
    torchaudio.LAYOUT: _write_torchaudio,
    own.LAYOUT: _write_own,
}


def _save(content: object, path: Path) -> None:
    """Save with PyTorch, through a file of Python's, which says when a disk is full."""
    with path.open("wb") as file:
        torch.save(content, file)


def write_safetensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors so that those may read them who may read other files.

    Parameters
    ----------
    tensors : mapping of str to Tensor
    path : Path

    Example
    -------
    >>> import torch
    >>> path = getfixture("tmp_path") / "a.safetensors"
    >>> write_safetensors({"a": torch.ones(2)}, path)
    >>> path.exists()
    True
    """
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, path, metadata={"format": "pt"})
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """Fill a hidden folder that takes the target's place once it is on the disk.

    Parameters
    ----------
    target : Path
        Must not exist.

    Raises
    ------
    InputError
        If the disk refuses; nothing is left behind then.

    Example
    -------
    >>> with appearing(getfixture("tmp_path") / "model") as folder:
    ...     _ = (folder / "a.txt").write_text("whole")
    >>> [path.name for path in getfixture("tmp_path").rglob("*")]
    ['model', 'a.txt']
    """
    target = target.absolute()
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        for path in (*unfinished.rglob("*"), unfinished):
            _sync(path)
        unfinished.rename(target)
        _sync(target.parent)
    except (OSError, RuntimeError, SafetensorError) as error:
        # PyTorch raises its own error over that of the disk.
        cause = error.__context__ if isinstance(error, RuntimeError) else error
        raise InputError(f"{target} cannot be written: {cause or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
