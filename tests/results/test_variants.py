"""Runs by several commands side by side, in a README."""

from dataclasses import replace

import pytest

from tests.results.test_means import row
from xlsr_sb.errors import InputError
from xlsr_sb.results import append_rows
from xlsr_sb.results.readme import check_readme, update_readme
from xlsr_sb.results.variants import variants_table

FLAGS = " --decoder.kind beam"


@pytest.fixture
def rows():
    """Two languages by two commands, two metrics; one number was made twice."""
    pairs = [(group, flags) for flags in ("", FLAGS) for group in ("cs", "nl")]
    rows = [
        row(*pair, metric=metric, value=value + place / 10)
        for place, pair in enumerate(pairs)
        for metric, value in (("WER", 0.5), ("CER", 0.2))
    ]
    return [replace(rows[0], value=0.9), *rows]


def test_table(rows):
    """The last number counts; lines and columns are in the order of the rows."""
    lines = variants_table(rows).splitlines()
    assert lines[:4] == [
        "| group | WER % A | WER % B | CER % A | CER % B |",
        "|---|---:|---:|---:|---:|",
        "| cs | 50.0 | 70.0 | 20.0 | 40.0 |",
        "| nl | 60.0 | 80.0 | 30.0 | 50.0 |",
    ]
    assert lines[5] == (
        "A: `python train.py hparams/a.yaml --language GROUP`, 300 updates on cpu, "
        "2 threads, seed 1, commit 1a2b3c4, 2025-01-31"
    )
    assert f"GROUP{FLAGS}`" in lines[7]


def test_what_was_not_run_is_empty(rows):
    """Neither zero nor left out."""
    lines = variants_table([one for one in rows if one.value != 0.8]).splitlines()
    assert lines[3] == "| nl | 60.0 |  | 30.0 | 50.0 |"


def test_readme(tmp_path, rows):
    """Means are not taken for runs; a changed number is found."""
    results, readme = tmp_path / "R.csv", tmp_path / "README.md"
    means = [replace(one, metric="CER mean", value=0.01) for one in rows]
    append_rows(results, [*rows, *means])
    readme.write_text("<!-- results:variants updates=300 --><!-- /results -->\n")
    assert update_readme(readme, results) == 1
    assert variants_table(rows) in readme.read_text()
    assert check_readme(readme, results) == 1
    readme.write_text(readme.read_text().replace("| 70.0 |", "| 69.0 |"))
    with pytest.raises(InputError, match="differs from"):
        check_readme(readme, results)
