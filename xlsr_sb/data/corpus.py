"""What a recipe's ``prepare`` returns: utterances by split, and what was dropped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xlsr_sb.manifest import Utterance


@dataclass(frozen=True)
class Note:
    """What was kept and dropped of one group of clips (a language, a package, a split).

    Parameters
    ----------
    group : str
        Name of the group, as printed.
    kept : int
        Clips kept.
    seconds : float
        Speech in the kept clips.
    dropped : mapping of str to int
        Clips dropped, by reason.
    """

    group: str
    kept: int
    seconds: float
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Corpus:
    """A corpus, ready to be written as manifests.

    Parameters
    ----------
    splits : dict of str to sequence of Utterance
        ``train``, ``dev`` and ``test`` (further test sets have names of their own).
        What ``read_utterances`` gives of a large manifest is used where it stands.
    notes : list of Note
        What was kept and dropped, and why.

    Example
    -------
    >>> clip = Utterance(id="a", wav="a.wav", duration=2.0, language="fr", wrd="oui")
    >>> note = Note("French", kept=1, seconds=2.0, dropped={"silent": 3})
    >>> print(Corpus({"train": [clip]}, [note]).table())
    group   kept  minutes  dropped
    French     1      0.0  3 silent
    total      1      0.0  3 silent
    """

    splits: dict[str, Sequence[Utterance]]
    notes: list[Note] = field(default_factory=list)

    def table(self) -> str:
        """One line a group: clips and minutes kept, clips dropped by reason."""
        lines = [("group", "kept", "minutes", "dropped")]
        lines += [_line(note) for note in [*self.notes, _total(self.notes)]]
        width = max(len(line[0]) for line in lines)
        return "\n".join(
            f"{group:<{width}}  {kept:>4}  {minutes:>7}  {dropped}".rstrip()
            for group, kept, minutes, dropped in lines
        )


def _total(notes: list[Note]) -> Note:
    """Sum of all notes."""
    dropped: dict[str, int] = {}
    for note in notes:
        for reason, count in note.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
    kept = sum(note.kept for note in notes)
    return Note("total", kept, sum(note.seconds for note in notes), dropped)


def _line(note: Note) -> tuple[str, str, str, str]:
    """Cells of one note."""
    dropped = ", ".join(f"{n} {why}" for why, n in note.dropped.items() if n)
    return note.group, str(note.kept), f"{note.seconds / 60:.1f}", dropped
