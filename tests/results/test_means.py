"""Means and spreads over seeds, and their table.

Seen to fail: the population's deviation, runs of other lengths mixed, means of means,
means of a single seed.
"""

import statistics
from dataclasses import replace

import pytest

from xlsr_sb.cli import main
from xlsr_sb.errors import InputError
from xlsr_sb.results import ResultRow, append_rows, read_rows
from xlsr_sb.results.means import mean_rows, means_table
from xlsr_sb.results.readme import check_readme, update_readme

VALUES = {("cs", ""): (0.4, 0.5, 0.7), ("cs", " --encoder.source null"): (0.9, 0.8, 1)}
VALUES |= {("nl", ""): (0.1, 0.2, 0.3)}


def row(group="cs", flags="", *, seed=1, value=0.5, metric="CER", **changes):
    """Row of a run of one language."""
    command = f"python train.py hparams/a.yaml --language {group}{flags} --seed {seed}"
    fields = {
        "recipe": "Toy/ASR",
        "hparams": "a.yaml",
        "split": "test",
        "group": group,
        "metric": metric,
        "value": value,
        "errors": round(1000 * value),
        "total": 1000,
        "clips": 12,
        "updates": 300,
        "minutes": 0.5,
        "seed": seed,
        "commit": "1a2b3c4",
        "command": f"{command} --output_folder /tmp/{seed} --noprogressbar",
        "device": "cpu, 2 threads",
        "date": "2025-01-31",
    }
    return ResultRow(**fields | changes)


@pytest.fixture
def rows():
    """Two variants of cs and one of nl, three seeds each."""
    return [
        row(group, flags, seed=seed, value=value)
        for (group, flags), values in VALUES.items()
        for seed, value in enumerate(values, start=1)
    ]


def test_a_mean_has_no_interval_of_one_of_its_seeds(rows):
    """A spread over seeds is another thing than one over utterances."""
    for one in mean_rows([replace(row, low=0.1, high=0.9) for row in rows]):
        assert (one.low, one.high) == (None, None)


def test_means_and_deviations(rows):
    """Of each language and variant, in the order of the rows."""
    found = mean_rows(rows)
    assert [one.metric for one in found] == ["CER mean", "CER sd"] * 3
    for mean, spread, values in zip(
        found[::2], found[1::2], VALUES.values(), strict=True
    ):
        assert mean.value == pytest.approx(statistics.mean(values), abs=1e-6)
        assert spread.value == pytest.approx(statistics.stdev(values), abs=1e-6)
        assert mean.errors == round(1000 * sum(values))
        assert (mean.total, mean.seed, mean.minutes) == (3000, 3, 1.5)
        assert "--seed" not in mean.command


def test_one_seed_has_no_mean(rows):
    """Neither have two runs with other updates."""
    assert mean_rows(rows[:1]) == []
    assert mean_rows([row(seed=1, updates=300), row(seed=2, updates=400)]) == []


def test_a_seed_that_was_run_again_counts_once():
    """With its last value."""
    mean, _ = mean_rows([row(value=0.9), row(value=0.1), row(seed=2, value=0.3)])
    assert mean.value == pytest.approx(0.2)
    assert mean.seed == 2


def test_means_of_means_are_not_taken(rows):
    """Neither of those over two seeds, nor of those over three."""
    two = [row for row in rows if row.seed < 3]
    means = [*mean_rows(two), *mean_rows(rows)]
    assert len({row.seed for row in means}) == 2
    assert mean_rows([*rows, *means]) == mean_rows(rows)


def test_table(rows):
    """A line a language, a column a variant, and what the letters mean."""
    lines = means_table(mean_rows(rows)).splitlines()
    assert lines[:4] == [
        "| group | CER % A | CER % B |",
        "|---|---:|---:|",
        "| cs | 53.3 ± 15.3 | 90.0 ± 10.0 |",
        "| nl | 20.0 ± 10.0 |  |",
    ]
    assert lines[5].startswith(
        "A: `python train.py hparams/a.yaml --language GROUP`, mean ± standard "
        "deviation over 3 seeds, 300 updates on cpu, 2 threads, commit 1a2b3c4"
    )
    assert "GROUP --encoder.source null`" in lines[7]


def test_all_of_one_group_is_no_line_of_its_own(rows):
    """Where there are two, it is."""
    doubled = [*rows, *(replace(one, group="all") for one in rows)]
    assert means_table(mean_rows(doubled)) == means_table(mean_rows(rows))
    shared = [
        replace(one, group=group, command="python train.py a.yaml")
        for one in rows[:3]
        for group in ("cs", "nl", "all")
    ]
    lines = means_table(mean_rows(shared)).splitlines()
    assert [line.split()[1] for line in lines[2:5]] == ["cs", "nl", "all"]


def test_command_and_readme(tmp_path, rows, capsys):
    """As a user: add the means, twice, and render them."""
    results, readme = tmp_path / "RESULTS.csv", tmp_path / "README.md"
    append_rows(results, rows)
    readme.write_text("<!-- results:means hparams=a.yaml --><!-- /results -->\n")
    with pytest.raises(InputError, match="chooses no row"):
        update_readme(readme, results)
    for added in (6, 0):
        main(["results", "mean", str(results), "--hparams", "a.yaml"])
        assert f"{added} rows added" in capsys.readouterr().out
    main(["results", "mean", str(results), "--recipe", "Other/ASR"])
    assert "0 rows added" in capsys.readouterr().out
    assert len(read_rows(results)) == len(rows) + 6
    assert update_readme(readme, results) == 1
    assert "| nl | 20.0 ± 10.0 |" in readme.read_text()
    readme.write_text("<!-- results:means metric=CER group=nl --><!-- /results -->\n")
    update_readme(readme, results)
    assert "| nl | 20.0 ± 10.0 |" in readme.read_text()
    assert "| cs |" not in readme.read_text()
    assert check_readme(readme, results) == 1
    readme.write_text("<!-- results:hparams=a.yaml --><!-- /results -->\n")
    update_readme(readme, results)
    assert "mean" not in readme.read_text()
