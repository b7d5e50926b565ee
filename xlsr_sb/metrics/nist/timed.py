"""``stm`` and ``ctm`` files: what was said, and the words recognised, with times.

Recordings are sorted as Python sorts texts. In UTF-8 that is the order of the bytes, in
which ``sclite`` goes through both files.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlsr_sb.files import open_atomic
from xlsr_sb.metrics.counts import split_units
from xlsr_sb.metrics.nist.escaping import escape

UNKNOWN = "unknown"  # speaker of a segment
CHANNEL = "1"


@dataclass(frozen=True)
class Segment:
    """One line of an ``stm`` file: a stretch of a recording and what is said in it.

    Parameters
    ----------
    recording : str
    start, stop : float
        In seconds from the beginning of the recording.
    text : str
    speaker : str
        Empty where unknown.
    """

    recording: str
    start: float
    stop: float
    text: str
    speaker: str = ""

    def __post_init__(self):
        if not 0 <= self.start <= self.stop < math.inf:
            raise ValueError(f"{self}: times must be 0 <= start <= stop")


@dataclass(frozen=True)
class TimedWord:
    """One line of a ``ctm`` file: a word and when it was said.

    Parameters
    ----------
    text : str
    start, seconds : float
        Beginning and length, in seconds.
    confidence : float, optional
        Between 0 and 1.
    """

    text: str
    start: float
    seconds: float
    confidence: float | None = None

    def __post_init__(self):
        is_timed = 0 <= self.start <= self.start + self.seconds < math.inf
        if not self.text or not is_timed:
            raise ValueError(f"{self}: a word needs a text and times from 0 on")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise ValueError(f"{self}: the confidence must be between 0 and 1")


def write_stm(path: str | Path, segments: Iterable[Segment]) -> None:
    """Write references with their times, to score a ``ctm`` file with.

    Parameters
    ----------
    path : path
    segments : iterable of Segment
        In any order; ``sclite`` gives each hypothesis word to the segment in which its
        middle lies, so segments of a recording should not overlap.

    Example
    -------
    >>> path = getfixture("tmp_path") / "ref.stm"
    >>> write_stm(path, [Segment("b", 0.0, 2.5, "non", "anne"), Segment("a", 0, 1, "")])
    >>> print(path.read_text(), end="")
    a 1 unknown 0.000 1.000
    b 1 anne 0.000 2.500 non
    """
    lines = []
    for one in segments:
        words = map(escape, split_units("WER", [one.text])[0])
        speaker = escape(one.speaker) or UNKNOWN
        times = f"{one.start:.3f}", f"{one.stop:.3f}"
        line = " ".join([escape(one.recording), CHANNEL, speaker, *times, *words])
        lines.append((escape(one.recording), one.start, line))
    with open_atomic(path) as file:
        for *_, line in sorted(lines):
            print(line, file=file)


def write_ctm(path: str | Path, words: Mapping[str, Sequence[TimedWord]]) -> None:
    """Write hypotheses with the times of their words.

    Parameters
    ----------
    path : path
    words : mapping of str to sequence of TimedWord
        By recording, with times from its beginning. A recording without words leaves no
        line; scored with an ``stm`` file, all its words count as deleted.

    Example
    -------
    >>> path = getfixture("tmp_path") / "hyp.ctm"
    >>> write_ctm(path, {"b": [TimedWord("non", 0.5, 0.25, 0.9)], "a": []})
    >>> print(path.read_text(), end="")
    b 1 0.500 0.250 non 0.9000
    """
    by_recording = {escape(name): members for name, members in words.items()}
    with open_atomic(path) as file:
        for name in sorted(by_recording):
            for one in sorted(by_recording[name], key=lambda word: word.start):
                cells = [f"{one.start:.3f}", f"{one.seconds:.3f}", escape(one.text)]
                if one.confidence is not None:
                    cells.append(f"{one.confidence:.4f}")
                print(name, CHANNEL, *cells, file=file)
