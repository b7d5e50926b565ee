"""Records that the sources fill in and that the later steps read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """One recording and what its package says about it.

    Parameters
    ----------
    id : str
        ``<source>-<language>-<name>``, unique.
    recording : Path
        The file as it was unpacked (G.722, Ogg).
    source, language, speaker : str
        Where it is from, what is spoken, and by whom.
    unit : str
        What the split keeps together: a prompt, a level of a game, a picture.
    text : str
        What is said, without stage directions; not normalised.
    translations : mapping of str to str
        Language code to the same sentence in that language.
    fault : str or None
        Why ``text`` cannot be used as a transcript.
    """

    id: str
    recording: Path
    source: str
    language: str
    speaker: str
    unit: str
    text: str = ""
    translations: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None

    @property
    def group(self) -> str:
        """Name of the line of the printed table that counts this clip."""
        return f"{self.source} {self.language}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Own and English text: what must not be in train and test at once."""
        return tuple(filter(None, (self.text, self.translations.get("en", ""))))


@dataclass(frozen=True)
class Reading:
    """What one source holds.

    Parameters
    ----------
    clips : sequence of Clip
        Every recording in the chosen languages, usable or not.
    units : mapping of str to list of str
        Every unit of the source with its texts in *all* languages, so that the split
        does not depend on the languages that were chosen.
    joins_sentences : bool
        Whether units that share a sentence go to the same split. Off where units are
        whole scenes: a "Yes." in each would join them all.
    """

    clips: Sequence[Clip]
    units: Mapping[str, list[str]]
    joins_sentences: bool = True
