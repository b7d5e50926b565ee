"""Alignments for people."""

from speechbrain.utils.metric_stats import ErrorRateStats

from xlsr_sb.metrics import alignment_report


def test_report_is_that_of_speechbrain(tmp_path):
    ids = ["u1", "u2", "u3"]
    references, hypotheses = ["a b c", "", "d"], ["a x c e", "f", ""]
    stats = ErrorRateStats()
    words = [[text.split() for text in texts] for texts in (hypotheses, references)]
    stats.append(ids, *words)
    with open(tmp_path / "wer.txt", "w") as file:
        stats.write_stats(file)
    report = alignment_report(ids, references, hypotheses)
    assert report == (tmp_path / "wer.txt").read_text()
    assert report.startswith("%WER 100.00 [ 4 / 4, 2 ins, 1 del, 1 sub ]")


def test_report_keeps_utterances_of_one_id():
    report = alignment_report(["u", "u"], ["a", "b c"], ["a", "b"])
    assert report.startswith("%WER 33.33 [ 1 / 3,")
    assert report.count("\nu, %WER") == 2


def test_report_of_nothing_is_empty():
    assert alignment_report([], [], []) == ""
