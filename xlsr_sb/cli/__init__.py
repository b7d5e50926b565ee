"""``xlsr-sb``: what is done with models and runs outside of training.

xlsr-sb export RUN TARGET
xlsr-sb transcribe SOURCE AUDIO... [--output FOLDER --format srt json ...]
xlsr-sb translate SOURCE AUDIO... --to LANGUAGE [--output FOLDER --format srt json ...]
xlsr-sb identify SOURCE AUDIO... [--top N --timeline --output FOLDER ...]
xlsr-sb verify SOURCE ENROLMENT... TEST
xlsr-sb verify SOURCE --trials LIST --audio FOLDER [--output CSV]
xlsr-sb build-lm SOURCE... --to LM.arpa.gz
xlsr-sb tune-lm MODEL DEV.csv --lm LM
xlsr-sb score REF HYP [OTHER]
xlsr-sb features SOURCE AUDIO... --to FOLDER
xlsr-sb convert SOURCE TARGET --to LAYOUT
xlsr-sb shard MANIFEST FOLDER
xlsr-sb probe MODEL... --manifest TRAIN.csv --test TEST.csv
xlsr-sb bench
xlsr-sb results add RUN... [--to RESULTS.csv]
xlsr-sb results show [RESULTS.csv]
xlsr-sb results readme README.md... [--results RESULTS.csv]
xlsr-sb report RUN
"""

import argparse
import sys
from collections.abc import Sequence

from xlsr_sb.cli import (
    bench,
    build_lm,
    convert,
    features,
    identify,
    probe,
    runs,
    score,
    shard,
    transcribe,
    translate,
    tune_lm,
    verify,
)
from xlsr_sb.cli.parsing import one_line
from xlsr_sb.errors import InputError
from xlsr_sb.results import recorded_command

GROUPS = (
    runs,
    transcribe,
    translate,
    identify,
    verify,
    build_lm,
    tune_lm,
    score,
    features,
    convert,
    shard,
    probe,
    bench,
)  # each adds its commands with ``add_to``


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command of ``xlsr-sb``.

    Parameters
    ----------
    argv : sequence of str, optional
        Command line without the program; ``sys.argv`` by default.

    Notes
    -----
    What a user can mend ends with one line and exit code 2.

    Example
    -------
    >>> path = getfixture("tmp_path") / "README.md"
    >>> _ = path.write_text("No table at all.")
    >>> main(["results", "readme", str(path)])  # doctest: +ELLIPSIS
    /.../README.md: 0 tables
    """
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = _parser().parse_args(words)
    arguments.command = recorded_command("xlsr-sb", words)
    try:
        arguments.call(arguments)
    except InputError as error:
        print(one_line(error), file=sys.stderr)
        sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    parser = argparse.ArgumentParser(
        prog="xlsr-sb", description="Before and after the training."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add_to(commands)
    return parser
