"""Error rates as counts that add up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """Errors among a number of units; scores of parts add up to that of the whole.

    Parameters
    ----------
    name : str
        What is measured: ``WER``, ``CER``...
    errors : int
        Substitutions, deletions and insertions, or wrong answers of another kind.
    total : int
        Units of the references.
    substitutions, deletions, insertions : int, optional
        What the errors consist of, where texts were aligned: all three or none.

    Example
    -------
    >>> score = Score("WER", errors=1, total=3) + Score("WER", errors=0, total=1)
    >>> score.errors, score.total, score.value
    (1, 4, 0.25)
    """

    name: str
    errors: int
    total: int
    substitutions: int | None = None
    deletions: int | None = None
    insertions: int | None = None

    def __post_init__(self):
        parts = self.parts
        if parts.count(None) in (1, 2):
            raise ValueError(f"{self.name}: {parts} must be three counts or none")
        if None not in parts and sum(parts) != self.errors:
            raise ValueError(
                f"{self.name}: {self.errors} errors, but substitutions, deletions and "
                f"insertions are {parts}"
            )

    @property
    def parts(self) -> tuple[int | None, int | None, int | None]:
        """Substitutions, deletions and insertions."""
        return self.substitutions, self.deletions, self.insertions

    @property
    def value(self) -> float:
        """Errors divided by units; above 1 where insertions abound."""
        if self.total == 0:
            raise ZeroDivisionError(
                f"{self.name} has no value: the references are empty"
                f" ({self.errors} errors in 0 units)"
            )
        return self.errors / self.total

    def __add__(self, other: "Score") -> "Score":
        """Score of both together, with its parts if both have them."""
        if not isinstance(other, Score):
            return NotImplemented
        if other.name != self.name:
            raise ValueError(f"a {self.name} and a {other.name} cannot be added")
        both = zip(self.parts, other.parts, strict=True)
        parts = [None if None in pair else sum(pair) for pair in both]
        return Score(
            self.name, self.errors + other.errors, self.total + other.total, *parts
        )
