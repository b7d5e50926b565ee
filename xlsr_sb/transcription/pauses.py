"""Long recordings cut into pieces where nothing is said.

A cut changes nothing of the best path through the frames: it lies where one token has
ended and the next one begins, or in a blank. So the best path's text is that of the
whole recording. It lies between two words wherever a word ends in reach, in the longest
pause, so that a search with a language model loses as little as can be.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor


def pieces(
    blocks: Iterable[Tensor], *, longest: int, blank: int, space: int | None
) -> Iterator[Tensor]:
    """Log-probabilities of a recording, cut at pauses.

    Parameters
    ----------
    blocks : iterable of Tensor [n, V]
        Log-probabilities from left to right; no more of them are held than needed.
    longest : int
        Frames of a piece; more only where a single token is said all the time.
    blank : int
    space : int, optional
        Token between words.

    Yields
    ------
    Tensor [n, V]
        Half of ``longest`` at least, but for the last.

    Example
    -------
    >>> path = torch.tensor([3, 0, 3, 2, 2, 0, 0, 3, 3, 0, 3])
    >>> blocks = torch.nn.functional.one_hot(path, 4).split(2)
    >>> [len(piece) for piece in pieces(blocks, longest=8, blank=0, space=2)]
    [6, 5]
    """
    held, count = [], 0
    for block in blocks:
        held.append(block)
        count += len(block)
        while count > longest:
            held = [torch.cat(held)]
            path = held[0].max(dim=-1).indices.numpy()
            cut = _cut(path, longest, blank=blank, space=space)
            if cut is None:
                break
            yield held[0][:cut]
            held, count = [held[0][cut:]], count - cut
    if count:
        yield torch.cat(held)


def _cut(
    path: np.ndarray, longest: int, *, blank: int, space: int | None
) -> int | None:
    """Frame to cut before; None if one token fills all frames that could be.

    Parameters
    ----------
    path : int array [F], F > longest
        Best token of each frame.
    """
    begins = np.flatnonzero((path[1:] == blank) | (path[1:] != path[:-1])) + 1
    earliest = longest // 2
    allowed = begins[(begins >= earliest) & (begins <= longest)]
    if not len(allowed):
        late = begins[begins > longest]
        return int(late[0]) if len(late) else None
    # How good it is to cut before a frame: between words, a long pause, its middle.
    is_between = np.zeros(longest + 1, dtype=bool)
    length, nearness = np.zeros(longest + 1), np.arange(longest + 1.0)
    for first, end in _pauses(path[: longest + 1], blank=blank, space=space):
        is_between[first:end] = space is not None and (path[first:end] == space).any()
        first = min(max(first, earliest), end)
        length[first:end] = end - first
        nearness[first:end] = -abs(np.arange(first, end) - (first + end) / 2)
    keys = (nearness[allowed], length[allowed], is_between[allowed])
    return int(allowed[np.lexsort(keys)[-1]])


def _pauses(
    path: np.ndarray, *, blank: int, space: int | None
) -> list[tuple[int, int]]:
    """Stretches without letters: the first frame, and the one after the last."""
    is_silent = path == blank
    if space is not None:
        is_silent |= path == space
    edges = np.flatnonzero(np.diff(is_silent, prepend=False, append=False))
    return [tuple(pair) for pair in edges.reshape(-1, 2).tolist()]
