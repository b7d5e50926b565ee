"""RESULTS.csv: what is appended is read back, and nothing is lost."""

import os
from dataclasses import replace
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlsr_sb.errors import InputError
from xlsr_sb.results import ResultRow, append_rows, read_rows, rows

ROW = ResultRow(
    recipe="Toy/ASR",
    hparams="demo.yaml",
    split="test",
    group="fr",
    metric="CER",
    value=1 / 3,
    errors=4,
    total=12,
    clips=5,
    updates=1200,
    minutes=7.25,
    seed=1986,
    commit="1a2b3c4-dirty",
    command='python train.py demo.yaml --name "a, b"\n--seed 1',
    device="2 CPU cores, été",
    date="2025-01-31",
)
HEADER = (
    "recipe,hparams,split,group,metric,value,errors,total,clips,updates,minutes,seed,"
    "commit,command,device,date,low,high"
)
OLD_HEADER = HEADER.removesuffix(",low,high")

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)
counts = st.integers(0, 10**12)
any_row = st.builds(
    ResultRow,
    **dict.fromkeys(("recipe", "hparams", "split", "group", "metric"), texts),
    **dict.fromkeys(("commit", "command", "device", "date"), texts),
    **dict.fromkeys(("value", "minutes"), st.floats(allow_nan=False)),
    **dict.fromkeys(("errors", "total"), st.none() | counts),
    **dict.fromkeys(("clips", "updates", "seed"), counts),
    **dict.fromkeys(("low", "high"), st.none() | st.floats(allow_nan=False)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(any_row, max_size=4), st.lists(any_row, max_size=4))
def test_rows_come_back_in_order(tmp_path_factory, first, second):
    path = tmp_path_factory.mktemp("results") / "RESULTS.csv"
    append_rows(path, first)
    append_rows(path, second)
    assert read_rows(path) == [*first, *second]


def test_the_header_is_fixed(tmp_path):
    append_rows(tmp_path / "new" / "RESULTS.csv", [ROW])
    assert (tmp_path / "new/RESULTS.csv").read_text().splitlines()[0] == HEADER


def test_numpy_numbers_are_written_as_numbers(tmp_path):
    path = tmp_path / "RESULTS.csv"
    append_rows(path, [replace(ROW, value=np.float64(0.25), errors=np.int64(3))])
    assert ",0.25,3,12," in path.read_text()


def test_a_file_of_earlier_versions_is_read_and_extended(tmp_path):
    path = tmp_path / "RESULTS.csv"
    old = replace(ROW, command="make demo")
    append_rows(path, [old])
    lines = path.read_text().splitlines()
    assert [line[-2:] for line in lines] == ["gh", ",,"]
    path.write_text(f"{OLD_HEADER}\n{lines[1][:-2]}\n")
    assert read_rows(path) == [old]
    new = replace(ROW, low=0.125, high=0.5)
    append_rows(path, [new])
    assert read_rows(path) == [old, new]
    assert path.read_text().splitlines()[0] == HEADER


def test_appending_nothing_changes_nothing(tmp_path):
    path = tmp_path / "RESULTS.csv"
    append_rows(path, [ROW])
    before = path.read_bytes()
    append_rows(path, [])
    assert path.read_bytes() == before


def test_empty_lines_and_windows_line_ends_are_read(tmp_path):
    path = tmp_path / "RESULTS.csv"
    plain = replace(ROW, command="make demo")
    append_rows(path, [plain])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    assert read_rows(path) == [plain]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,score\na,1\n", r"RESULTS.csv, line 1: the header is 'name,score'"),
        (b"", r"RESULTS.csv, line 1: the header is ''"),
        (f"{HEADER}\na,b\n".encode(), r"RESULTS.csv, line 2: 2 cells; .* be 18"),
        (f"{OLD_HEADER}\na,b\n".encode(), r"RESULTS.csv, line 2: 2 cells; .* be 16"),
        (f"{HEADER}\n\xe9".encode("latin-1"), r"RESULTS.csv, line 2: .* not UTF-8"),
    ],
)
def test_a_foreign_file_is_refused_and_kept(tmp_path, content, message):
    path = tmp_path / "RESULTS.csv"
    path.write_bytes(content)
    for action in (read_rows, lambda path: append_rows(path, [ROW])):
        with pytest.raises(InputError, match=message):
            action(path)
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["RESULTS.csv"]


def test_a_bad_cell_is_named_with_its_line(tmp_path):
    path = tmp_path / "RESULTS.csv"
    append_rows(path, [replace(ROW, command="make")] * 2)
    path.write_text(path.read_text().replace("1986", "seed", 1))
    with pytest.raises(
        InputError, match=r"RESULTS.csv, line 2: seed is 'seed'; .* num"
    ):
        read_rows(path)


def test_a_row_that_nobody_could_read_is_not_written(tmp_path):
    path = tmp_path / "RESULTS.csv"
    append_rows(path, [ROW])
    with pytest.raises(InputError, match="a new result: value is ''"):
        append_rows(path, [replace(ROW, value=None)])
    assert read_rows(path) == [ROW]


def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "RESULTS.csv"
    append_rows(path, [ROW])

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rows.os, "fsync", no_space)
    with pytest.raises(
        InputError, match="RESULTS.csv cannot be written: No space left"
    ):
        append_rows(path, [ROW])
    assert read_rows(path) == [ROW]
    assert os.listdir(tmp_path) == ["RESULTS.csv"]


def test_a_link_stays_a_link(tmp_path):
    append_rows(tmp_path / "RESULTS.csv", [ROW])
    link = tmp_path / "link.csv"
    link.symlink_to("RESULTS.csv")
    append_rows(link, [ROW])
    assert link.is_symlink()
    assert len(read_rows(tmp_path / "RESULTS.csv")) == 2


@pytest.mark.skipif(rows.fcntl is None, reason="no file locks here")
def test_runs_that_end_together_lose_no_row(tmp_path):
    """Mutation that fails here: no lock around reading and replacing."""
    path = tmp_path / "RESULTS.csv"
    threads = [
        Thread(
            target=lambda i=i: [
                append_rows(path, [replace(ROW, seed=i)]) for _ in "abc"
            ]
        )
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seeds = [row.seed for row in read_rows(path)]
    assert sorted(seeds) == sorted([*range(8)] * 3)


def test_without_locks_rows_are_still_written(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "fcntl", None)
    append_rows(tmp_path / "RESULTS.csv", [ROW])
    assert read_rows(tmp_path / "RESULTS.csv") == [ROW]
