"""Which class a recording is of, and when."""

from collections.abc import Iterator
from dataclasses import dataclass

COLUMNS = ("path", "part", "start", "end", "label", "probability")
WHOLE, STRETCH = "whole", "stretch"


@dataclass(frozen=True)
class Guess:
    """A class and how likely it is.

    Parameters
    ----------
    label : str
    probability : float
    """

    label: str
    probability: float


@dataclass(frozen=True)
class Stretch:
    """A part of a recording that is of one class.

    Parameters
    ----------
    start, end : float
        Seconds.
    label : str
    probability : float
    """

    start: float
    end: float
    label: str
    probability: float


@dataclass(frozen=True)
class Answer:
    r"""What was identified in a recording.

    Parameters
    ----------
    name : str
        Of the recording, in what is written of it.
    audio : str
        Where the recording is.
    seconds : float
        Length of the recording.
    kind : str or None
        What the classes are; None if the model does not say it.
    best : tuple of Guess
        Of the whole recording, the likeliest first.
    timeline : tuple of Stretch
        From the first to the last; none where none is wanted.

    Example
    -------
    >>> timeline = Stretch(0.0, 7.5, "fr", 0.9), Stretch(7.5, 12.0, "it", 0.8)
    >>> best = Guess("fr", 0.61), Guess("it", 0.37)
    >>> answer = Answer("a", "a.wav", 12.0, "language", best, timeline)
    >>> print(answer.text.replace("\t", " | "))
    fr | 0.6100 | it | 0.3700
     | 0.00 | 7.50 | fr | 0.9000
     | 7.50 | 12.00 | it | 0.8000
    """

    name: str
    audio: str
    seconds: float
    kind: str | None
    best: tuple[Guess, ...]
    timeline: tuple[Stretch, ...]

    @property
    def text(self) -> str:
        """Labels and probabilities on a line, then a line for each stretch."""
        best = "\t".join(f"{one.label}\t{one.probability:.4f}" for one in self.best)
        return "\n".join(
            [
                best,
                *(
                    f"\t{one.start:.2f}\t{one.end:.2f}\t{one.label}"
                    f"\t{one.probability:.4f}"
                    for one in self.timeline
                ),
            ]
        )

    def rows(self, path: str) -> Iterator[tuple]:
        """Rows of a table with the columns ``COLUMNS``.

        Parameters
        ----------
        path : str
            What the recording is called there.

        Example
        -------
        >>> list(Answer("a", "a.wav", 1.0, None, (Guess("fr", 0.6),), ()).rows("x"))
        [('x', 'whole', 0.0, 1.0, 'fr', 0.6)]
        """
        for one in self.best:
            yield path, WHOLE, 0.0, self.seconds, one.label, one.probability
        for one in self.timeline:
            yield path, STRETCH, one.start, one.end, one.label, one.probability
