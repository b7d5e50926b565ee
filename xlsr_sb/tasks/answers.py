"""From probabilities to error rates: by class, duration and source, and of all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from xlsr_sb.data.class_columns import LANGUAGE, class_of
from xlsr_sb.files import csv_writer, open_atomic
from xlsr_sb.manifest import Utterance
from xlsr_sb.metrics import (
    ErrorCounts,
    classification_table,
    confusion_matrix,
    constant_answer,
    count_answers,
    count_top_answers,
    duration_groups,
    write_classification_table,
)
from xlsr_sb.metrics.classification_table import CLASS
from xlsr_sb.report import draw_confusion, draw_embedding_map, write_picture
from xlsr_sb.tasks.classes import Classes
from xlsr_sb.tasks.hearing import Heard
from xlsr_sb.training.evaluation import Evaluation, GroupScore

DRAWN = 2000  # embeddings in a picture
MAX_CLASSES = 150  # in a picture of confusions
LISTED = 5  # answers of a clip in the table of answers
NO_ANSWER = "(unreadable)"


@dataclass(frozen=True, eq=False)
class AnswerSheet:
    """Every clip of a set with what is true and what was answered.

    Parameters
    ----------
    clips : list of Utterance
        Those that cannot be read come last.
    references, answers : list of str
        Classes; the answer of a clip that cannot be read is empty.
    errors : ErrorCounts
    """

    clips: list[Utterance]
    references: list[str]
    answers: list[str]
    errors: ErrorCounts


def answers_of(heard: Heard, kind: str, names: Sequence[str]) -> AnswerSheet:
    """The likeliest class of each clip.

    Parameters
    ----------
    heard : Heard
    kind : str
        What the classes are.
    names : sequence of C str

    Example
    -------
    >>> clip = Utterance("a", "a.wav", 1.0, language="fr")
    >>> heard = Heard([clip], np.array([[0.2, 0.8]]), np.ones((1, 4)), [], 0.1)
    >>> answers_of(heard, "language", ("fr", "it")).answers
    ['it']
    """
    clips = [*heard.clips, *heard.unreadable]
    references = [class_of(one, kind) for one in clips]
    best = heard.probabilities.argmax(axis=1) if heard.clips else []
    answers = [names[place] for place in best] + [""] * len(heard.unreadable)
    return AnswerSheet(clips, references, answers, count_answers(references, answers))


def evaluation_of(heard: Heard, labels: Classes) -> Evaluation:
    """Error rates with intervals, every answer, and pictures.

    Parameters
    ----------
    heard : Heard
    labels : Classes
    """
    sheet = answers_of(heard, labels.kind, labels.names)
    rows = classification_table(
        sheet.references,
        sheet.answers,
        speakers=_people(sheet, labels.kind),
        groups=_groups(sheet, labels),
        more=[_top_errors(heard, sheet, labels)],
    )
    scores = [
        GroupScore(row.group, row.score, row.clips, row.interval)
        for row in rows
        if row.kind != CLASS or labels.kind == LANGUAGE  # speakers are too many
    ]
    return Evaluation(
        scores,
        report=_report(sheet),
        baseline=constant_answer(sheet.references),
        files={
            "scores.csv": partial(write_classification_table, rows=rows),
            "answers.csv": partial(_write_answers, heard=heard, labels=labels),
            **_pictures(heard, sheet, labels.kind),
        },
    )


def _people(sheet: AnswerSheet, kind: str) -> list[str]:
    """Whom the draws of an interval draw: speakers, each of one language alone.

    Where speakers are told apart each draw would keep or lose a class whole, so
    utterances are drawn.
    """
    if kind != LANGUAGE:
        return [""] * len(sheet.clips)
    return [
        f"{one.language}/{one.corpus}/{one.spk_id}" if one.spk_id else ""
        for one in sheet.clips
    ]


def _groups(sheet: AnswerSheet, labels: Classes) -> dict[str, list[str]]:
    """Ranges of durations, and sources where clips have them."""
    seconds = [one.duration for one in sheet.clips]
    edges = labels.scoring["duration_edges"]
    groups = {"duration": duration_groups(seconds, edges=edges)} if edges else {}
    if any(one.corpus for one in sheet.clips):
        groups["source"] = [one.corpus for one in sheet.clips]
    return groups


def _top_errors(heard: Heard, sheet: AnswerSheet, labels: Classes) -> ErrorCounts:
    """Errors of the best few answers; clips that cannot be read are errors."""
    silent = np.full((len(heard.unreadable), labels.num_classes), -1.0)
    top = min(labels.scoring["top"], labels.num_classes)
    known = heard.probabilities.reshape(-1, labels.num_classes)
    counts = count_top_answers(
        sheet.references, np.concatenate([known, silent]), classes=labels.names, top=top
    )
    counts.table[len(heard.clips) :, 1] = 1
    return counts


def _report(sheet: AnswerSheet) -> str:
    """Which classes were taken for which, and every clip that was."""
    wrong = [
        (truth, answer or NO_ANSWER, clip)
        for clip, truth, answer in zip(
            sheet.clips, sheet.references, sheet.answers, strict=True
        )
        if truth != answer
    ]
    lines = [f"{len(wrong)} of {len(sheet.clips)} clips are wrong", ""]
    pairs = Counter((truth, answer) for truth, answer, _ in wrong)
    lines += [f"{n:5d}  {one} -> {other}" for (one, other), n in pairs.most_common()]
    lines += ["", "clip, true class, answer, seconds, file"]
    lines += [
        f"{clip.id}  {truth} -> {answer}  {clip.duration:.2f}  {clip.wav}"
        for truth, answer, clip in wrong
    ]
    return "\n".join([*lines, ""])


def _write_answers(path: Path, *, heard: Heard, labels: Classes) -> None:
    """Table of the likeliest classes of each clip, with their probabilities."""
    number = min(LISTED, labels.num_classes)
    with open_atomic(path) as file:
        writer = csv_writer(file)
        names = [f"{what}_{n + 1}" for n in range(number) for what in ("answer", "p")]
        writer.writerow(["ID", labels.kind, *names])
        for clip, chances in zip(heard.clips, heard.probabilities, strict=True):
            best = np.argsort(-chances, kind="stable")[:number]
            cells = [x for p in best for x in (labels.names[p], f"{chances[p]:.4f}")]
            writer.writerow([clip.id, class_of(clip, labels.kind), *cells])
        for clip in heard.unreadable:
            writer.writerow([clip.id, class_of(clip, labels.kind), *[""] * 2 * number])


def _pictures(heard: Heard, sheet: AnswerSheet, kind: str) -> dict:
    """Pictures by their names: confusions, and embeddings by class."""
    answers = [answer or NO_ANSWER for answer in sheet.answers]

    def confusion(path: Path) -> None:
        matrix = confusion_matrix(sheet.references, answers)
        if len(matrix.classes) <= MAX_CLASSES:
            write_picture(path, draw_confusion(matrix))

    pictures = {
        "confusion.csv": confusion_matrix(sheet.references, answers).write,
        "confusion.png": confusion,
        f"{kind}s.png": partial(write_map, heard=heard, by=kind),
    }
    if kind != LANGUAGE and any(one.language for one in heard.clips):
        pictures[f"{LANGUAGE}s.png"] = partial(write_map, heard=heard, by=LANGUAGE)
    return pictures


def write_map(path: Path, heard: Heard, *, by: str) -> None:
    """Picture of embeddings in two dimensions, with a colour a language or speaker.

    Of very many clips a random part is drawn; without three clips there is none.

    Parameters
    ----------
    path : Path
    heard : Heard
    by : str
        ``language`` or ``speaker``.

    Example
    -------
    >>> clips = [Utterance(name, "a.wav", 1.0, language=name[:2])
    ...          for name in ("fr1", "fr2", "it1")]
    >>> heard = Heard(clips, np.ones((3, 2)) / 2, np.eye(3), [], 0.7)
    >>> path = getfixture("tmp_path") / "languages.png"
    >>> write_map(path, heard, by="language")
    >>> path.exists()
    True
    """
    if len(heard.clips) < 3:
        return
    order = np.random.default_rng(0).permutation(len(heard.clips))[:DRAWN]
    labels = [class_of(heard.clips[place], by) for place in order]
    vectors = heard.embeddings[order]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.maximum(lengths, np.finfo(float).tiny)
    write_picture(path, draw_embedding_map(vectors, labels, title=f"by {by}"))
