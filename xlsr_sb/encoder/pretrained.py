"""Encoders from checkpoints of any layout, and back to them."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from torch import Tensor, nn

from xlsr_sb.checkpoints import Checkpoint, prepared, read_checkpoint, write_files
from xlsr_sb.checkpoints.peers import MASK
from xlsr_sb.checkpoints.sizes import SIZES
from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.lora import is_adapter, merged_state
from xlsr_sb.errors import InputError


def read(
    source: str | Path, overrides: Mapping[str, object]
) -> tuple[XLSRConfig, dict[str, Tensor]]:
    """Configuration and weights of a source, with fields overridden.

    Parameters
    ----------
    source : str or Path
        A folder, file or hub id (``checkpoints.read_checkpoint``).
    overrides : mapping
        Fields of ``XLSRConfig``. Sizes only if the file does not tell them.

    Raises
    ------
    InputError
        If the source cannot be used, or an override is a size that it tells.

    Example
    -------
    >>> read("nowhere.pt", {})
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: source 'nowhere.pt' does not exist
    """
    given = {name: value for name, value in overrides.items() if name in SIZES}
    return configured(read_checkpoint(source, given), overrides)


def configured(
    checkpoint: Checkpoint, overrides: Mapping[str, object]
) -> tuple[XLSRConfig, dict[str, Tensor]]:
    """Configuration and weights of a checkpoint, with fields overridden.

    Only our own layout brings regularisation along; else it is the paper's.

    Parameters
    ----------
    checkpoint : Checkpoint
    overrides : mapping
        Fields of ``XLSRConfig``.

    Raises
    ------
    InputError
        If a field is unknown, or has a value that cannot be.

    Example
    -------
    >>> configured(Checkpoint("a", "xlsr_sb", {"num_layers": 9}, {}), {})[0].num_layers
    9
    """
    fields = {**checkpoint.options, **checkpoint.sizes, **overrides}
    try:
        config = XLSRConfig.preset("300m", **fields)
    except InputError as error:
        raise InputError(f"{checkpoint.source}: {error}") from error
    return config, dict(checkpoint.encoder)


def load_weights(encoder: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load weights that ``read`` gave; they hold no adapters.

    A random mask embedding stays if there is none.

    Raises
    ------
    InputError
        If the encoder has other parameters than they are for.
    """
    report = encoder.load_state_dict(weights, strict=False)
    new = {name for name in report.missing_keys if is_adapter(name)}
    missing = sorted(set(report.missing_keys) - new - {MASK})
    if missing or report.unexpected_keys:
        raise InputError(
            f"the checkpoint is for another encoder: missing {missing[:5]}, unexpected "
            f"{report.unexpected_keys[:5]}"
        )


def write(
    encoder: nn.Module,
    folder: Path,
    layout: str,
    heads: Mapping[str, Tensor] | None = None,
) -> None:
    """Write an encoder into a folder that ``read`` and the layout's owner load.

    Adapters are merged into the weights that are written.

    Parameters
    ----------
    encoder : XLSR
    folder : Path
        Made if absent.
    layout : str
        One of ``checkpoints.LAYOUTS``.
    heads : mapping of str to Tensor, optional
        Tensors of heads, as ``Checkpoint`` has them.

    Raises
    ------
    InputError
        If there is no such layout.
    """
    fields = asdict(encoder.config) | {"lora_rank": 0}
    checkpoint = Checkpoint(
        source="this encoder",
        layout=layout,
        sizes={name: fields[name] for name in SIZES},
        encoder=merged_state(encoder),
        heads=heads or {},
        options={name: fields[name] for name in fields if name not in SIZES},
    )
    write_files(prepared(checkpoint, layout).checkpoint, folder)
