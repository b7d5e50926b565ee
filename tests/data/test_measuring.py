"""Lengths of recordings, remembered; what becomes of those that cannot be read.

Seen to fail: a scored utterance left out, a cache that is believed when the file has
changed, problems that are raised one by one.
"""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from xlsr_sb.data import measuring
from xlsr_sb.data.audio import AudioInfo
from xlsr_sb.data.measuring import measured, probe_all
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance


@pytest.fixture
def clips(tmp_path):
    """Two good recordings, one that is no audio, one that is missing."""
    for name, seconds in (("a", 1), ("b", 2)):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(8_000 * seconds), 8_000)
    (tmp_path / "c.wav").write_bytes(b"")
    return [Utterance(x, str(tmp_path / f"{x}.wav"), 0.0, wrd=x) for x in "abcd"]


def test_training_goes_on_without_bad_recordings(clips):
    kept, note = measured(clips, name="train", is_scored=False, unreadable="count")
    assert kept == [replace(clips[0], duration=1.0), replace(clips[1], duration=2.0)]
    assert (note.group, note.kept, note.seconds) == ("train", 2, 3.0)
    assert note.dropped == {"unreadable": 2}


def test_no_scored_utterance_is_lost(clips):
    kept, note = measured(clips, name="test", is_scored=True, unreadable="count")
    assert [(one.id, one.duration) for one in kept] == [
        ("a", 1.0),
        ("b", 2.0),
        ("c", 0.0),
        ("d", 0.0),
    ]
    assert note.kept == 4
    assert note.dropped == {"unreadable, counted as errors": 2}


@pytest.mark.parametrize("is_scored", [True, False])
def test_all_problems_in_one_error(clips, is_scored):
    with pytest.raises(InputError) as error:
        measured(clips, name="fr", is_scored=is_scored)
    first, *lines = str(error.value).splitlines()
    assert first == "fr: 2 recordings cannot be read:"
    assert lines[0].startswith(f"  c: {clips[2].wav}")
    assert lines[1].startswith(f"  d: {clips[3].wav}")
    assert "unreadable: count" in lines[2]


def test_only_the_first_of_many_problems_are_shown():
    lines = measuring.listed("fr", [f"clip {i}" for i in range(25)]).splitlines()
    assert lines[0] == "fr: 25 recordings cannot be read:"
    assert lines[10:12] == ["  clip 9", "  ... and 15 more"]


def test_unknown_policy(clips):
    with pytest.raises(InputError, match=r"\('error', 'count'\), got 'drop'"):
        measured(clips, name="fr", is_scored=False, unreadable="drop")


def opened(monkeypatch):
    """List of the files whose headers are read from now on."""
    found, probe = [], measuring.probe_audio

    def note_and_probe(path):
        found.append(path)
        return probe(path)

    monkeypatch.setattr(measuring, "probe_audio", note_and_probe)
    return found


def test_a_header_is_read_once(clips, tmp_path, monkeypatch):
    """By all runs that share a cache, and by one run for pieces of one file."""
    cache = tmp_path / "new" / "lengths.csv"
    first, second = (one.wav for one in clips[:2])
    files = opened(monkeypatch)
    assert probe_all([first, first], cache=cache) == [AudioInfo(8_000, 8_000, 1)] * 2
    assert files == [first]
    with cache.open("a") as file:
        file.write(f"{second},32044,16")  # interrupted
    wanted = [AudioInfo(8_000, 8_000, 1), AudioInfo(16_000, 8_000, 1)]
    assert probe_all([first, second], cache=cache) == wanted
    assert files == [first, second]
    assert probe_all([first, second], cache=cache) == wanted
    assert files == [first, second, second]  # its line was lost with the cut one
    assert probe_all([second], cache=cache) == wanted[1:]
    assert files == [first, second, second]


def test_changed_and_bad_files_are_read_again(clips, tmp_path, monkeypatch):
    cache = tmp_path / "lengths.csv"
    paths = [one.wav for one in clips]
    before = probe_all(paths, cache=cache)
    assert [type(info) for info in before] == [AudioInfo, AudioInfo, str, str]
    soundfile.write(paths[0], np.zeros(4_000), 8_000)
    soundfile.write(paths[2], np.zeros(800), 8_000)
    files = opened(monkeypatch)
    after = probe_all(paths, cache=cache)
    assert files == [paths[0], paths[2], paths[3]]
    assert [info.duration for info in after[:3]] == [0.5, 2.0, 0.1]
