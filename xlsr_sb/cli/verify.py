"""``xlsr-sb verify``: whether two recordings hold one voice, or lists of them."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
import torch

from xlsr_sb.cli.identify import MODEL
from xlsr_sb.cli.parsing import add_command, one_line
from xlsr_sb.errors import InputError
from xlsr_sb.export import load_classifier, read_calibration
from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.heads.class_file import LANGUAGE
from xlsr_sb.identification import Pairs, Verifying, read_pairs
from xlsr_sb.identification.deciding import (
    PRIOR,
    Decider,
    score_rows,
    summary_lines,
)
from xlsr_sb.metrics.verification import (
    EmbeddingTable,
    TrialList,
    TrialScores,
    cosine_scores,
)
from xlsr_sb.transcription import Recording, find_recordings


def add_to(commands) -> None:
    """Add the command ``verify`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args(["verify", "model", "a.wav", "b.wav"]).recordings
    ['a.wav', 'b.wav']
    """
    parser = add_command(commands, "verify", _verify)
    parser.add_argument("source", help=MODEL)
    parser.add_argument(
        "recordings",
        nargs="*",
        help="enrolment, one file or several of one person, and last the test",
    )
    group = parser.add_argument_group("lists")
    group.add_argument(
        "--trials", metavar="LIST", help="lines: [1 or 0] enrolment test"
    )
    group.add_argument(
        "--audio", metavar="FOLDER", help="or table, with the recordings of the list"
    )
    group.add_argument("--output", metavar="CSV", help="for the scores of the list")
    group = parser.add_argument_group("decision")
    group.add_argument(
        "--prior",
        type=float,
        help="how often it is one person, before listening; needs a calibrated model; "
        f"default: {PRIOR}",
    )
    group.add_argument(
        "--threshold", type=float, help="cosine from which on it is one person"
    )


def _verify(arguments: argparse.Namespace) -> None:
    """Compare the voices of two recordings, or of lists of them.

    The exit code is 1 if a recording cannot be read.
    """
    _check(arguments)
    calibration = read_calibration(arguments.source)
    decider = Decider(calibration, arguments.prior, arguments.threshold)
    pairs = read_pairs(arguments.trials) if arguments.trials else None
    if pairs:
        found = pairs.recordings(find_recordings([arguments.audio]))
    else:
        found = {path: Recording(path, path, path) for path in arguments.recordings}
    way = Verifying(load_classifier(arguments.source))
    if way.classifier.kind == LANGUAGE:
        print(
            f"warning: {arguments.source} was trained to tell languages, not voices",
            file=sys.stderr,
        )
    way.classifier.to("cuda" if torch.cuda.is_available() else "cpu")
    vectors = _embeddings(way, found)
    if pairs:
        _score(pairs, vectors, decider, arguments.output)
    else:
        _compare(arguments.recordings, vectors, decider)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse arguments that do not go together."""
    given = len(arguments.recordings)
    if arguments.trials and (given or not arguments.audio):
        raise InputError(
            "--trials LIST needs --audio FOLDER, and no recordings beside it"
        )
    if not arguments.trials and (arguments.audio or arguments.output):
        raise InputError("--audio and --output belong to --trials LIST")
    if not arguments.trials and given < 2:
        raise InputError(
            f"{given} recordings are given; two are needed, enrolment and test, or "
            "--trials LIST --audio FOLDER"
        )


def _embeddings(way: Verifying, found: dict[str, Recording]) -> dict[str, np.ndarray]:
    """Embeddings by id; what cannot be read is named and left out."""
    names: dict[Recording, list[str]] = {}
    for name, recording in found.items():
        names.setdefault(recording, []).append(name)
    vectors = {}
    for recording, outcome in way.embeddings(names):
        if isinstance(outcome, InputError):
            print(one_line(outcome), file=sys.stderr)
            continue
        vectors |= dict.fromkeys(names[recording], outcome)
    return vectors


def _compare(
    paths: Sequence[str], vectors: dict[str, np.ndarray], decider: Decider
) -> None:
    """Print what is told of an enrolment and a test."""
    *enrolment, test = paths
    if {*paths} - vectors.keys():
        sys.exit(1)
    mean = np.sum([vectors[path] for path in enrolment], axis=0)
    table = EmbeddingTable.of({"enrolment": mean, "test": vectors[test]})
    [score] = cosine_scores(table, TrialList(np.ones(1), ["enrolment"], ["test"]))
    for name, cell in zip(decider.columns, decider.cells(score), strict=True):
        print(f"{name}\t{cell}")


def _score(
    pairs: Pairs, vectors: dict[str, np.ndarray], decider: Decider, path: str | None
) -> None:
    """Write a row for each trial whose recordings were read, and sum up if all were."""
    kept = pairs.among(vectors)
    trials, scores = kept.trials, np.zeros(0)
    if len(trials):
        scores = cosine_scores(EmbeddingTable.of(vectors), trials)
    with nullcontext(sys.stdout) if path is None else open_atomic(path) as file:
        csv_writer(file).writerows(score_rows(kept, scores, decider))
    if lost := len(pairs.trials) - len(trials):
        print(f"{lost} trials have no score; nothing is summed up", file=sys.stderr)
        sys.exit(1)
    if pairs.is_labelled:
        for line in summary_lines(TrialScores(scores, trials.is_target), decider):
            print(line, file=sys.stdout if path else sys.stderr)
