"""Rows of the benchmark in a README."""

from dataclasses import replace

import pytest

from tests.results.test_tables import ROWS
from xlsr_sb.errors import InputError
from xlsr_sb.results import append_rows, check_readme, update_readme
from xlsr_sb.results.comparison import RECIPE, comparison_table

RUN = replace(
    ROWS[0],
    **{"recipe": RECIPE, "hparams": "300m", "group": "transformers", "updates": 3},
    **{"errors": None, "total": None, "command": "xlsr-sb bench"},
)


def row(split, metric, value, **fields):
    return replace(RUN, split=split, metric=metric, value=value, **fields)


BENCH = [
    row("bf16 inference", "s", 2.5),
    row("bf16 inference", "speed x", 1.512),
    row("bf16 training", "s", 12.5),
    row("bf16 training", "speed x", 3.614, group="torchaudio"),
]


def test_a_line_a_work_and_library():
    """Nothing where nothing was measured; what is the same for all is left out."""
    lines = comparison_table(BENCH).splitlines()
    assert lines[:5] == [
        "| work | beside | s | speed x |",
        "|---|---|---:|---:|",
        "| bf16 inference | transformers | 2.50 | 1.51 |",
        "| bf16 training | transformers | 12.5 |  |",
        "| bf16 training | torchaudio |  | 3.61 |",
    ]
    assert lines[6].startswith("`xlsr-sb bench`: median of 3 pairs, ")
    assert comparison_table(BENCH[:1]).startswith("| work | s |")


def test_a_readme_shows_them(tmp_path):
    """Chosen as other rows are; an edited number is found."""
    results, readme = tmp_path / "RESULTS.csv", tmp_path / "README.md"
    append_rows(results, [*ROWS, *BENCH])
    name = f"recipe={RECIPE} hparams=300m"
    readme.write_text(f"<!-- results:{name} -->\n<!-- /results -->\n")
    assert update_readme(readme, results) == check_readme(readme, results) == 1
    assert comparison_table(BENCH) in readme.read_text()
    readme.write_text(readme.read_text().replace("3.61", "4.61"))
    with pytest.raises(InputError, match="differs from"):
        check_readme(readme, results)
