"""Transcripts of a side of a conversation: times, text, and the marks in the text."""

import re
from dataclasses import dataclass
from pathlib import Path

from xlsr_sb.errors import InputError
from xlsr_sb.files import read_lines

TIME = re.compile(r"\[(\d+\.?\d*|\.\d+)\]")
TAG = re.compile(r"<[^<>\s]*>")
KNOWN_TAGS = frozenset(
    f"<{name}>"
    for name in (
        *["no-speech", "hes", "foreign", "prompt", "overlap"],
        *["lipsmack", "limspack", "breath", "cough", "laugh"],
        *["click", "ring", "dtmf", "int", "sta"],
        *["male-to-female", "female-to-male"],
    )
)
# Around a word: mispronounced *so*, broken off so- or -so, cut by the recording ~so~,
# spelt otherwise /so/.
AROUND_WORDS = "*-~/"


@dataclass(frozen=True)
class Segment:
    """What was said between two times of a recording.

    Parameters
    ----------
    start, stop : float
        In seconds.
    text : str
        As published, with all its marks.
    """

    start: float
    stop: float
    text: str


@dataclass(frozen=True)
class Transcript:
    """What was said on one side of a conversation.

    Parameters
    ----------
    segments : list of Segment
        In their order.
    num_empty : int
        Times that no text follows; the stretches after them are no segments.
    """

    segments: list[Segment]
    num_empty: int


def read_transcript(path: Path) -> Transcript:
    r"""Segments of a file: a line with a time, lines with text, a line with a time...

    Parameters
    ----------
    path : Path

    Returns
    -------
    Transcript

    Raises
    ------
    InputError
        When text has no time before or after it, or times go back.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.txt"
    >>> _ = path.write_text("[0.0]\n[0.5]\n<hes> so\n[2.1]\n")
    >>> read_transcript(path)
    Transcript(segments=[Segment(start=0.5, stop=2.1, text='<hes> so')], num_empty=1)
    """
    segments: list[Segment] = []
    num_empty, start, texts = 0, None, []
    for number, line in enumerate(map(str.strip, read_lines(path)), start=1):
        time = _time(line)
        if time is None:
            if line and start is None:
                raise InputError(
                    f"{path}, line {number}: {line!r} has no time before it; the first "
                    "line must be one, such as [0.0]"
                )
            texts += [line] if line else []
            continue
        if start is not None and time < start:
            raise InputError(
                f"{path}, line {number}: the time {time} comes after {start}; times "
                "must not go back, so mend this file or take it and its recording away"
            )
        if texts:
            segments.append(Segment(start, time, " ".join(texts)))
        elif start is not None:
            num_empty += 1
        start, texts = time, []
    if texts or start is None:
        raise InputError(
            f"{path}: the last line is {texts[-1] if texts else ''!r}; it must be the "
            "time at which the recording ends, such as [599.5]"
        )
    return Transcript(segments, num_empty)


def _time(line: str) -> float | None:
    """Seconds of a line that holds a time; None for text."""
    found = TIME.fullmatch(line)
    return float(found[1]) if found else None


def spoken_words(text: str) -> str:
    """What is learnt and scored of a text: its words, without marks.

    Tags and ``(())`` are left out, marks around words are taken off, and letters that
    are spelt out become words.

    Parameters
    ----------
    text : str
        As published.

    Returns
    -------
    str
        Empty where nothing was said that anybody wrote down.

    Example
    -------
    >>> spoken_words("<hes> *mag-aral* (()) ka- ~ sa t_v <int>")
    'mag-aral ka sa t v'
    """
    text = TAG.sub(" ", text)
    words = re.sub(r"[()_]", " ", text).split()
    return " ".join(filter(None, (word.strip(AROUND_WORDS) for word in words)))


def unknown_tags(text: str) -> list[str]:
    """Tags that the transcription rules of the corpus do not have.

    Example
    -------
    >>> unknown_tags("<hes> so <lipsmak>")
    ['<lipsmak>']
    """
    return [tag for tag in TAG.findall(text) if tag not in KNOWN_TAGS]
