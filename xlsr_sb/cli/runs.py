"""``xlsr-sb export``, ``results`` and ``report``: what is done with finished runs."""

import argparse
import json
from pathlib import Path

from xlsr_sb.cli.parsing import add_command, add_language_to
from xlsr_sb.data.class_columns import class_of
from xlsr_sb.data.text import CHARACTERS, transcript_of
from xlsr_sb.errors import InputError
from xlsr_sb.export import (
    export_classifier,
    export_recogniser,
    export_translator,
    is_classification_run,
    is_translation_run,
)
from xlsr_sb.export.classifier_layouts import LAYOUTS
from xlsr_sb.export.folder import HPARAMS, RESULTS
from xlsr_sb.export.runs import shared
from xlsr_sb.hparams import load_hparams
from xlsr_sb.manifest import Utterance, read_manifest
from xlsr_sb.metrics import Score, constant_answer
from xlsr_sb.report import learning_curve
from xlsr_sb.results import append_rows, read_rows, summary_table, update_readme
from xlsr_sb.results.means import mean_rows
from xlsr_sb.results.tables import latest_runs
from xlsr_sb.run.preparation import OPTIONS
from xlsr_sb.tasks.scoring import baseline_of
from xlsr_sb.training.journal import CURVE


def add_to(commands) -> None:
    """Add the commands ``export``, ``results`` and ``report`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args(["results", "show"]).results
    'RESULTS.csv'
    """
    export = add_command(commands, "export", _export)
    export.add_argument("run", help="folder of a run")
    export.add_argument("target", help="folder to make; it must not exist")
    add_language_to(export)
    export.add_argument(
        "--layout",
        choices=LAYOUTS,
        help="of a classification run: nothing but a model of that implementation",
    )

    results = commands.add_parser("results", help="What is done with results files.")
    actions = results.add_subparsers(required=True, metavar="ACTION")
    add = add_command(actions, "add", _add_results)
    add.add_argument("runs", nargs="+", metavar="run", help="folder of a run")
    add.add_argument("--to", default="RESULTS.csv", help="%(default)s by default")
    mean = add_command(actions, "mean", _add_means)
    mean.add_argument("results", nargs="?", default="RESULTS.csv")
    mean.add_argument("--recipe", help="of this recipe only")
    mean.add_argument("--hparams", help="of this leaf only")
    show = add_command(actions, "show", _show_results)
    show.add_argument("results", nargs="?", default="RESULTS.csv")
    readme = add_command(actions, "readme", _render_readmes)
    readme.add_argument("readmes", nargs="+", metavar="readme")
    readme.add_argument("--results", default="RESULTS.csv")

    report = add_command(commands, "report", _report)
    report.add_argument("run", help="folder of a run")


def _export(arguments: argparse.Namespace) -> None:
    """Export the best recogniser, translator or classifier of a run."""
    run, target, language = arguments.run, arguments.target, arguments.language
    is_classifier = is_classification_run(Path(run))
    is_translator = is_translation_run(Path(run))
    if language is not None and (is_classifier or is_translator):
        raise InputError(shared(run, language))
    if arguments.layout and not is_classifier:
        raise InputError(
            f"--layout {arguments.layout} is for classification runs; of another, "
            "export the run without it, and `xlsr-sb convert` what was exported"
        )
    if is_classifier:
        folder = export_classifier(run, target, layout=arguments.layout)
    elif is_translator:
        folder = export_translator(run, target)
    else:
        folder = export_recogniser(run, target, language=language)
    said = "" if arguments.layout else f"; {folder / 'README.md'} says how to use it"
    print(f"exported to {folder}{said}")


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


def _add_means(arguments: argparse.Namespace) -> None:
    """Append means and standard deviations over seeds, as far as they are new."""
    rows = read_rows(arguments.results)
    wanted = {
        name: value
        for name in ("recipe", "hparams")
        if (value := getattr(arguments, name)) is not None
    }
    chosen = [
        row
        for row in rows
        if all(getattr(row, name) == value for name, value in wanted.items())
    ]
    known = set(rows)
    new = [row for row in mean_rows(chosen) if row not in known]
    append_rows(arguments.results, new)
    print(f"{arguments.results}: {len(new)} rows added")


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
    learning_curve(run / CURVE, picture, constant_rate=_constant_rate(run))
    print(f"learning curve: {picture}")


def _constant_rate(run: Path) -> float | None:
    """Errors of the best answer that does not listen; None without manifests."""
    prepared = run / "manifests" / OPTIONS
    if not prepared.exists():
        return None
    hparams = load_hparams(run / HPARAMS)
    settings = hparams["data"]
    splits = json.loads(prepared.read_text(encoding="utf-8"))["splits"]
    tests = [name for name in splits if name not in ("train", "dev")] or ["dev"]
    if kind := settings.get("classes"):
        compared = (hparams.get("trials") or {}).get("split")
        tests = [name for name in tests if name != compared]
        rates = [
            constant_answer([class_of(one, kind) for one in _read(prepared, name)])
            for name in tests
        ]
    elif "keep_characters" in settings:
        rates = [_constant_text(_read(prepared, name), settings) for name in tests]
    else:  # pretraining: nothing is transcribed
        rates = []
    return min((one.value for one in rates), default=None)


def _read(prepared: Path, split: str) -> list[Utterance]:
    """Utterances of a split of the run."""
    return read_manifest(prepared.with_name(f"{split}.csv"))


def _constant_text(utterances: list[Utterance], settings: dict) -> Score:
    """Errors of the best text that is the same for all."""
    units, keep = settings.get("units", CHARACTERS), settings["keep_characters"]
    texts = [
        transcript_of(one.wrd, one.language, units=units, keep=keep)
        for one in utterances
    ]
    return baseline_of(texts, units=units)
