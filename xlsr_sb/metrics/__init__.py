"""Error rates that add up, how sure they are, and files for NIST's scoring tools."""

from xlsr_sb.metrics.bootstrap import (
    Difference,
    Interval,
    bootstrap_interval,
    paired_difference,
)
from xlsr_sb.metrics.constant import constant_output_errors
from xlsr_sb.metrics.counts import (
    METRICS,
    ErrorCounts,
    character_errors,
    count_errors,
    symbol_errors,
    word_errors,
)
from xlsr_sb.metrics.nist import (
    Segment,
    TimedWord,
    Transcription,
    read_trn,
    write_ctm,
    write_stm,
    write_trn,
)
from xlsr_sb.metrics.report import alignment_report
from xlsr_sb.metrics.sclite import sclite_counts
from xlsr_sb.metrics.score import Score
from xlsr_sb.metrics.table import ScoreRow, score_table, write_score_table

__all__ = [
    "METRICS",
    "Difference",
    "ErrorCounts",
    "Interval",
    "Score",
    "ScoreRow",
    "Segment",
    "TimedWord",
    "Transcription",
    "alignment_report",
    "bootstrap_interval",
    "character_errors",
    "constant_output_errors",
    "count_errors",
    "paired_difference",
    "read_trn",
    "sclite_counts",
    "score_table",
    "symbol_errors",
    "word_errors",
    "write_ctm",
    "write_score_table",
    "write_stm",
    "write_trn",
]
