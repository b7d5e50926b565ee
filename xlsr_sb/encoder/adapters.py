"""Files with the adapters of an encoder alone: small, and strictly checked."""

import json
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from xlsr_sb.encoder.lora import adapted_matrices, add_lora, is_adapter
from xlsr_sb.errors import InputError

KIND = "adapters of an XLS-R encoder"
SETTINGS = ("lora_rank", "lora_alpha", "lora_targets", "lora_dropout")


def save_adapters(encoder: nn.Module, path: str | Path) -> None:
    """Write the adapters of an encoder, and what it takes to use them, into a file.

    Parameters
    ----------
    encoder : Module
        An ``XLSR`` with adapters.
    path : str or Path
        A safetensors file; it appears complete or not at all.

    Raises
    ------
    InputError
        If the encoder has no adapters, or the file cannot be written.

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> path = getfixture("tmp_path") / "french.safetensors"
    >>> save_adapters(XLSR(XLSRConfig.preset("tiny", lora_rank=4)), path)
    >>> lobe = XLSR(XLSRConfig.preset("tiny"))
    >>> load_adapters(lobe, path)
    >>> lobe.config.lora_rank
    4
    """
    config, path = encoder.config, Path(path)
    if not config.lora_rank:
        raise InputError("encoder: it has no adapters to save; add_lora adds them")
    adapters = {
        name: tensor.detach().contiguous()
        for name, tensor in encoder.state_dict().items()
        if is_adapter(name)
    }
    settings = {name: getattr(config, name) for name in SETTINGS}
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"kind": KIND, "settings": json.dumps(settings)}
        unfinished.write_bytes(save(adapters, metadata=metadata))
        unfinished.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path} cannot be written: {reason}") from error
    finally:
        if unfinished.parent.is_dir():
            unfinished.unlink(missing_ok=True)


def load_adapters(encoder: nn.Module, path: str | Path) -> None:
    """Give an encoder the adapters of a file.

    Parameters
    ----------
    encoder : Module
        An ``XLSR`` with the weights that the adapters were trained on. Without adapters
        it is given those of the file; with some, they have to be of the same kind.
    path : str or Path
        Of ``save_adapters``.

    Raises
    ------
    InputError
        If the file is missing, damaged or of another kind, or made for an encoder of
        other sizes; the encoder is unchanged then.
    """
    settings, adapters = _read(Path(path))
    own = {name: getattr(encoder.config, name) for name in SETTINGS}
    own["lora_targets"] = list(own["lora_targets"])
    if own["lora_rank"] and own != settings:
        raise InputError(
            f"{path} holds adapters with {settings}; the encoder has {own}"
        )
    expected = _shapes(encoder, settings)
    shapes = {name: list(tensor.shape) for name, tensor in adapters.items()}
    if wrong := sorted(
        name
        for name in expected.keys() | shapes.keys()
        if expected.get(name) != shapes.get(name)
    ):
        raise InputError(
            f"{path} does not fit the encoder: of {wrong[0]} it holds "
            f"{shapes.get(wrong[0])}, the encoder needs {expected.get(wrong[0])} "
            f"({len(wrong)} tensors differ)"
        )
    if not own["lora_rank"]:
        add_lora(encoder, **{k.removeprefix("lora_"): v for k, v in settings.items()})
    encoder.load_state_dict(adapters, strict=False)


def _read(path: Path) -> tuple[dict, dict[str, Tensor]]:
    """Settings and tensors of a file."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            adapters = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        settings = json.loads(metadata.get("settings", "{}"))
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"{path} cannot be read as adapters: {error}") from error
    if metadata.get("kind") != KIND:
        raise InputError(f"{path} holds no {KIND}; save_adapters writes such a file")
    return settings, adapters


def _shapes(encoder: nn.Module, settings: dict) -> dict[str, list[int]]:
    """Shape that each tensor of such adapters has in the encoder."""
    shapes, rank = {}, settings["lora_rank"]
    for i, layer in enumerate(encoder.transformer.layers):
        for name, parts, num_parts in adapted_matrices(settings["lora_targets"]):
            matrix = layer.get_submodule(name)
            prefix = f"transformer.layers.{i}.{name}"
            width = matrix.out_features // num_parts
            shapes[f"{prefix}.lora_down"] = [len(parts), rank, matrix.in_features]
            shapes[f"{prefix}.lora_up"] = [len(parts), width, rank]
    return shapes
