"""Tables, CSV and rows of results."""

import csv
import io

from tests.results.test_tables import ROWS
from xlsr_sb.bench import Line, csv_text, result_rows, text_table

NUMBERS = {"ours": 0.5, "theirs": 1.5, "ratio": 3.0, "low": 2.9, "high": 3.1}
LINES = [
    Line("300m", "bf16 training", "time", "s", "transformers", **NUMBERS, pairs=3),
    Line("300m", "bf16 training", "peak memory", "GB", "transformers", 6.0, 8.0, 0.75),
    Line("300m", "bf16 training", "memory of a step", "GB", "transformers", 1.0, 2.0),
    Line("300m", "fp32", "not measured", "", "torchaudio", note="it is not installed"),
]


def test_table_is_aligned_and_titled():
    lines = text_table(LINES).splitlines()
    assert lines[2] == "300m, bf16 training, beside transformers"
    assert [line.split() for line in lines[3:5]] == [
        ["time", "s", "0.500", "1.50", "3.00", "2.90..3.10", "3"],
        ["peak", "memory", "GB", "6.00", "8.00", "0.750"],
    ]
    assert lines[3].index("0.500") + 5 == lines[4].index("6.00") + 4
    assert lines[-3:] == [
        "300m, fp32, beside torchaudio",
        "  not measured",
        "    it is not installed",
    ]


def test_csv_holds_every_number():
    rows = list(csv.DictReader(io.StringIO(csv_text(LINES))))
    assert len(rows) == len(LINES)
    assert rows[0]["ratio"] == "3.0"
    assert rows[1]["peer"] == "transformers"
    assert rows[3]["note"] == "it is not installed"


def test_results_name_the_scene_the_work_and_the_peer():
    """Numbers that no README shows are left out."""
    rows = result_rows(LINES, ROWS[0])
    assert [(row.metric, row.value) for row in rows] == [
        ("s", 0.5),
        ("peer s", 1.5),
        ("speed x", 3.0),
        ("lowest x", 2.9),
        ("GB", 6.0),
        ("peer GB", 8.0),
        ("memory x", 0.75),
    ]
    place = {(row.hparams, row.split, row.group) for row in rows}
    assert place == {("300m", "bf16 training", "transformers")}
    assert {row.seed for row in rows} == {ROWS[0].seed}
