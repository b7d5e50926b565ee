"""Our encoder, loader and decoder beside other libraries', on this machine."""

from xlsr_sb.bench.cases import Case, Settings
from xlsr_sb.bench.lines import Line, csv_text, result_rows, text_table
from xlsr_sb.bench.suite import run_bench

__all__ = [
    "Case",
    "Line",
    "Settings",
    "csv_text",
    "result_rows",
    "run_bench",
    "text_table",
]
