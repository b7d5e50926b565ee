"""Subtitles: how long, how wide, what is in them.

Seen to fail: subtitles that overlap; a line too many; a pause passed over; letters lost
where a long word is parted.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsr_sb.errors import InputError
from xlsr_sb.transcription import SpokenWord, SubtitleRules, Transcript


def transcript_of(words, seconds=None, text=None):
    """Transcript of (text, start, end)."""
    spoken = tuple(SpokenWord(*word, 0.5) for word in words)
    end = spoken[-1].end if spoken else 0.0
    joined = " ".join(word.text for word in spoken) if text is None else text
    return Transcript("a", "a.wav", end if seconds is None else seconds, joined, spoken)


def subtitles(*words, rules=None, **options):
    """Start, end and lines of each."""
    found = (rules or SubtitleRules()).subtitles(transcript_of(words, **options))
    return [(one.start, one.end, one.lines) for one in found]


def evenly(text, step=0.1):
    """Words of a text, one right behind the other."""
    words = text.split()
    return [(word, i * step, (i + 1) * step) for i, word in enumerate(words)]


def test_no_words():
    """Nothing is shown."""
    assert subtitles(seconds=3.0) == []


def test_a_pause_ends_a_subtitle():
    """A shorter one does not."""
    words = [("a", 0.0, 2.0), ("b", 2.9, 4.0), ("c", 4.75, 6.0)]
    assert subtitles(*words) == [(0.0, 2.0, ("a",)), (2.9, 6.0, ("b c",))]


@pytest.mark.parametrize(
    ("words", "seconds", "end"),
    [
        ([("a", 1.0, 1.2)], 9.0, 2.0),  # a second, to be read
        ([("a", 1.0, 1.2)], 1.5, 1.5),  # the recording ends
        ([("a", 1.0, 1.2), ("b", 2.0, 4.0)], 9.0, 2.0),
        ([("a", 1.0, 1.1), ("b", 1.95, 4.0)], 9.0, 1.95),  # the next one begins
        ([("a", 1.0, 3.0)], 9.0, 3.0),
        ([("a", 1.0, 30.0)], 40.0, 8.0),  # seven seconds at most
    ],
)
def test_how_long_it_is_shown(words, seconds, end):
    """As long as it is said, a second at least if there is one, seven at most."""
    start, found, _ = subtitles(*words, seconds=seconds)[0]
    assert (start, found) == (1.0, end)


def test_seconds_are_limited():
    """A word that would end too late begins the next one."""
    words = [(str(i), float(i), i + 0.9) for i in range(9)]
    rules = SubtitleRules(subtitle_seconds=3.0)
    lines = [lines for _, _, lines in subtitles(*words, rules=rules)]
    assert lines == [("0 1 2",), ("3 4 5",), ("6 7 8",)]


def test_two_lines_are_as_equal_as_can_be():
    """And a third begins the next subtitle."""
    rules = SubtitleRules(line_characters=12)
    text = "un deux trois quatre cinq six sept"
    lines = [lines for _, _, lines in subtitles(*evenly(text), rules=rules)]
    assert lines == [("un deux", "trois quatre"), ("cinq", "six sept")]


def test_a_word_longer_than_a_line_is_parted():
    """Its parts share its time; none of its letters is lost."""
    rules = SubtitleRules(line_characters=4)
    found = subtitles(("abcdefghij", 0.0, 3.0), ("k", 3.0, 3.5), rules=rules)
    assert found == [(0.0, 2.0, ("abcd", "efgh")), (2.0, 3.5, ("ij k",))]


def test_scripts_without_spaces():
    """Characters count two, and no space comes between them; marks count nothing."""
    rules = SubtitleRules(line_characters=6)
    words = [(c, i / 2, (i + 1) / 2) for i, c in enumerate("你好世界吗")]
    found = subtitles(*words, rules=rules, text="你好世界吗")
    assert [lines for _, _, lines in found] == [("你好", "世界吗")]
    thai = "ที่นี่มี"  # four letters, four vowels and marks above
    assert [lines for _, _, lines in subtitles((thai, 0, 1), rules=rules)] == [(thai,)]


@given(
    st.lists(
        st.tuples(
            st.text("abc你", min_size=1, max_size=30),
            st.floats(0.0, 2.0),
            st.floats(0.02, 9.0),
        ),
        max_size=30,
    ),
    st.integers(2, 42),
    st.floats(0.5, 10.0),
)
def test_all_rules_hold(words, line_characters, subtitle_seconds):
    """Of any words, nothing is lost and nothing overlaps."""
    placed, reached = [], 0.0
    for text, gap, seconds in words:
        placed.append((text, reached + gap, reached + gap + seconds))
        reached = placed[-1][2]
    rules = SubtitleRules(line_characters, subtitle_seconds)
    found = subtitles(*placed, rules=rules)
    reached = 0.0
    for start, end, lines in found:
        assert reached <= start < end <= start + subtitle_seconds
        assert 1 <= len(lines) <= 2
        for line in lines:
            assert line.strip() == line != ""
            assert len(line) + line.count("你") <= line_characters
        reached = end
    shown = "".join("".join(lines) for _, _, lines in found)
    assert shown.replace(" ", "") == "".join(text for text, _, _ in words)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"line_characters": 1}, "line-characters must be at least 2, got 1"),
        ({"subtitle_seconds": 0.0}, "subtitle-seconds must be more than 0, got 0.0"),
    ],
)
def test_rules_that_leave_no_room(options, message):
    """They are refused."""
    with pytest.raises(InputError, match=message):
        SubtitleRules(**options)
