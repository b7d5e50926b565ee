"""``xlsr-sb bench``: our encoder beside other libraries', measured on this machine."""

import argparse
import sys
import time
from pathlib import Path

from xlsr_sb.errors import InputError

QUICK = {"sizes": "tiny", "batches": "short", "pairs": 1}


def add_to(commands) -> None:
    """Add the command ``bench`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args(["bench", "--quick"]).quick
    True
    """
    text = "Measure ours beside transformers and torchaudio."
    parser = commands.add_parser("bench", help=text, description=text)
    parser.set_defaults(call=run)
    for name, default in (
        ("sizes", "tiny,300m"),
        ("dtypes", "fp32,bf16"),
        ("works", "inference,training,plain,pretraining; not translation"),
        ("batches", "ramp; mixed for tiny"),
        ("peers", "transformers,torchaudio; may be empty"),
        ("parts", "encoder,loader,decoding,translating"),
    ):
        parser.add_argument(f"--{name}", metavar="A,B", help=f"default: {default}")
    parser.add_argument("--pairs", type=int, help="of each comparison; default: 3")
    parser.add_argument("--threads", type=int, help="of each side; default: all cores")
    parser.add_argument(
        "--device", help="cpu or cuda; default: cuda where there is one"
    )
    parser.add_argument("--quick", action="store_true", help="see that it works: 1 min")
    parser.add_argument("--csv", metavar="FILE", help="table to write as well")
    parser.add_argument("--results", metavar="FILE", help="results file to append to")


def run(arguments: argparse.Namespace) -> None:
    """Measure, print the table, write the files that are asked for."""
    # Slow to import, and no other command needs it.
    from xlsr_sb.bench import run_bench, text_table
    from xlsr_sb.bench.recording import append_results, write_csv

    settings = _settings(arguments)
    _check_folders(arguments)
    begin, lines = time.monotonic(), []
    try:
        lines.extend(run_bench(settings, report=_report))
    finally:  # hours of measuring are not lost to the last case
        if lines:
            print(text_table(lines))
        if lines and arguments.csv:
            write_csv(arguments.csv, lines)
    if arguments.results:
        minutes = (time.monotonic() - begin) / 60
        options = {"minutes": minutes, "command": arguments.command}
        number = append_results(arguments.results, lines, settings, **options)
        print(f"\n{arguments.results}: {number} rows added")


def _settings(arguments: argparse.Namespace):
    """Settings of the options that were given."""
    from xlsr_sb.bench import Settings

    given = {name: getattr(arguments, name) for name in ("pairs", "threads", "device")}
    for name in ("sizes", "dtypes", "works", "batches", "peers", "parts"):
        given[name] = getattr(arguments, name)
    if arguments.quick:
        given = {k: QUICK.get(k) if v is None else v for k, v in given.items()}
    for name, value in given.items():
        if isinstance(value, str) and name != "device":
            given[name] = [part.strip() for part in value.split(",") if part.strip()]
    options = {name: value for name, value in given.items() if value is not None}
    return Settings(**options, quick=arguments.quick)


def _check_folders(arguments: argparse.Namespace) -> None:
    """Refuse now what could not be written in half an hour."""
    for path in filter(None, (arguments.csv, arguments.results)):
        if not Path(path).absolute().parent.is_dir():
            raise InputError(f"{path}: its folder does not exist; make it first")
        if Path(path).is_dir():
            raise InputError(f"{path} is a folder; name a file")


def _report(what: str) -> None:
    """Say what is being done, apart from the table."""
    print(what, file=sys.stderr, flush=True)
