"""Checkpoints of any layout: recognised and read."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from xlsr_sb.checkpoints import fairseq, huggingface, own, torchaudio
from xlsr_sb.checkpoints.checkpoint import Checkpoint
from xlsr_sb.checkpoints.hub import locate
from xlsr_sb.checkpoints.pickles.torch_files import open_torch_file
from xlsr_sb.errors import InputError

SINGLE = {fairseq.LAYOUT: "checkpoint.pt", torchaudio.LAYOUT: "model.pth"}
KNOWN = (huggingface.CONFIG, own.CONFIG, *SINGLE.values())  # any of them tells a layout
Given = Mapping[str, object]


def read_checkpoint(
    source: str | Path, given: Mapping[str, object] | None = None
) -> Checkpoint:
    """Checkpoint of a file, folder or hub id, in whatever layout it is.

    Parameters
    ----------
    source : str or Path
        A folder of transformers or a hub id; a file of fairseq (``.pt``) or torchaudio
        (``.pth``), or the folder that ``write_checkpoint`` put one into; a folder of
        our own; or a folder that ``xlsr-sb export`` wrote.
    given : mapping, optional
        Sizes that a file does not tell, such as ``num_heads`` of torchaudio's models
        that are not of a published size.

    Returns
    -------
    Checkpoint
        Its floating numbers in fp32.

    Raises
    ------
    InputError
        If the layout is none of these, a file is damaged or asks for code, the model is
        not built like XLS-R, or tensors are missing, too many, or of another shape.

    Example
    -------
    >>> read_checkpoint(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ... is no checkpoint: it holds no config.json ...
    """
    path = locate(source)
    return _read_folder(path, given or {}) if path.is_dir() else _read_file(path, given)


def _read_folder(folder: Path, given: Given) -> Checkpoint:
    """Checkpoint of a folder, by the files in it."""
    if (folder / huggingface.CONFIG).exists():
        return huggingface.read_folder(folder, given)
    if (folder / own.CONFIG).exists():
        return own.read_folder(folder, given)
    if (folder / own.ENCODER).is_dir():
        return _read_exported(folder, given)
    for name in SINGLE.values():
        if (folder / name).exists():
            return _read_file(folder / name, given)
    raise InputError(
        f"{folder} is no checkpoint: it holds no {huggingface.CONFIG} (transformers), "
        f"{own.CONFIG} (our own), {' or '.join(SINGLE.values())}. A file of fairseq or "
        "torchaudio is given by its own path"
    )


def _read_exported(folder: Path, given: Given) -> Checkpoint:
    """Checkpoint of an exported recogniser, with its head if that is there."""
    checkpoint = replace(
        _read_folder(folder / own.ENCODER, given), source=str(folder), layout=own.LAYOUT
    )
    if not (folder / own.EXPORTED_HEAD).exists():
        return checkpoint
    heads, vocabulary = own.exported_head(folder)
    return replace(checkpoint, heads=heads, vocabulary=vocabulary)


def _read_file(path: Path, given: Given | None) -> Checkpoint:
    """Checkpoint of a file, by what is in it."""
    if path.suffix == ".safetensors":
        raise InputError(
            f"{path} holds tensors, but no sizes; give its folder, with "
            f"{huggingface.CONFIG} in it"
        )
    with open_torch_file(path) as file:
        if fairseq.is_fairseq(file.content):
            return fairseq.read_file(file, path, given)
        if torchaudio.is_torchaudio(file.content):
            return torchaudio.read_file(file, path, given)
        if _is_pickled_folder(file.content):
            raise InputError(
                f"{path} is in transformers' layout, without sizes; give its folder, "
                f"with {huggingface.CONFIG} in it"
            )
    raise InputError(
        f"{path} is neither a file of fairseq (with 'model' and 'cfg' or 'args') nor "
        "one of torchaudio"
    )


def _is_pickled_folder(content: object) -> bool:
    """Whether a file's content has transformers' names."""
    return isinstance(content, dict) and any(
        str(name).endswith(anchor)
        for name in content
        for anchor in huggingface.NAMES.anchors
    )
