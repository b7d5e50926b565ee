"""``xlsr-sb shard``: the speech of a manifest in large tar files."""

import argparse
import sys

from xlsr_sb.cli.parsing import add_command
from xlsr_sb.data.sharding import FAILED, make_shards
from xlsr_sb.data.shards import Shard


def add_to(commands) -> None:
    """Add the command ``shard`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args("shard train.csv shards --workers 8".split()).workers
    8
    """
    parser = add_command(commands, "shard", _shard)
    parser.add_argument("manifest", help="CSV file; or a folder of shards")
    parser.add_argument("folder", help="to write into; the same command goes on there")
    parser.add_argument(
        "--seconds-per-shard",
        type=float,
        default=36_000.0,
        help="default: %(default)s, some 700 MB",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="processes, each at one shard; default: %(default)s",
    )


def _shard(arguments: argparse.Namespace) -> None:
    """Pack speech into tar shards of FLAC files, with an index to train from.

    Shards that are there are kept; the exit code is 1 if a file could not be read.
    """
    totals = make_shards(
        arguments.manifest,
        arguments.folder,
        seconds_per_shard=arguments.seconds_per_shard,
        workers=arguments.workers,
        report=_report,
    )
    hours = sum(totals.seconds.values()) / 3600
    languages = len({language for _, language in totals.seconds})
    print(
        f"{arguments.folder}: {totals.shards} shards, {totals.utterances} utterances, "
        f"{hours:.2f} h, {languages} languages, {totals.num_bytes / 1e6:.1f} MB"
    )
    if totals.failures:
        print(
            f"{totals.failures} utterances could not be read: "
            f"{arguments.folder}/{FAILED}",
            file=sys.stderr,
        )
        sys.exit(1)


def _report(shard: Shard) -> None:
    """Print a line about a shard, and one about each file that could not be read."""
    for one in shard.failures:
        reason = " ".join(one.reason.split())
        print(f"left out: {one.id}: {reason}", file=sys.stderr)
    hours = sum(one.duration for one in shard.utterances) / 3600
    print(
        f"{shard.name}\t{len(shard.utterances)} utterances\t{hours:.2f} h", flush=True
    )
