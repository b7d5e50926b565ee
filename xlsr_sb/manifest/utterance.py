"""The record of one utterance, and the columns that hold it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

REQUIRED = ("ID", "duration", "wav")
COLUMNS = (*REQUIRED, "start", "stop", "spk_id", "language", "wrd")
CORPUS = "corpus"  # a column where some utterance has one
TRANSLATION = "translation_"  # followed by a language code


@dataclass(frozen=True, slots=True)
class Utterance:
    """One stretch of speech and what is known of it.

    Parameters
    ----------
    id : str
        Unique in its manifest.
    wav : str
        Path of the audio file.
    duration : float
        Length in seconds: of the segment where there is one, else of the file. 0 if
        the file cannot be read: where it is scored, nothing was understood.
    start, stop : int, optional
        Segment in samples at the file's own rate, ``stop`` exclusive. Without them,
        from the first sample, up to the last.
    spk_id, language : str
        Empty where unknown.
    wrd : str
        Transcript.
    translations : mapping of str to str
        Text by language code.
    corpus : str
        Where it comes from; empty where there is only one.

    Example
    -------
    >>> Utterance(id="a", wav="a.wav", duration=2.0, wrd="bonjour").wrd
    'bonjour'
    """

    id: str
    wav: str
    duration: float
    start: int | None = None
    stop: int | None = None
    spk_id: str = ""
    language: str = ""
    wrd: str = ""
    translations: Mapping[str, str] = field(default_factory=dict, hash=False)
    corpus: str = ""
