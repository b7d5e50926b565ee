"""Words gathered into subtitles that can be read in the time they are shown."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xlsr_sb.errors import InputError
from xlsr_sb.transcription.transcript import TimedText, Transcript, follows_space
from xlsr_sb.transcription.translated import Translated

PAUSE_SECONDS = 0.8  # of silence that end a subtitle
SHOWN_SECONDS = 1.0  # at least, where there is time before the next one


@dataclass(frozen=True)
class Subtitle:
    """What is shown for a while.

    Parameters
    ----------
    start, end : float
        Seconds.
    lines : tuple of str
        One or two.
    """

    start: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class SubtitleRules:
    """How much a subtitle may hold, and for how long it is shown.

    The defaults are those of most broadcasters.

    Parameters
    ----------
    line_characters : int
        Of each of two lines; characters of East Asian scripts count two.
    subtitle_seconds : float
        From its first word to its end.

    Example
    -------
    >>> words = [TimedText("oui", 0.0, 0.4), TimedText("non", 3.0, 3.4)]
    >>> rules = SubtitleRules()
    >>> for one in rules.subtitles(Transcript("a", "a.wav", 4, "oui non", words)):
    ...     one
    Subtitle(start=0.0, end=1.0, lines=('oui',))
    Subtitle(start=3.0, end=4.0, lines=('non',))
    """

    line_characters: int = 42
    subtitle_seconds: float = 7.0

    def __post_init__(self) -> None:
        """Refuse what leaves no room."""
        if self.line_characters < 2:
            raise InputError(
                f"line-characters must be at least 2, got {self.line_characters}"
            )
        if not self.subtitle_seconds > 0:
            raise InputError(
                f"subtitle-seconds must be more than 0, got {self.subtitle_seconds}"
            )

    def subtitles(self, transcript: Transcript | Translated) -> Iterator[Subtitle]:
        """Subtitles of a recording, no two at the same time.

        Parameters
        ----------
        transcript : Transcript or Translated

        Yields
        ------
        Subtitle
        """
        groups = list(self._groups(transcript))
        starts = [group[0].word.start for group in groups]
        limits = [*starts[1:], transcript.seconds][: len(groups)]
        for group, limit in zip(groups, limits, strict=True):
            start = group[0].word.start
            end = max(group[-1].word.end, start + SHOWN_SECONDS)
            end = min(end, start + self.subtitle_seconds, limit)
            yield Subtitle(start, end, self._lines(group))

    def _groups(self, transcript: Transcript | Translated) -> Iterator[list["_Placed"]]:
        """Words of each subtitle."""
        group: list[_Placed] = []
        for one in self._placed(transcript):
            if group and not self._goes_on(group, one):
                yield group
                group = []
            group.append(one)
        if group:
            yield group

    def _goes_on(self, group: list["_Placed"], one: "_Placed") -> bool:
        """Whether a word still belongs to a subtitle."""
        return (
            one.word.start - group[-1].word.end < PAUSE_SECONDS
            and one.word.end - group[0].word.start <= self.subtitle_seconds
            and len(self._lines([*group, one])) <= 2
        )

    def _placed(self, transcript: Transcript | Translated) -> Iterator["_Placed"]:
        """Words; parts of those that are longer than a line, which share its time."""
        spaces = follows_space(transcript.words, transcript.text)
        for word, is_apart in zip(transcript.words, spaces, strict=True):
            parts = self._parts(" ".join(word.text.split()))
            step = (word.end - word.start) / len(parts)
            for number, part in enumerate(parts):
                start = word.start + number * step
                end = word.end if number + 1 == len(parts) else start + step
                piece = replace(word, text=part, start=start, end=end)
                yield _Placed(piece, is_apart and number == 0)

    def _parts(self, text: str) -> list[str]:
        """Parts of a text that are no longer than a line each."""
        parts = [""]
        for character in text:
            if _width(parts[-1] + character) > self.line_characters:
                parts.append("")
            parts[-1] += character
        return parts

    def _lines(self, group: Sequence["_Placed"]) -> tuple[str, ...]:
        """One line; two, as equal as can be; or more if two do not hold all."""
        whole = _joined(group)
        if _width(whole) <= self.line_characters:
            return (whole,)
        halves = [
            (_joined(group[:n]), _joined(group[n:])) for n in range(1, len(group))
        ]
        longest, best = min(
            ((max(map(_width, pair)), pair) for pair in halves),
            key=lambda found: found[0],
        )
        return best if longest <= self.line_characters else (*best, "")


@dataclass(frozen=True)
class _Placed:
    """A word, and whether a space stands before it."""

    word: TimedText
    is_apart: bool


def _joined(group: Sequence[_Placed]) -> str:
    """Text of words."""
    return "".join(
        (" " if one.is_apart and place else "") + one.word.text
        for place, one in enumerate(group)
    )


def _width(text: str) -> int:
    """Columns of a text: marks over letters take none, East Asian characters two."""
    return sum(
        0
        if unicodedata.category(character) in ("Mn", "Me", "Cf")
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
