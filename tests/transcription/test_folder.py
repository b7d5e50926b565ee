"""A folder of transcripts: what is complete, and what must not be mixed.

Seen to fail: one format taken for all; settings that are not compared.
"""

import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.transcription import Recording, Transcript, TranscriptFolder

RECORDING = Recording("x/a.wav", "x/a", "x/a.wav")
TRANSCRIPT = Transcript("x/a", "x/a.wav", 1.0, "été", ())


def test_complete_in_all_formats(tmp_path):
    """A file too few, and it is made again."""
    folder = TranscriptFolder(tmp_path, ["json", "textgrid"])
    assert not folder.holds(RECORDING)
    folder.write(TRANSCRIPT)
    assert folder.holds(RECORDING)
    assert {one.name for one in (tmp_path / "x").iterdir()} == {"a.json", "a.TextGrid"}
    assert not TranscriptFolder(tmp_path, ["json", "srt"]).holds(RECORDING)
    assert TranscriptFolder(tmp_path, ["json"]).holds(RECORDING)


@pytest.mark.parametrize("kinds", [["txt"], ["srt", "json"], ["json", "txt"]])
def test_text_is_read_back(tmp_path, kinds):
    """From the format that has it as it is."""
    folder = TranscriptFolder(tmp_path, kinds)
    folder.write(TRANSCRIPT)
    assert folder.text_of(RECORDING) == "été"


def test_damaged_text(tmp_path):
    """The file is named."""
    folder = TranscriptFolder(tmp_path, ["json"])
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.json").write_text('{"text')
    with pytest.raises(InputError, match=r"x/a.json cannot be read: .*; remove it"):
        folder.text_of(RECORDING)


def test_two_kinds_are_not_mixed(tmp_path):
    """What was made otherwise is named."""
    folder = TranscriptFolder(tmp_path / "new", ["txt"])
    for _ in range(2):
        folder.settle({"model": "1a", "seconds": (1.0, 2.0)})
    with pytest.raises(InputError, match=r"made with .*'1a'.* not with .*'2b'"):
        folder.settle({"model": "2b", "seconds": (1.0, 2.0)})
    (tmp_path / "new" / ".transcripts").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        folder.settle({})


def test_folder_that_cannot_be_written(tmp_path):
    """It is known at once."""
    (tmp_path / "a").touch()
    with pytest.raises(InputError, match="cannot be written"):
        TranscriptFolder(tmp_path / "a" / "b", ["txt"]).settle({})
