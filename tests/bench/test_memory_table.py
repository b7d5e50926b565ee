"""The table of docs/memory.md is what the model says now."""

from pathlib import Path

import pytest

from xlsr_sb.bench.memory_table import (
    CLOSING,
    GPUS,
    OPENING,
    SIZES,
    memory_table,
    update_docs,
)
from xlsr_sb.errors import InputError

DOCS = Path(__file__).parents[2] / "docs" / "memory.md"


def test_docs_show_the_table():
    """Seen to fail: one number edited, another ``USABLE``."""
    text = DOCS.read_text(encoding="utf-8")
    assert f"{OPENING}\n\n{memory_table()}\n\n{CLOSING}" in text, (
        "run `python -m xlsr_sb.bench.memory_table docs/memory.md`"
    )


def test_more_memory_takes_more_speech():
    """In every line, and checkpointing and sharding help."""
    lines = memory_table().splitlines()[2:]
    assert len(lines) == 4 * len(SIZES)
    seconds = []
    for line in lines:
        cells = [
            cell.strip(" s").replace(",", "") for cell in line.strip("| ").split("|")
        ]
        fitting = [0 if cell == "—" else int(cell) for cell in cells[-len(GPUS) :]]
        assert fitting == sorted(fitting)
        seconds.append(fitting)
    for plain, checkpointing in zip(seconds[::2], seconds[1::2], strict=True):
        assert checkpointing >= plain
    assert seconds[-1] > seconds[-3]  # 2B on eight cards and on one


@pytest.mark.parametrize("text", ["no marker", OPENING, f"{CLOSING}{OPENING}"])
def test_docs_without_markers_are_refused(text, tmp_path):
    path = tmp_path / "memory.md"
    path.write_text(text)
    with pytest.raises(InputError, match="memory.md: there is no <!-- memory -->"):
        update_docs(path)
    assert path.read_text() == text
    with pytest.raises(InputError, match="there is no such file"):
        update_docs(tmp_path / "none.md")
