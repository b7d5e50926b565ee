"""How much of language and letters stands in frozen features, read off linearly."""

from xlsr_sb.probe.language import probe_language
from xlsr_sb.probe.letters import probe_letters
from xlsr_sb.probe.lines import ProbeLine, result_rows, text_table
from xlsr_sb.probe.models import load_model

__all__ = [
    "ProbeLine",
    "load_model",
    "probe_language",
    "probe_letters",
    "result_rows",
    "text_table",
]
