"""``xlsr-sb convert``: checkpoints from one layout to another."""

import argparse
from pathlib import Path

import torch

from xlsr_sb.checkpoints import (
    LAYOUTS,
    Checkpoint,
    prepared,
    read_checkpoint,
    write_checkpoint,
)
from xlsr_sb.checkpoints.checkpoint import HEADS
from xlsr_sb.checkpoints.sizes import SIZES
from xlsr_sb.cli.parsing import add_command
from xlsr_sb.errors import InputError

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
FILES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")


def add_to(commands) -> None:
    """Add the command ``convert`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args("convert a.pt model --to huggingface".split()).to
    'huggingface'
    """
    convert = add_command(commands, "convert", _convert)
    convert.add_argument(
        "source", help="a folder, file or hub id, in any layout; it is recognised"
    )
    convert.add_argument("target", help="folder to make; it must not exist")
    convert.add_argument("--to", choices=LAYOUTS, required=True, help="its layout")
    convert.add_argument(
        "--dtype",
        choices=DTYPES,
        default="fp32",
        help="type of the numbers that are stored: 16 bits take half the space",
    )
    convert.add_argument(
        "--num-heads", type=int, metavar="N", help="if the source does not say it"
    )
    convert.add_argument(
        "--conv-strides", type=_numbers, metavar="5,2,2,...", help="likewise"
    )


def _numbers(text: str) -> list[int]:
    """Numbers between commas."""
    return [int(part) for part in text.split(",")]


def _convert(arguments: argparse.Namespace) -> None:
    """Write a checkpoint in another layout, with its heads, and compare all tensors."""
    target = Path(arguments.target)
    if target.suffix in FILES:
        raise InputError(
            f"{target} is to be a folder, also for fairseq and torchaudio: their one "
            f"file goes into it. Give {target.with_suffix('')}"
        )
    if target.exists():
        raise InputError(f"{target} exists already; remove it or give another target")
    given = {name: getattr(arguments, name, None) for name in SIZES}
    given = {name: value for name, value in given.items() if value is not None}
    source = read_checkpoint(arguments.source, given)
    print(f"{source.source}: {source.layout}, {_parts(source)}")
    ready = prepared(source, arguments.to)
    for note in ready.notes:
        print(note)
    made = ready.checkpoint.rounded(DTYPES[arguments.dtype])
    written = write_checkpoint(made, target)
    print(f"{written}: {arguments.to}, {arguments.dtype}, {_parts(made)}")
    print("verified: every tensor was read again and is the same, bit for bit")


def _parts(checkpoint: Checkpoint) -> str:
    """Number of parameters, in all and of each part."""
    sizes = {"encoder": sum(tensor.numel() for tensor in checkpoint.encoder.values())}
    for name in checkpoint.head_names:
        tensors = checkpoint.head(name).values()
        sizes[HEADS[name]] = sum(tensor.numel() for tensor in tensors)
    parts = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    return f"{checkpoint.num_parameters:,} parameters ({parts})"
