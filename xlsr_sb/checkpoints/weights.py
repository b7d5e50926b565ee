"""Tensors of a folder in transformers' layout, from one file or from shards."""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from xlsr_sb.checkpoints.pickles.stored import StoredTensor
from xlsr_sb.checkpoints.pickles.torch_files import in_fp32, open_torch_file
from xlsr_sb.errors import InputError

SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"
INDEX = ".index.json"  # behind the name of the one file that would have been


def read_json(path: Path) -> dict:
    """Object of a JSON file.

    Raises
    ------
    InputError
        If it cannot be read, or holds something else.

    Example
    -------
    >>> path = getfixture("tmp_path") / "config.json"
    >>> _ = path.write_text('{"hidden_size": 1024}')
    >>> read_json(path)
    {'hidden_size': 1024}
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} cannot be read: it is no JSON object")
    return content


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Tensors of a folder, in fp32; nothing in a file can run.

    Parameters
    ----------
    folder : Path
        With ``model.safetensors`` or ``pytorch_model.bin``, or their shards and index;
        the first of these that is there is read.

    Raises
    ------
    InputError
        If a file is missing or damaged.

    Example
    -------
    >>> import torch
    >>> folder = getfixture("tmp_path")
    >>> torch.save({"bias": torch.ones(1).half()}, folder / "pytorch_model.bin")
    >>> read_weights(folder)
    {'bias': tensor([1.])}
    """
    for name in (SAFE, PICKLED):
        if (folder / name).exists():
            return read_tensors(folder / name)
        if (folder / f"{name}{INDEX}").exists():
            return _read_shards(folder / f"{name}{INDEX}")
    raise InputError(f"{folder} holds neither {SAFE} nor {PICKLED}, nor shards of them")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors with names of one file, in fp32; nothing in it can run.

    Parameters
    ----------
    path : Path
        ``*.safetensors``, or a dictionary of tensors that ``torch.save`` wrote.

    Raises
    ------
    InputError
        If it is damaged, or holds something else.

    Example
    -------
    >>> import torch
    >>> path = getfixture("tmp_path") / "a.bin"
    >>> torch.save([1, 2], path)
    >>> read_tensors(path)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ...a.bin holds no tensors with names
    """
    if path.suffix == ".safetensors":
        try:
            return {name: in_fp32(one) for name, one in load_file(path).items()}
        except (SafetensorError, OSError, ValueError) as error:
            raise InputError(f"{path} is damaged or cut short: {error}") from error
    with open_torch_file(path) as file:
        return {
            name: file.tensor(stored)
            for name, stored in named_tensors(file.content, source=str(path)).items()
        }


def named_tensors(content: object, *, source: str) -> Mapping[str, StoredTensor]:
    """Check that a file's content is a dictionary of tensors with names.

    Raises
    ------
    InputError
        If it is something else, with the names of what is no tensor.

    Example
    -------
    >>> named_tensors({"bias": 1}, source="a.pt")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a.pt: bias is no tensor
    """
    if not isinstance(content, dict) or not content:
        raise InputError(f"{source} holds no tensors with names")
    others = [str(n) for n, one in content.items() if type(one) is not StoredTensor]
    if others:
        raise InputError(f"{source}: {', '.join(others[:5])} is no tensor")
    return content


def _read_shards(index: Path) -> dict[str, Tensor]:
    """Tensors of all shards that an index lists."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise InputError(f"{index} has no weight_map")
    tensors: dict[str, Tensor] = {}
    for shard in sorted({str(place) for place in places.values()}):
        if Path(shard).name != shard:
            raise InputError(f"{index} names {shard!r}, which is not in its folder")
        if not (index.parent / shard).exists():
            raise InputError(f"{index.parent} has no {shard}, which {index.name} lists")
        tensors |= read_tensors(index.parent / shard)
    if absent := sorted(set(places) - set(tensors)):
        raise InputError(f"{index} lists {', '.join(absent[:5])}; no shard has it")
    return tensors
