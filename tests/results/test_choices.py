"""Runs that differ in a few flags, a line each."""

from dataclasses import replace

import pytest

from tests.results.test_means import row
from xlsr_sb.results import append_rows
from xlsr_sb.results.choices import choices_table
from xlsr_sb.results.readme import choose_rows, update_readme

POOLING, LOSS = " --head.pooling statistics", " --head.loss aam_softmax"


@pytest.fixture
def rows():
    """Three commands; errors of classes and of trials; one number was made twice."""
    made = []
    for place, flags in enumerate(("", POOLING, LOSS)):
        one = row("all", flags, metric="ERR", value=0.5 - place / 10)
        cost = replace(one, metric="minDCF(0.01)", value=0.25, total=None, errors=None)
        made += [one, replace(cost, split="trials", group="unseen")]
    return [replace(made[0], value=0.9), *made]


def test_table(rows):
    """The last number counts; what all commands share is told once."""
    lines = choices_table(rows).splitlines()
    assert lines[0] == "| choice | test: ERR % | trials, unseen: minDCF(0.01) |"
    assert lines[2:5] == [
        "| as in the leaf | 50.0 | 0.250 |",
        f"| `{POOLING.strip()}` | 40.0 | 0.250 |",
        f"| `{LOSS.strip()}` | 30.0 | 0.250 |",
    ]
    assert lines[6].startswith(
        "`python train.py hparams/a.yaml --language all`: 300 up"
    )


def test_what_was_not_run_is_empty(rows):
    """Neither zero nor left out."""
    assert choices_table(rows[:-1]).splitlines()[4] == f"| `{LOSS.strip()}` | 30.0 |  |"


def test_readme(tmp_path, rows):
    """A block chooses several values of a column."""
    append_rows(tmp_path / "R.csv", rows)
    block = "<!-- results:choices split=test|trials metric=ERR -->"
    (tmp_path / "a.md").write_text(f"{block}<!-- /results -->")
    update_readme(tmp_path / "a.md", tmp_path / "R.csv")
    text = (tmp_path / "a.md").read_text()
    assert "| as in the leaf | 50.0 |" in text
    assert "minDCF" not in text
    assert len(choose_rows(rows, "split=trials|dev")) == 3
