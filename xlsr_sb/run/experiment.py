"""The folder of a run: settings, code, environment and log, enough to repeat it."""

import logging
import platform
import shutil
import sys
from importlib.metadata import distributions
from pathlib import Path

import torch

from xlsr_sb.errors import InputError
from xlsr_sb.results import git_commit
from xlsr_sb.training import distributed

logger = logging.getLogger(__name__)
LOG = "log.txt"


def open_folder(folder: str, recipe: str) -> Path:
    """Make the folder of a run and send the log into it.

    Parameters
    ----------
    folder : str
        ``output_folder`` of the hyperparameters.
    recipe : str
        The recipe's ``train.py``; it is copied.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    path = Path(folder)
    try:
        if distributed.is_main():
            path.mkdir(parents=True, exist_ok=True)
            shutil.copy(recipe, path / Path(recipe).name)
            (path / "env.log").write_text(_environment(recipe))
            _log_to(path / LOG)
    except OSError as error:
        raise InputError(
            f"output_folder {folder} cannot be written: {error.strerror or error}"
        ) from error
    distributed.barrier()
    return path


def _environment(recipe: str) -> str:
    """What the run is made with: code, machine, and every package of this Python.

    SpeechBrain asks whatever ``pip`` comes first on the path, which takes long and may
    be that of another Python.
    """
    packages = sorted({f"{one.name}=={one.version}" for one in distributions()})
    facts = [
        f"commit {git_commit(Path(recipe).parent)}",
        f"Python {sys.version}",
        platform.platform(),
        f"CUDA {torch.version.cuda if torch.cuda.is_available() else 'not available'}",
    ]
    return "\n".join([*facts, *packages, ""])


def _log_to(path: Path) -> None:
    """Everything into the file, warnings to the terminal as well."""
    file = logging.FileHandler(path, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING)
    terminal.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[file, terminal], force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a full disk is said once, by what must be written
    logger.info("command: %s", " ".join(sys.argv))
