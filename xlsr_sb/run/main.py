"""The order of events of a run, nothing else."""

import logging
import sys
from pathlib import Path

import speechbrain as sb
import torch

from xlsr_sb.errors import InputError
from xlsr_sb.hparams import load_hparams, parse_command_line, write_flat
from xlsr_sb.results import recorded_command
from xlsr_sb.run.experiment import open_folder
from xlsr_sb.run.preparation import find_prepare, manifests
from xlsr_sb.run.training import TrainingRun
from xlsr_sb.training import distributed

logger = logging.getLogger(__name__)


def main(task: type, *, recipe: str, argv: list[str] | None = None) -> None:
    """Run a recipe: prepare, train, evaluate, write the results.

    Parameters
    ----------
    task : type
        A Brain, such as ``xlsr_sb.tasks.recognition.Recognition``.
    recipe : str
        The recipe's ``train.py`` (``__file__`` there).
    argv : list of str, optional
        Command line without the program; ``sys.argv`` by default.

    Notes
    -----
    What a user can mend ends with one line and exit code 2; the traceback is in the
    log.
    """
    try:
        run_recipe(task, recipe, sys.argv[1:] if argv is None else argv)
    except (InputError, OSError) as error:  # OSError: a disk that is full or gone
        logger.info("stopped by", exc_info=True)
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def run_recipe(task: type, recipe: str, argv: list[str]) -> None:
    """Do what ``main`` says; raises instead of exiting."""
    path, run_opts, overrides = parse_command_line(argv)
    sb.utils.distributed.ddp_init_group(run_opts)
    hparams = load_hparams(path, overrides)
    folder = open_folder(hparams["output_folder"], recipe)
    distributed.on_main(
        lambda: write_flat(path, overrides, folder / "hyperparams.yaml")
    )
    splits = manifests(folder / "manifests", find_prepare(recipe), hparams["prepare"])
    run = TrainingRun(task, hparams, run_opts, folder, splits)
    if run.train():
        command = recorded_command(f"python {Path(recipe).name}", argv)
        run.evaluate(recipe, path, command)
