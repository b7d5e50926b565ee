"""What a classifier makes of each clip of a set: the mean over its crops."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from xlsr_sb.manifest import Utterance
from xlsr_sb.training import distributed


@dataclass(frozen=True, eq=False)
class Heard:
    """Clips of a set, in the order of their ids, and what was found in each.

    Parameters
    ----------
    clips : list of Utterance
        Those that could be heard.
    probabilities : ndarray [N, C], float64
        Mean over the crops of a clip.
    embeddings : ndarray [N, E], float64
        Likewise.
    unreadable : list of Utterance
        Clips of which nothing is known.
    nll : float
        Mean over crops of -log p(class) in nats; NaN where no class was known.
    """

    clips: list[Utterance]
    probabilities: np.ndarray
    embeddings: np.ndarray
    unreadable: list[Utterance]
    nll: float


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops of some clips and what was found in them.

    Parameters
    ----------
    crops : sequence of Utterance
        With their segments; several may be of one clip.
    probabilities : ndarray [B, C], float32
    embeddings : ndarray [B, E], float32
    nll : float
        Sum over the crops of known class.
    num_known : int
    """

    crops: tuple[Utterance, ...]
    probabilities: np.ndarray
    embeddings: np.ndarray
    nll: float
    num_known: int


def heard_of(batches: Iterable[Crops], unreadable: list[Utterance]) -> Heard:
    """Bring the crops of all processes together, and average those of each clip.

    Parameters
    ----------
    batches : iterable of Crops
        Of this process.
    unreadable : list of Utterance
        Of this process.

    Returns
    -------
    Heard
        The same whatever the batches and the number of processes.

    Example
    -------
    >>> clips = Utterance("b", "b.wav", 1.0), Utterance("a", "a.wav", 1.0, start=5)
    >>> chances = np.array([[0.2, 0.8], [1.0, 0.0]])
    >>> crops = Crops((clips[0], *clips[1:]), chances, np.ones((2, 3)), 1.0, 2)
    >>> heard = heard_of([crops], [])
    >>> [one.id for one in heard.clips], heard.probabilities.tolist(), heard.nll
    (['a', 'b'], [[1.0, 0.0], [0.2, 0.8]], 0.5)
    """
    parts = distributed.gather_objects((list(batches), unreadable))
    batches = [one for part, _ in parts for one in part]
    found: dict[str, list] = {}
    for batch in batches:
        for row, crop in enumerate(batch.crops):
            values = batch.probabilities[row], batch.embeddings[row]
            found.setdefault(crop.id, []).append((crop.start or 0, crop, *values))
    clips, means = [], []
    for name in sorted(found):
        # In the order of time: sums of floats depend on it.
        rows = sorted(found[name], key=lambda row: row[0])
        clips.append(rows[0][1])
        means.append(
            [
                np.mean(np.stack([row[place] for row in rows]), axis=0, dtype=float)
                for place in (2, 3)
            ]
        )
    known = sum(one.num_known for one in batches)
    nll = sum(one.nll for one in batches)
    missing = [one for _, part in parts for one in part]
    return Heard(
        clips,
        probabilities=np.array([one for one, _ in means]),
        embeddings=np.array([one for _, one in means]),
        unreadable=sorted(missing, key=lambda one: one.id),
        nll=nll / known if known else float("nan"),
    )
