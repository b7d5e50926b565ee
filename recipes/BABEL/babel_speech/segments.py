"""Segments of recordings as utterances; what becomes of those that are of no use."""

from collections import Counter
from collections.abc import Sequence

from babel_speech.packages import Side
from babel_speech.transcripts import (
    Segment,
    Transcript,
    read_transcript,
    spoken_words,
    unknown_tags,
)
from xlsr_sb.data.audio import AudioInfo
from xlsr_sb.data.corpus import Note
from xlsr_sb.data.measuring import ERROR, listed
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

OVERHANG = 0.5  # seconds that a transcript may go on after its recording
NO_TEXT, NO_WORDS, NO_LENGTH = "times without text", "without words", "of no length"
UNREADABLE, CUT = "unreadable", "beyond the end of their recording"
UNKNOWN_TAGS = "tags of no known meaning"


def utterances_of(
    sides: Sequence[Side],
    infos: Sequence[AudioInfo | str],
    *,
    name: str,
    language: str,
    is_scored: bool,
    unreadable: str,
) -> tuple[list[Utterance], Note]:
    """Utterances of all segments of some sides.

    Parameters
    ----------
    sides : sequence of Side
    infos : sequence of AudioInfo or str
        Header of each side's recording; a text says why there is none.
    name : str
        Of the split.
    language : str
    is_scored : bool
        Whether every segment has to stay: those without words are then scored too,
        and those without sound (``duration`` 0) count as deleted.
    unreadable : str
        ``error`` or ``count``: what becomes of recordings that cannot be read or end
        before their transcript does.

    Returns
    -------
    utterances : list of Utterance
    note : Note

    Raises
    ------
    InputError
        For recordings that cannot be read, and transcripts that make no sense.
    """
    kept, problems, counts = [], [], Counter()
    for side, info in zip(sides, infos, strict=True):
        transcript = read_transcript(side.transcript)
        problems += [f"{side.name}: {x}" for x in _problems(transcript, info)]
        counts[NO_TEXT] += transcript.num_empty
        for number, segment in enumerate(transcript.segments, start=1):
            one = _utterance(side, number, segment, info=info, language=language)
            counts[UNKNOWN_TAGS] += len(unknown_tags(segment.text))
            reason = _reason_to_drop(one, segment, info)
            if reason is None or is_scored:
                kept.append(one)
            if reason and not is_scored:
                counts[reason] += 1
            elif reason and not one.duration:
                counts[f"{reason}, counted as errors"] += 1
    if problems and unreadable == ERROR:
        raise InputError(listed(name, problems))
    return kept, Note(name, len(kept), sum(one.duration for one in kept), dict(counts))


def _problems(transcript: Transcript, info: AudioInfo | str) -> list[str]:
    """What is wrong with a recording: one thing, or nothing."""
    if isinstance(info, str):
        return [info]
    stop = max((one.stop for one in transcript.segments), default=0.0)
    if stop - info.duration <= OVERHANG:
        return []
    return [f"it ends at {info.duration:.2f} s, and its transcript at {stop:.2f} s"]


def _utterance(
    side: Side,
    number: int,
    segment: Segment,
    *,
    info: AudioInfo | str,
    language: str,
) -> Utterance:
    """One segment, cut at the end of its recording."""
    start, stop, seconds = None, None, 0.0
    if isinstance(info, AudioInfo):
        rate = info.sample_rate
        first = round(segment.start * rate)
        last = min(round(segment.stop * rate), info.num_samples)
        if first < last:
            start, stop, seconds = first, last, (last - first) / rate
    return Utterance(
        id=f"{side.name}_{number:04}",
        wav=str(side.audio),
        duration=seconds,
        start=start,
        stop=stop,
        spk_id=side.speaker,
        language=language,
        wrd=spoken_words(segment.text),
    )


def _reason_to_drop(
    one: Utterance, segment: Segment, info: AudioInfo | str
) -> str | None:
    """Why nothing can be learnt from an utterance; None if something can."""
    if isinstance(info, str):
        return UNREADABLE
    if segment.stop - info.duration > OVERHANG:
        return CUT
    if not one.duration:
        return NO_LENGTH
    return None if one.wrd else NO_WORDS
