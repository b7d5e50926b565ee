"""Encoders from folders, hub ids and presets, and back to folders."""

from dataclasses import asdict
from pathlib import Path

from torch import nn

from xlsr_sb.checkpoints import huggingface
from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.errors import InputError

FILES = ["config.json", "model.safetensors", "pytorch_model.bin"]


def locate(source: str) -> Path:
    """Folder of a source: itself if it is one, else a download from the hub.

    Parameters
    ----------
    source : str
        A folder, or a hub id such as ``facebook/wav2vec2-xls-r-300m``.

    Raises
    ------
    InputError
        If it is neither.
    """
    if Path(source).is_dir():
        return Path(source)
    from huggingface_hub import snapshot_download  # slow to import, seldom needed

    try:
        return Path(snapshot_download(source, allow_patterns=FILES))
    except Exception as error:  # the hub's errors share no base class
        raise InputError(
            f"encoder source {source!r} is no folder here, and the hub did not give it "
            f"({type(error).__name__}); give a folder with config.json and weights"
        ) from error


def load_weights(encoder: nn.Module, weights: dict, source: str) -> None:
    """Load weights strictly; only the mask embedding may be absent.

    Raises
    ------
    InputError
        With the names that are missing or too many, or the sizes that differ.
    """
    try:
        report = encoder.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise InputError(f"{source}: {error}") from error
    missing = sorted(set(report.missing_keys) - {"mask_embedding"})
    if missing or report.unexpected_keys:
        raise InputError(
            f"{source} is no complete XLS-R encoder: missing {missing[:5]}, "
            f"unknown {report.unexpected_keys[:5]}"
        )


def read(source: str, overrides: dict) -> tuple[XLSRConfig, dict]:
    """Configuration and weights of a source, with fields overridden."""
    sizes, weights = huggingface.read_folder(locate(source))
    if clash := sorted(set(sizes) & set(overrides)):
        raise InputError(
            f"{source}: {clash} are fixed by the pretrained weights; leave them out"
        )
    return XLSRConfig.preset("300m", **sizes, **overrides), weights


def write(encoder: nn.Module, folder: Path) -> None:
    """Write an encoder as a folder that transformers and ``read`` load."""
    huggingface.write_folder(folder, asdict(encoder.config), encoder.state_dict())
