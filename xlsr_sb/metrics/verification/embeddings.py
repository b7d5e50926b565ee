"""Embeddings by the ids of their recordings, and cosine scores of trials."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from xlsr_sb.errors import InputError
from xlsr_sb.metrics.verification.trials import TrialList

PIECE = 4_000_000  # numbers computed at a time: tens of megabytes
SHOWN = 5  # ids in an error


class EmbeddingTable:
    """Embeddings of length 1, found by id.

    Parameters
    ----------
    ids : sequence of str
        Each once.
    vectors : ndarray [N, D], float
        One embedding a recording, of any length but 0.

    Raises
    ------
    InputError
        If an embedding is zero or holds a number that is not finite.

    Example
    -------
    >>> table = EmbeddingTable(["a", "b"], np.array([[3.0, 4.0], [1.0, 0.0]]))
    >>> table.rows(["b", "a", "b"]).tolist(), table.vectors[0].round(2).tolist()
    ([1, 0, 1], [0.6, 0.8])
    """

    def __init__(self, ids: Sequence[str], vectors: np.ndarray):
        self.ids = list(ids)
        vectors = np.asarray(vectors)
        if vectors.ndim != 2 or len(vectors) != len(self.ids):
            raise ValueError(f"{len(self.ids)} ids of embeddings {vectors.shape}")
        self.places = {name: place for place, name in enumerate(self.ids)}
        if len(self.places) < len(self.ids):
            raise ValueError("an id of an embedding comes twice")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        bad = np.flatnonzero(~(np.isfinite(norms[:, 0]) & (norms[:, 0] > 0)))
        if len(bad):
            raise InputError(
                f"{len(bad)} of {len(self)} embeddings have no direction (zero, or not "
                f"finite): {_some([self.ids[place] for place in bad])}; look at these "
                "recordings"
            )
        self.vectors = vectors / norms

    @classmethod
    def of(cls, embeddings: Mapping[str, np.ndarray]) -> "EmbeddingTable":
        """Table of embeddings [D], all of one width, by id.

        Example
        -------
        >>> EmbeddingTable.of({"a": np.ones(4)}).vectors.tolist()
        [[0.5, 0.5, 0.5, 0.5]]
        """
        if not embeddings:
            raise InputError("there is no embedding; at least one is needed")
        widths = {name: np.shape(vector) for name, vector in embeddings.items()}
        if len(set(widths.values())) > 1:
            raise InputError(
                f"embeddings have shapes {sorted(set(widths.values()))}; all must be "
                "of one model"
            )
        return cls([*embeddings], np.stack([*embeddings.values()]))

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, ids: Sequence[str]) -> np.ndarray:
        """Row of each id, [len(ids)]; an InputError names those without one."""
        missing = list(dict.fromkeys(one for one in ids if one not in self.places))
        if missing:
            raise InputError(
                f"{len(missing)} recordings of the trials have no embedding: "
                f"{_some(missing)}; the embeddings have ids such as {self.ids[0]!r}"
            )
        return np.fromiter((self.places[one] for one in ids), np.int64, len(ids))


def cosine_scores(table: EmbeddingTable, trials: TrialList) -> np.ndarray:
    """Cosine between the two embeddings of each trial.

    Parameters
    ----------
    table : EmbeddingTable
        Of all recordings of the trials, and any others.
    trials : TrialList

    Returns
    -------
    ndarray [N], float64, in [-1, 1]

    Raises
    ------
    InputError
        Naming the recordings that have no embedding.

    Example
    -------
    >>> table = EmbeddingTable(["a", "b"], np.array([[1.0, 0.0], [3.0, 4.0]]))
    >>> trials = TrialList(np.array([True, True]), ["a", "a"], ["a", "b"])
    >>> cosine_scores(table, trials).round(6).tolist()
    [1.0, 0.6]
    """
    rows = table.rows([*trials.enrolments, *trials.tests]).reshape(2, -1)
    scores = np.empty(len(trials))
    for piece in pieces(len(trials), table.vectors.shape[1]):
        left, right = table.vectors[rows[:, piece]]
        scores[piece] = np.einsum("ij,ij->i", left, right, dtype=np.float64)
    return np.clip(scores, -1, 1)


def pieces(number: int, width: int) -> Iterator[slice]:
    """Slices of ``number`` rows, each with about four million numbers.

    Example
    -------
    >>> [one.stop - one.start for one in pieces(5, 2_000_000)]
    [2, 2, 1]
    """
    size = max(1, PIECE // max(1, width))
    for start in range(0, number, size):
        yield slice(start, min(start + size, number))


def _some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + more
