"""Finished runs as rows of RESULTS.csv, and every table that is made of them."""

from xlsr_sb.results.command import recorded_command
from xlsr_sb.results.commit import git_commit
from xlsr_sb.results.readme import (
    check_readme,
    render_between_markers,
    update_readme,
)
from xlsr_sb.results.rows import ResultRow, append_rows, read_rows
from xlsr_sb.results.tables import markdown_table, summary_table

__all__ = [
    "ResultRow",
    "append_rows",
    "check_readme",
    "git_commit",
    "markdown_table",
    "read_rows",
    "recorded_command",
    "render_between_markers",
    "summary_table",
    "update_readme",
]
