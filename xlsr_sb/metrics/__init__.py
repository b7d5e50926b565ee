"""Error rates and scores of every task, how sure they are, and files for NIST."""

from xlsr_sb.metrics.bootstrap import (
    Difference,
    Interval,
    bootstrap_interval,
    paired_difference,
)
from xlsr_sb.metrics.classification import (
    ConfusionMatrix,
    confusion_matrix,
    count_answers,
    count_top_answers,
    duration_groups,
)
from xlsr_sb.metrics.classification_mean import ClassMean, macro_error
from xlsr_sb.metrics.classification_table import (
    ClassificationRow,
    classification_table,
    write_classification_table,
)
from xlsr_sb.metrics.constant import constant_answer, constant_output_errors
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
from xlsr_sb.metrics.translation import (
    TRANSLATION_METRICS,
    TranslationCounts,
    TranslationScore,
    bleu_tokenizer,
    count_translations,
)
from xlsr_sb.metrics.translation_bootstrap import (
    Gain,
    translation_gain,
    translation_interval,
)
from xlsr_sb.metrics.translation_table import (
    TranslationRow,
    mean_score,
    translation_table,
    write_translation_table,
)

__all__ = [
    "METRICS",
    "TRANSLATION_METRICS",
    "ClassMean",
    "ClassificationRow",
    "ConfusionMatrix",
    "Difference",
    "ErrorCounts",
    "Gain",
    "Interval",
    "Score",
    "ScoreRow",
    "Segment",
    "TimedWord",
    "Transcription",
    "TranslationCounts",
    "TranslationRow",
    "TranslationScore",
    "alignment_report",
    "bleu_tokenizer",
    "bootstrap_interval",
    "character_errors",
    "classification_table",
    "confusion_matrix",
    "constant_answer",
    "constant_output_errors",
    "count_answers",
    "count_errors",
    "count_top_answers",
    "count_translations",
    "duration_groups",
    "macro_error",
    "mean_score",
    "paired_difference",
    "read_trn",
    "sclite_counts",
    "score_table",
    "symbol_errors",
    "translation_gain",
    "translation_interval",
    "translation_table",
    "word_errors",
    "write_classification_table",
    "write_ctm",
    "write_score_table",
    "write_stm",
    "write_translation_table",
    "write_trn",
]
