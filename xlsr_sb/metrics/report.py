"""Alignments of utterances as text for people."""

from collections.abc import Sequence
from io import StringIO

import jiwer
from speechbrain.dataio.wer import print_alignments, print_wer_summary
from speechbrain.utils.edit_distance import wer_details_for_batch, wer_summary


def alignment_report(
    ids: Sequence[str], references: Sequence[str], hypotheses: Sequence[str]
) -> str:
    """Text of SpeechBrain's ``wer.txt``: word errors, then each alignment.

    Parameters
    ----------
    ids, references, hypotheses : sequence of str
        One entry an utterance, in the same order.

    Returns
    -------
    str

    Example
    -------
    >>> report = alignment_report(["u1"], ["a b"], ["a"]).splitlines()
    >>> print(report[0], *report[-3:], sep="|")
    %WER 50.00 [ 1 / 2, 0 ins, 1 del, 0 sub ]|a ;   b  |= ;   D  |a ; <eps>
    """
    details = []
    # One by one: in one call, utterances of the same id would replace each other.
    for name, *texts in zip(ids, references, hypotheses, strict=True):
        words = map(jiwer.wer_default, texts)  # split as in `word_errors`
        details += wer_details_for_batch([name], *words, compute_alignments=True)
    report = StringIO()
    if details:  # SpeechBrain divides by their number
        print_wer_summary(wer_summary(details), file=report)
        print_alignments(details, file=report)
    return report.getvalue()
