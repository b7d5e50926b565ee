"""``xlsr-sb``: what is done with runs after their training.

xlsr-sb export RUN TARGET
xlsr-sb transcribe SOURCE AUDIO... [--csv TABLE.csv]
xlsr-sb results add RUN... [--to RESULTS.csv]
xlsr-sb results show [RESULTS.csv]
xlsr-sb results readme README.md... [--results RESULTS.csv]
xlsr-sb report RUN
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor

from xlsr_sb.data.audio import load_audio
from xlsr_sb.data.text import normalise_text
from xlsr_sb.errors import InputError
from xlsr_sb.export import export_recogniser, load_transcriber
from xlsr_sb.export.folder import HPARAMS, RESULTS
from xlsr_sb.files import open_atomic
from xlsr_sb.hparams import load_hparams
from xlsr_sb.lengths import RECEPTIVE_FIELD, SAMPLE_RATE
from xlsr_sb.manifest import read_manifest
from xlsr_sb.metrics import constant_output_errors
from xlsr_sb.report import learning_curve
from xlsr_sb.results import append_rows, read_rows, summary_table, update_readme
from xlsr_sb.results.tables import latest_runs
from xlsr_sb.run.preparation import OPTIONS
from xlsr_sb.training.journal import CURVE

SECONDS_PER_BATCH = 60.0  # of speech; longer recordings have a batch of their own


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
    arguments = _parser().parse_args(argv)
    try:
        arguments.call(arguments)
    except InputError as error:
        print(_line(error), file=sys.stderr)
        sys.exit(2)


def _export(arguments: argparse.Namespace) -> None:
    """Export the best recogniser of a run."""
    folder = export_recogniser(arguments.run, arguments.target)
    print(f"exported to {folder}; {folder / 'README.md'} says how to use it")


def _transcribe(arguments: argparse.Namespace) -> None:
    """Print a line for each file that can be read; exit with 1 if one cannot."""
    transcriber = load_transcriber(arguments.source)
    transcriber.to("cuda" if torch.cuda.is_available() else "cpu")
    failures: list[InputError] = []
    table = nullcontext() if arguments.csv is None else open_atomic(arguments.csv)
    with table as file:
        writer = None if file is None else csv.writer(file, lineterminator="\n")
        if writer:
            writer.writerow(["path", "text"])
        for batch in _batches(arguments.audio, failures):
            texts = transcriber.transcribe([waveform for _, waveform in batch])
            for (path, _), text in zip(batch, texts, strict=True):
                print(f"{path}\t{text}", flush=True)
                if writer:
                    writer.writerow([path, text])
    if failures:
        sys.exit(1)


def _batches(
    paths: Sequence[str], failures: list[InputError]
) -> Iterator[list[tuple[str, Tensor]]]:
    """Paths and waveforms in their order; what cannot be read is told and collected."""
    batch: list[tuple[str, Tensor]] = []
    seconds = 0.0
    for path in paths:
        try:
            waveform = _load(path)
        except InputError as error:
            print(_line(error), file=sys.stderr)
            failures.append(error)
            continue
        duration = len(waveform) / SAMPLE_RATE
        if batch and seconds + duration > SECONDS_PER_BATCH:
            yield batch
            batch, seconds = [], 0.0
        batch.append((path, waveform))
        seconds += duration
    if batch:
        yield batch


def _load(path: str) -> Tensor:
    """Waveform of a file, long enough for one frame."""
    waveform = load_audio(path)
    if len(waveform) < RECEPTIVE_FIELD:
        raise InputError(
            f"{path} has {len(waveform)} samples at {SAMPLE_RATE} Hz; at least "
            f"{RECEPTIVE_FIELD} are needed"
        )
    return waveform


def _add_results(arguments: argparse.Namespace) -> None:
    """Append the rows of runs to a results file, all of them or none."""
    path = Path(arguments.to)
    known = set(read_rows(path)) if path.exists() else set()
    new = []
    for run in arguments.runs:
        rows = read_rows(Path(run) / RESULTS)
        if not known.isdisjoint(rows):
            raise InputError(
                f"{path} has results of {run} already; nothing was added. Leave that "
                "run out"
            )
        known.update(rows)
        new += rows
    append_rows(path, new)
    print(f"{path}: {len(new)} rows added")


def _show_results(arguments: argparse.Namespace) -> None:
    """Print the last results of each leaf and split."""
    rows = latest_runs(read_rows(arguments.results))
    print(summary_table(rows) if rows else f"{arguments.results} has no rows yet")


def _render_readmes(arguments: argparse.Namespace) -> None:
    """Render the tables of READMEs anew."""
    for readme in arguments.readmes:
        if not Path(readme).is_file():
            raise InputError(f"{readme}: there is no such file")
        print(f"{readme}: {update_readme(readme, arguments.results)} tables")


def _report(arguments: argparse.Namespace) -> None:
    """Draw the learning curve of a run again."""
    run = Path(arguments.run)
    picture = run / "learning_curve.png"
    learning_curve(run / CURVE, picture, constant_cer=_constant_cer(run))
    print(f"learning curve: {picture}")


def _constant_cer(run: Path) -> float | None:
    """CER of the best output that does not listen; None without manifests."""
    prepared = run / "manifests" / OPTIONS
    if not prepared.exists():
        return None
    keep = load_hparams(run / HPARAMS)["data"]["keep_characters"]
    splits = json.loads(prepared.read_text(encoding="utf-8"))["splits"]
    tests = [name for name in splits if name not in ("train", "dev")] or ["dev"]
    scores = []
    for name in tests:
        utterances = read_manifest(prepared.with_name(f"{name}.csv"))
        texts = [normalise_text(u.wrd, u.language, keep=keep) for u in utterances]
        scores.append(constant_output_errors(texts).value)
    return min(scores)


def _line(error: InputError) -> str:
    """An error on one line."""
    return "error: " + " ".join(line.strip() for line in str(error).splitlines())


def _parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    parser = argparse.ArgumentParser(prog="xlsr-sb", description="After the training.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    export = _command(commands, "export", _export)
    export.add_argument("run", help="folder of a run")
    export.add_argument("target", help="folder to make; it must not exist")

    transcribe = _command(commands, "transcribe", _transcribe)
    transcribe.add_argument("source", help="folder of a run, or an exported one")
    transcribe.add_argument("audio", nargs="+", help="WAV, FLAC, OGG, Opus or MP3")
    transcribe.add_argument("--csv", help="table to write as well: path,text")

    results = commands.add_parser("results", help="What is done with results files.")
    actions = results.add_subparsers(required=True, metavar="ACTION")
    add = _command(actions, "add", _add_results)
    add.add_argument("runs", nargs="+", metavar="run", help="folder of a run")
    add.add_argument("--to", default="RESULTS.csv", help="%(default)s by default")
    show = _command(actions, "show", _show_results)
    show.add_argument("results", nargs="?", default="RESULTS.csv")
    readme = _command(actions, "readme", _render_readmes)
    readme.add_argument("readmes", nargs="+", metavar="readme")
    readme.add_argument("--results", default="RESULTS.csv")

    report = _command(commands, "report", _report)
    report.add_argument("run", help="folder of a run")
    return parser


def _command(group, name: str, call) -> argparse.ArgumentParser:
    """Parser of a command, described by the function that it calls."""
    parser = group.add_parser(name, help=call.__doc__, description=call.__doc__)
    parser.set_defaults(call=call)
    return parser
