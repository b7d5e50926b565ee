"""Sizes of a run's encoder, so that it is built again without its first weights."""

import json
from dataclasses import asdict
from pathlib import Path

from xlsr_sb.encoder import XLSRConfig
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic

SIZES = "encoder.json"


def write_sizes(folder: Path, config: XLSRConfig) -> None:
    """Write the configuration of an encoder into the folder of its run.

    Parameters
    ----------
    folder : Path
    config : XLSRConfig

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> write_sizes(folder, XLSRConfig.preset("tiny"))
    >>> read_sizes(folder) == XLSRConfig.preset("tiny")
    True
    """
    with open_atomic(folder / SIZES) as file:
        json.dump(asdict(config), file, indent=2)


def read_sizes(folder: Path) -> XLSRConfig:
    """Configuration of a run's encoder.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    path = folder / SIZES
    try:
        return XLSRConfig(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} cannot be used: {error}") from error
