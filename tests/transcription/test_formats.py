"""Files of transcripts, letter for letter as their formats want them.

Written by hand from the formats' descriptions: SubRip; W3C's WebVTT; the CTM of NIST's
sclite; Praat's "TextGrid file formats".

Seen to fail: hours of two digits only; milliseconds cut off and not rounded; quotes not
doubled; a gap between intervals; an arrow in a subtitle; the two points swapped.
"""

import json
import re

import pytest

from xlsr_sb.metrics.nist import TimedWord, write_ctm
from xlsr_sb.transcription import (
    SUFFIXES,
    SpokenWord,
    SubtitleRules,
    Transcript,
    written,
)

WORDS = (
    SpokenWord('"né', 0.0, 0.52, 0.87654),
    SpokenWord("R&B", 0.52, 0.9, 0.5),
    SpokenWord("<été> !", 359_999.0, 360_000.98, 1.0),
)
FULL = Transcript("x/my tape", "/a/my tape.wav", 360_001.25, '"né R&B <été> !', WORDS)
EMPTY = Transcript("e", "e.wav", 1.5, "", ())
GOLDEN = {
    "txt": '"né R&B <été> !\n',
    "json": """{"name": "x/my tape",
"audio": "/a/my tape.wav",
"seconds": 360001.25,
"text": "\\"né R&B <été> !",
"words": [
  {"text": "\\"né", "start": 0.0, "end": 0.52, "confidence": 0.8765},
  {"text": "R&B", "start": 0.52, "end": 0.9, "confidence": 0.5},
  {"text": "<été> !", "start": 359999.0, "end": 360000.98, "confidence": 1.0}
]}
""",
    "srt": """1
00:00:00,000 --> 00:00:01,000
"né R&B

2
99:59:59,000 --> 100:00:00,980
<été> !
""",
    "vtt": """WEBVTT

00:00:00.000 --> 00:00:01.000
"né R&amp;B

99:59:59.000 --> 100:00:00.980
&lt;été&gt; !
""",
    "ctm": """x/my%20tape 1 0.000 0.520 "né 0.8765
x/my%20tape 1 0.520 0.380 R&B 0.5000
x/my%20tape 1 359999.000 1.980 %3Cété%3E%20! 1.0000
""",
    "textgrid": """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 360001.25
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 360001.25
        intervals: size = 5
        intervals [1]:
            xmin = 0
            xmax = 0.52
            text = \"""né"
        intervals [2]:
            xmin = 0.52
            xmax = 0.9
            text = "R&B"
        intervals [3]:
            xmin = 0.9
            xmax = 359999
            text = ""
        intervals [4]:
            xmin = 359999
            xmax = 360000.98
            text = "<été> !"
        intervals [5]:
            xmin = 360000.98
            xmax = 360001.25
            text = ""
""",
}
NOTHING = {
    "txt": "\n",
    "json": '{"name": "e",\n"audio": "e.wav",\n"seconds": 1.5,\n"text": "",\n'
    '"words": []}\n',
    "srt": "",
    "vtt": "WEBVTT\n",
    "ctm": "",
    "textgrid": GOLDEN["textgrid"]
    .split("        intervals: size")[0]
    .replace("360001.25", "1.5")
    + "        intervals: size = 1\n        intervals [1]:\n            xmin = 0\n"
    + '            xmax = 1.5\n            text = ""\n',
}


def of(transcript, kind):
    """The file."""
    return written(transcript, kind, SubtitleRules())


@pytest.mark.parametrize("kind", SUFFIXES)
def test_letter_for_letter(kind):
    """Quotes, marks, other scripts, spaces in names, a hundred hours."""
    assert of(FULL, kind) == GOLDEN[kind]


@pytest.mark.parametrize("kind", SUFFIXES)
def test_recording_without_words(kind):
    """A file that readers take."""
    assert of(EMPTY, kind) == NOTHING[kind]


def test_json_holds_everything():
    """What is read back is what was known."""
    known = json.loads(of(FULL, "json"))
    assert (known["text"], known["seconds"]) == (FULL.text, FULL.seconds)
    words = [(w["text"], w["start"], w["end"]) for w in known["words"]]
    assert words == [(word.text, word.start, word.end) for word in WORDS]


def test_ctm_is_that_of_the_metrics(tmp_path):
    """Which ``sclite`` was seen to read."""
    words = [
        TimedWord(one.text, one.start, one.end - one.start, one.confidence)
        for one in WORDS
    ]
    write_ctm(tmp_path / "a.ctm", {FULL.name: words})
    assert (tmp_path / "a.ctm").read_text(encoding="utf-8") == of(FULL, "ctm")


def test_milliseconds_are_rounded():
    """Also where they make a whole minute."""
    words = (SpokenWord("a", 0.0006, 59.9996, 1.0),)
    rules = SubtitleRules(subtitle_seconds=100.0)
    found = written(Transcript("a", "a.wav", 60.0, "a", words), "srt", rules)
    assert "00:00:00,001 --> 00:01:00,000" in found


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_an_arrow_in_a_text_is_no_time(kind):
    """A reader finds one subtitle."""
    words = (SpokenWord("a-->b", 0.0, 1.0, 1.0),)
    found = of(Transcript("a", "a.wav", 1.0, "a-->b", words), kind)
    assert found.count("-->") == 1
    assert found.splitlines()[-1] in ("a→b", "a--&gt;b")


def test_textgrid_has_no_gaps():
    """Each interval begins, digit for digit, where the last one ended."""
    times = [
        (i * 320 / 16_000, (i + 1 + i % 2) * 320 / 16_000) for i in range(0, 999, 3)
    ]
    words = tuple(SpokenWord(str(i), *pair, 1.0) for i, pair in enumerate(times))
    grid = of(Transcript("a", "a.wav", 20.0123456, "", words), "textgrid")
    body = grid.split("intervals: size")[1]
    starts, ends = (re.findall(rf"{name} = (\S+)", body) for name in ("xmin", "xmax"))
    assert len(starts) > 400
    assert starts == ["0", *ends[:-1]]
    assert all(float(a) < float(b) for a, b in zip(starts, ends, strict=True))
    assert re.findall(r"xmax = (\S+)", grid)[0] == ends[-1] == "20.012346"
