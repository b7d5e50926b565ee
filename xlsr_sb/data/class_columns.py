"""Utterances with the class of each, of any number."""

from collections.abc import Sequence

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance, columns_of, durations_of
from xlsr_sb.manifest.columns import Names

LANGUAGE, SPEAKER = "language", "speaker"
KINDS = (LANGUAGE, SPEAKER)


def class_of(utterance: Utterance, kind: str) -> str:
    """Class of an utterance; empty where it is unknown.

    Example
    -------
    >>> class_of(Utterance("a", "a.wav", 1.0, language="fr", spk_id="ann"), "speaker")
    'ann'
    """
    return utterance.language if kind == LANGUAGE else utterance.spk_id


class ClassifiedSpeech(Sequence[Utterance]):
    """Some utterances of a manifest, which may stay on disk, and their classes.

    Parameters
    ----------
    utterances : sequence of Utterance
    kind : str
        What the classes are: ``language`` or ``speaker``.

    Attributes
    ----------
    durations : float64 array [N]
        In seconds.
    names : tuple of str
        Classes that occur in the manifest, sorted.
    codes : integer array [N]
        Which of them each utterance has.

    Raises
    ------
    InputError
        If there are no such classes.

    Example
    -------
    >>> clips = [Utterance("a", "a.wav", 2.0, language="it"),
    ...          Utterance("b", "b.wav", 1.0, language="fr")]
    >>> speech = ClassifiedSpeech(clips, "language")
    >>> speech.names, speech.codes.tolist(), speech.among(speech.durations > 1)[0].id
    (('fr', 'it'), [1, 0], 'a')
    """

    def __init__(self, utterances: Sequence[Utterance], kind: str):
        if kind not in KINDS:
            raise InputError(
                f"data: classes is {kind!r}; it must be one of {', '.join(KINDS)}"
            )
        self._utterances, self._rows = utterances, np.arange(len(utterances))
        self.durations = np.asarray(durations_of(utterances), dtype=np.float64)
        found = (
            columns_of(utterances).languages
            if kind == LANGUAGE
            else Names.of(one.spk_id for one in utterances)
        )
        order = np.argsort(np.array(found.names, dtype=object), kind="stable")
        self.names = tuple(found.names[place] for place in order)
        self.codes = np.argsort(order)[found.codes] if len(order) else found.codes

    def among(self, chosen: np.ndarray) -> "ClassifiedSpeech":
        """Those that a mask or an array of places chooses, in their order."""
        part = object.__new__(type(self))
        part.__dict__ |= self.__dict__
        part._rows = self._rows[chosen]
        part.durations, part.codes = self.durations[chosen], self.codes[chosen]
        return part

    @property
    def classes(self) -> list[str]:
        """Class of each utterance."""
        return [self.names[code] for code in self.codes.tolist()]

    @property
    def occurring(self) -> list[str]:
        """Classes that some of these utterances have, sorted."""
        return [self.names[code] for code in np.unique(self.codes)]

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self._rows)

    def __getitem__(self, index):
        """Return an utterance, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return self._utterances[int(self._rows[index])]
