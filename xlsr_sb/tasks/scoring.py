"""From transcripts to error rates: of each language and speaker, and of all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from xlsr_sb.data.text import TOKENS, one_character_each
from xlsr_sb.manifest import Utterance
from xlsr_sb.metrics import (
    ErrorCounts,
    Score,
    Transcription,
    alignment_report,
    constant_output_errors,
    count_errors,
    score_table,
    write_score_table,
    write_trn,
)
from xlsr_sb.metrics.table import SPEAKER
from xlsr_sb.training.evaluation import Evaluation, GroupScore


@dataclass(frozen=True)
class Recognised:
    """What was recognised of one utterance.

    Parameters
    ----------
    utterance : Utterance
        With its reference in ``wrd``.
    hypothesis : str
    """

    utterance: Utterance
    hypothesis: str


def metrics_of(units: str) -> tuple[str, ...]:
    """Names of the error rates of a vocabulary's units; the last one is decisive.

    Example
    -------
    >>> metrics_of("characters"), metrics_of("tokens")
    (('WER', 'CER'), ('PER',))
    """
    return ("PER",) if units == TOKENS else ("WER", "CER")


def best_metric_of(units: str) -> str:
    """Name of the error rate by which the best checkpoint is chosen.

    Example
    -------
    >>> best_metric_of("characters")
    'CER'
    """
    return metrics_of(units)[-1]


def errors_of(transcripts: Sequence[Recognised], *, units: str) -> list[ErrorCounts]:
    """Errors of each utterance, by each error rate of the units.

    Example
    -------
    >>> clip = Utterance("a", "a.wav", 1.0, wrd="oui non")
    >>> words, letters = errors_of([Recognised(clip, "oui")], units="characters")
    >>> words.score().value, letters.errors.tolist()
    (0.5, [4])
    """
    references = [one.utterance.wrd for one in transcripts]
    hypotheses = [one.hypothesis for one in transcripts]
    return [count_errors(name, references, hypotheses) for name in metrics_of(units)]


def baseline_of(references: Sequence[str], *, units: str) -> Score:
    """Errors of the best output found that does not listen.

    Parameters
    ----------
    references : sequence of str
    units : str
        ``characters``, or ``tokens`` with spaces between.

    Example
    -------
    >>> baseline_of(["t a", "t a", "o"], units="tokens").value
    0.4
    """
    if units != TOKENS:
        return constant_output_errors(references)
    (spelt,) = one_character_each(references)
    return replace(constant_output_errors(spelt), name=best_metric_of(units))


def evaluation_of(transcripts: Sequence[Recognised], *, units: str) -> Evaluation:
    """Scores of a test set, with intervals, every alignment, and files for sclite.

    Parameters
    ----------
    transcripts : sequence of Recognised
        Of all its utterances.
    units : str
        Of the vocabulary.
    """
    utterances = [one.utterance for one in transcripts]
    references = [one.wrd for one in utterances]
    table = score_table(
        errors_of(transcripts, units=units),
        languages=[one.language for one in utterances],
        speakers=[one.spk_id for one in utterances],
    )
    scores = [
        GroupScore(row.group, row.score, row.clips, row.interval)
        for row in table
        if row.kind != SPEAKER and row.score.total  # some have clips without speech
    ]
    ids = [one.id for one in utterances]
    hypotheses = [one.hypothesis for one in transcripts]
    return Evaluation(
        scores,
        report=alignment_report(ids, references, hypotheses),
        baseline=baseline_of(references, units=units),
        files={
            "scores.csv": partial(write_score_table, rows=table),
            "ref.trn": partial(
                write_trn, transcriptions=_lines(utterances, references)
            ),
            "hyp.trn": partial(
                write_trn, transcriptions=_lines(utterances, hypotheses)
            ),
        },
    )


def _lines(
    utterances: Sequence[Utterance], texts: Sequence[str]
) -> list[Transcription]:
    """Texts under the names by which a scoring tool matches them."""
    pairs = zip(utterances, texts, strict=True)
    return [Transcription(one.id, text, one.spk_id) for one, text in pairs]
