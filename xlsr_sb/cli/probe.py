"""``xlsr-sb probe``: what a linear layer reads off frozen features."""

import argparse
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import torch

from xlsr_sb.errors import InputError
from xlsr_sb.manifest import read_manifest
from xlsr_sb.results import ResultRow, append_rows, git_commit

TARGETS = ("language", "letters")
SEED = 1986


def add_to(commands) -> None:
    """Add the command ``probe`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> words = ["probe", "a.pt", "random:a.pt", "--manifest", "x.csv", "--test", "y"]
    >>> parser.parse_args(words).models
    ['a.pt', 'random:a.pt']
    """
    text = "Read language or letters linearly off frozen features."
    parser = commands.add_parser("probe", help=text, description=text)
    parser.set_defaults(call=_probe)
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="encoder (folder, file, hub id); random:tiny, random:300m or "
        "random:MODEL for random weights of that size",
    )
    for name, help_ in (("manifest", "to train on"), ("test", "to score")):
        parser.add_argument(f"--{name}", required=True, metavar="CSV", help=help_)
    parser.add_argument(
        "--layer",
        default="all",
        metavar="all|N",
        help="0 is the input of the first layer; default: %(default)s",
    )
    parser.add_argument(
        "--target", choices=TARGETS, default=TARGETS[0], help="default: %(default)s"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="default: %(default)s")
    parser.add_argument("--output", metavar="CSV", help="results file to append to")


def _probe(arguments: argparse.Namespace) -> None:
    """Probe every model, print the table, append to the results file."""
    # Slow to import, and no other command needs it.
    from xlsr_sb.probe import result_rows, text_table

    if arguments.output and not Path(arguments.output).absolute().parent.is_dir():
        raise InputError(f"{arguments.output}: its folder does not exist; make it")
    begin, lines = time.monotonic(), []
    try:
        lines.extend(_lines(arguments))
    finally:  # what was found is not lost to the last model
        if lines:
            print(text_table(lines))
    if arguments.output:
        rows = result_rows(lines, _run(arguments, time.monotonic() - begin))
        append_rows(arguments.output, rows)
        print(f"\n{arguments.output}: {len(rows)} rows added")


def _lines(arguments: argparse.Namespace) -> Iterator:
    """Lines of every model, as they come."""
    from xlsr_sb.probe import load_model, probe_language, probe_letters

    probes = {"language": probe_language, "letters": probe_letters}
    train, test = (read_manifest(path) for path in (arguments.manifest, arguments.test))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for model in dict.fromkeys(arguments.models):
        encoder = load_model(model, seed=arguments.seed)
        layers = _layers(arguments.layer, encoder.config)
        yield from probes[arguments.target](
            encoder.to(device),
            train,
            test,
            model=model,
            layers=layers,
            seed=arguments.seed,
        )


def _layers(layer: str, config) -> list[int]:
    """Numbers of the layers that were asked for."""
    if layer == "all":
        return list(range(config.num_layers + 1))
    if not layer.isdecimal():
        raise InputError(f"--layer must be `all` or a number from 0 on, got {layer!r}")
    return [config.top_layer(int(layer))]


def _run(arguments: argparse.Namespace, seconds: float) -> ResultRow:
    """What all rows of a results file share."""
    from xlsr_sb.probe.lines import RECIPE

    is_gpu = torch.cuda.is_available()
    return ResultRow(
        recipe=RECIPE,
        hparams="",
        split=Path(arguments.test).stem,
        group="",
        metric="",
        value=0.0,
        errors=None,
        total=None,
        clips=0,
        updates=0,
        minutes=round(seconds / 60, 1),
        seed=arguments.seed,
        commit=git_commit(Path(__file__).parent),
        command=arguments.command,
        device=torch.cuda.get_device_name() if is_gpu else "cpu",
        date=date.today().isoformat(),
    )
