"""Tables of results: which line, which column, which number."""

from dataclasses import replace

from xlsr_sb.results import markdown_table, summary_table
from xlsr_sb.results.tables import latest_runs

from .test_rows import ROW

RUN = replace(ROW, command="make demo", commit="1a2b3c4", device="cpu")


def row(group, metric, errors, **changes):
    """One row of a run with 200 units a group."""
    counts = {"value": errors / 200, "errors": errors, "total": 200}
    return replace(replace(RUN, group=group, metric=metric, **counts), **changes)


ROWS = [
    row("all", "WER", 150, clips=1234),
    row("all", "CER", 70, clips=1234),
    row("fr", "WER", 211),
    row("fr", "CER", 9),
    row("it", "WER", 100),
]


def test_summary_is_aligned_and_ends_with_all():
    assert summary_table(ROWS).splitlines() == [
        "group  clips  WER %  CER %",
        "fr         5  105.5    4.5",
        "it         5   50.0",
        "all    1,234   75.0   35.0",
    ]


def test_other_splits_and_leaves_get_columns():
    rows = [*ROWS[:2], replace(ROWS[0], split="dev"), row("fr", "WER", 2, split="dev")]
    assert summary_table(rows).splitlines() == [
        "split  group  clips  WER %  CER %",
        "test   all    1,234   75.0   35.0",
        "dev    fr         5    1.0",
        "dev    all    1,234   75.0",
    ]


def test_a_metric_without_counts_is_printed_as_it_is():
    bleu = replace(row("all", "BLEU", 0), value=23.456, errors=None, total=None)
    assert summary_table([bleu]).splitlines()[1].split() == ["all", "5", "23.5"]
    assert summary_table([bleu]).splitlines()[0].split() == ["group", "clips", "BLEU"]


def test_markdown_says_how_the_numbers_were_made():
    assert markdown_table([*ROWS[2:4], row("a|b", "WER", 0)]).splitlines() == [
        "| group | clips | WER % | CER % |",
        "|---|---:|---:|---:|",
        "| fr | 5 | 105.5 | 4.5 |",
        "| a\\|b | 5 | 0.0 |  |",
        "",
        "`make demo`: 1,200 updates, 7.2 minutes on cpu, seed 1986, commit 1a2b3c4,"
        " 2025-01-31",
    ]


def test_markdown_names_every_run():
    rows = [ROWS[0], replace(ROWS[0], hparams="all.yaml", command="make all")]
    table = markdown_table(rows)
    assert "| hparams | group |" in table
    assert table.count("seed 1986") == 2


def test_only_the_last_run_of_a_leaf_on_a_split_is_kept():
    """Mutation that fails here: groups of an older run fill up the newer one."""
    old = [replace(line, date="2025-01-01") for line in ROWS]
    dev = replace(ROWS[0], split="dev", date="2025-01-01")
    assert latest_runs([*old, dev, *ROWS[:2]]) == [dev, *ROWS[:2]]
