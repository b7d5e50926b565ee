"""Transcripts and translations as files: text, JSON, subtitles, CTM, TextGrid."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict

from xlsr_sb.metrics.nist.escaping import escape
from xlsr_sb.transcription.subtitles import SubtitleRules
from xlsr_sb.transcription.transcript import Transcript
from xlsr_sb.transcription.translated import Translated

MARK_UP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}  # of WebVTT


def plain_text(transcript: Transcript | Translated) -> str:
    r"""Text on one line.

    Example
    -------
    >>> plain_text(Transcript("a", "a.wav", 1.0, "oui", ()))
    'oui\n'
    """
    return f"{transcript.text}\n"


def json_line(transcript: Transcript | Translated) -> str:
    """Everything that is known, as one line of JSON.

    Example
    -------
    >>> from xlsr_sb.transcription import SpokenWord
    >>> word = SpokenWord("né", 0.3, 0.52, 0.91234)
    >>> print(json_line(Transcript("a", "a.wav", 1.0, "né", (word,))))
    {"name": "a", "audio": "a.wav", "seconds": 1.0, "text": "né", "words": \
[{"text": "né", "start": 0.3, "end": 0.52, "confidence": 0.9123}]}
    """
    return json.dumps(_plain(transcript), ensure_ascii=False)


def json_text(transcript: Transcript | Translated) -> str:
    r"""Everything that is known, as JSON with a word, or a piece, a line.

    Example
    -------
    >>> text = json_text(Transcript("a", "a.wav", 1.0, "", ()))
    >>> text.splitlines()[-1], json.loads(text)["seconds"]
    ('"words": []}', 1.0)
    """
    known = _plain(transcript)
    name, parts = known.popitem()
    lines = [json.dumps(part, ensure_ascii=False) for part in parts]
    listed = "[\n  " + ",\n  ".join(lines) + "\n]" if lines else "[]"
    rest = [
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in known.items()
    ]
    return "{" + ",\n".join([*rest, f'"{name}": {listed}']) + "}\n"


def srt(transcript: Transcript | Translated, rules: SubtitleRules) -> str:
    r"""Subtitles as SubRip has them.

    The format has no way to write its own arrow, which becomes another one.

    Example
    -------
    >>> from xlsr_sb.transcription import SpokenWord
    >>> word = SpokenWord("oui", 0.3, 0.52, 0.9)
    >>> srt(Transcript("a", "a.wav", 1.0, "oui", (word,)), SubtitleRules())
    '1\n00:00:00,300 --> 00:00:01,000\noui\n'
    """
    return "\n".join(
        f"{number}\n{_clock(one.start, ',')} --> {_clock(one.end, ',')}\n"
        + "".join(f"{line.replace('-->', '→')}\n" for line in one.lines)
        for number, one in enumerate(rules.subtitles(transcript), start=1)
    )


def vtt(transcript: Transcript | Translated, rules: SubtitleRules) -> str:
    r"""Subtitles as the W3C's WebVTT has them.

    Example
    -------
    >>> from xlsr_sb.transcription import SpokenWord
    >>> word = SpokenWord("R&B", 0.3, 0.52, 0.9)
    >>> vtt(Transcript("a", "a.wav", 1.0, "R&B", (word,)), SubtitleRules())
    'WEBVTT\n\n00:00:00.300 --> 00:00:01.000\nR&amp;B\n'
    """
    marked = str.maketrans(MARK_UP)
    return "WEBVTT\n" + "".join(
        f"\n{_clock(one.start, '.')} --> {_clock(one.end, '.')}\n"
        + "".join(f"{line.translate(marked)}\n" for line in one.lines)
        for one in rules.subtitles(transcript)
    )


def ctm(transcript: Transcript) -> str:
    r"""A word a line: recording, channel, begin, seconds, word, confidence.

    What ``sclite`` would take for its own is escaped, as of ``xlsr_sb.metrics.nist``.

    Example
    -------
    >>> from xlsr_sb.transcription import SpokenWord
    >>> word = SpokenWord("oui", 0.3, 0.52, 0.9)
    >>> ctm(Transcript("my tape", "a.wav", 1.0, "oui", (word,)))
    'my%20tape 1 0.300 0.220 oui 0.9000\n'
    """
    return "".join(
        f"{escape(transcript.name)} 1 {word.start:.3f} {word.end - word.start:.3f} "
        f"{escape(word.text)} {word.confidence:.4f}\n"
        for word in transcript.words
    )


def textgrid(transcript: Transcript) -> str:
    r"""Praat's TextGrid with one tier of words; between them are empty intervals.

    Example
    -------
    >>> from xlsr_sb.transcription import SpokenWord
    >>> word = SpokenWord("oui", 0.0, 0.52, 0.9)
    >>> grid = textgrid(Transcript("a", "a.wav", 0.52, "oui", (word,)))
    >>> print(*grid.splitlines()[-4:], sep="\n")
            intervals [1]:
                xmin = 0
                xmax = 0.52
                text = "oui"
    """
    end = _number(transcript.seconds)
    intervals = list(_intervals(transcript))
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        *("xmin = 0", f"xmax = {end}", "tiers? <exists>", "size = 1", "item []:"),
        *("    item [1]:", '        class = "IntervalTier"'),
        *('        name = "words"', "        xmin = 0", f"        xmax = {end}"),
        f"        intervals: size = {len(intervals)}",
    ]
    for number, (start, stop, text) in enumerate(intervals, start=1):
        quoted = text.replace('"', '""')
        lines += [
            f"        intervals [{number}]:",
            f"            xmin = {_number(start)}",
            f"            xmax = {_number(stop)}",
            f'            text = "{quoted}"',
        ]
    return "\n".join(lines) + "\n"


def _intervals(transcript: Transcript) -> Iterator[tuple[float, float, str]]:
    """Begin, end and text of neighbouring intervals that fill the recording."""
    reached = 0.0
    for word in transcript.words:
        if word.start > reached:
            yield reached, word.start, ""
        yield word.start, word.end, " ".join(word.text.split())
        reached = word.end
    if transcript.seconds > reached:
        yield reached, transcript.seconds, ""


def _plain(transcript: Transcript | Translated) -> dict:
    """Fields as JSON has them; the last one is a list."""
    known = asdict(transcript)
    name, parts = known.popitem()
    for part in parts:
        if "confidence" in part:
            part["confidence"] = round(part["confidence"], 4)
    return {**known, name: list(parts)}


def _number(seconds: float) -> str:
    """Seconds to the microsecond."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _clock(seconds: float, point: str) -> str:
    """Hours, of any number, minutes, seconds and milliseconds."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}{point}{milliseconds:03}"


SUBTITLES: dict[str, Callable[[Transcript, SubtitleRules], str]] = {
    "srt": srt,
    "vtt": vtt,
}
SUFFIXES = {  # of files, by the name of the format
    "txt": ".txt",
    "json": ".json",
    "srt": ".srt",
    "vtt": ".vtt",
    "ctm": ".ctm",
    "textgrid": ".TextGrid",
}
TRANSLATED = ("txt", "json", *SUBTITLES)  # those without words that were said
OTHERS: dict[str, Callable[[Transcript], str]] = {
    "txt": plain_text,
    "json": json_text,
    "ctm": ctm,
    "textgrid": textgrid,
}


def written(
    transcript: Transcript | Translated, kind: str, rules: SubtitleRules
) -> str:
    """Transcript or translation as a file of some format.

    Parameters
    ----------
    transcript : Transcript or Translated
    kind : str
        A key of ``SUFFIXES``; of a translation one of ``TRANSLATED``.
    rules : SubtitleRules
        For ``srt`` and ``vtt``.

    Example
    -------
    >>> written(Transcript("a", "a.wav", 1.0, "", ()), "vtt", SubtitleRules()).split()
    ['WEBVTT']
    """
    if kind in SUBTITLES:
        return SUBTITLES[kind](transcript, rules)
    return OTHERS[kind](transcript)
