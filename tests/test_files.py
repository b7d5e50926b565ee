"""Text files that are whole or not there."""

import os
import subprocess
import sys

import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic, read_lines, read_rows

KILLED = """
import os, sys
from xlsr_sb.files import open_atomic
with open_atomic(sys.argv[1]) as file:
    file.write("new")
    file.flush()
    os.kill(os.getpid(), 9)
"""


def test_a_process_killed_while_it_writes_leaves_the_old_file(tmp_path):
    """And a later one writes all the same."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_text() == "old"
    with open_atomic(path) as file:
        file.write("newer")
    assert path.read_text() == "newer"


def test_an_error_while_writing_leaves_the_old_file_and_no_other(tmp_path):
    """Whatever the error."""
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write() -> None:
        with open_atomic(path) as file:
            file.write("new")
            raise KeyError("oops")

    with pytest.raises(KeyError, match="oops"):
        write()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_places_that_cannot_be_written(tmp_path):
    """A folder of that name, a file where a folder should be."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match="folder cannot be written: Is a directory"),
        open_atomic(tmp_path / "folder"),
    ):
        pass
    with (
        pytest.raises(
            InputError, match=r"a\.txt cannot be written: (File exists|Not a)"
        ),
        open_atomic(tmp_path / "file" / "a.txt"),
    ):
        pass
    assert os.listdir(tmp_path / "folder") == []


def test_rows_may_hold_line_ends(tmp_path):
    """Lines are counted as an editor counts them; blank ones are passed over."""
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b\r\n1,"x\ny"\r\n\r\n2,z\r\n')
    assert list(read_rows(path, required=["a"])) == [
        (3, {"a": "1", "b": "x\ny"}),
        (5, {"a": "2", "b": "z"}),
    ]


def test_only_line_feeds_and_returns_end_lines(tmp_path):
    """Unicode's other separators are characters like any."""
    path = tmp_path / "a.txt"
    path.write_text("a\u2028b\x0c\nc", encoding="utf-8")
    assert list(read_lines(path)) == ["a\u2028b\x0c\n", "c"]
