"""Pieces of many recordings through a model, in batches, whatever their lengths."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from torch import Tensor

from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.transcription.recordings import Recording

SECONDS_PER_BATCH = 60.0  # of speech
Pieces = TypeVar("Pieces", bound=Iterable[Tensor])
Output = TypeVar("Output")


@dataclass
class Computed(Generic[Pieces, Output]):
    """A recording and what was computed of its pieces.

    Parameters
    ----------
    recording : Recording
    pieces : iterable of Tensor [T]
        Read to their end.
    outputs : list
        One a piece.
    lengths : list of int
        Samples of each piece.
    is_read : bool
    """

    recording: Recording
    pieces: Pieces
    outputs: list[Output] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    is_read: bool = False


def in_batches(
    recordings: Iterable[Recording],
    cut: Callable[[Recording], Pieces],
    compute: Callable[[list[Tensor]], Iterable[Output]],
) -> Iterator[tuple[Recording, Computed[Pieces, Output] | InputError]]:
    """What a model makes of the pieces of each recording, or why there is nothing.

    Parameters
    ----------
    recordings : iterable of Recording
    cut : callable
        Pieces of a recording; an ``InputError`` may come at any of them.
    compute : callable
        Output of each of some waveforms, the same in any batch.

    Yields
    ------
    tuple of Recording and Computed or InputError
        Outputs in the order of the recordings; errors as soon as known.

    Example
    -------
    >>> import torch
    >>> recordings = [Recording(name, name, name) for name in ("a", "b")]
    >>> sums = lambda waveforms: [one.sum().item() for one in waveforms]
    >>> counts = {"a": [400, 800], "b": [600]}
    >>> cut = lambda one: [torch.ones(count) for count in counts[one.name]]
    >>> for recording, computed in in_batches(recordings, cut, sums):
    ...     print(recording.name, computed.outputs, computed.lengths)
    a [400.0, 800.0] [400, 800]
    b [600.0] [600]
    """
    batch: list[tuple[Computed, Tensor]] = []
    queue: list[Computed] = []  # that are not yielded yet
    seconds = 0.0
    for recording in recordings:
        one = Computed(recording, ())
        queue.append(one)
        try:
            one.pieces = cut(recording)
            for piece in one.pieces:
                duration = len(piece) / SAMPLE_RATE
                if batch and seconds + duration > SECONDS_PER_BATCH:
                    _compute(batch, compute)
                    batch, seconds = [], 0.0
                    yield from _finished(queue)
                batch.append((one, piece))
                seconds += duration
        except InputError as error:
            queue.remove(one)
            batch = [other for other in batch if other[0] is not one]
            seconds = sum(len(piece) for _, piece in batch) / SAMPLE_RATE
            yield recording, error
            continue
        one.is_read = True
    _compute(batch, compute)
    yield from _finished(queue)


def _compute(
    batch: list[tuple[Computed, Tensor]],
    compute: Callable[[list[Tensor]], Iterable[Output]],
) -> None:
    """Give each recording the outputs of its pieces."""
    if not batch:
        return
    outputs = compute([piece for _, piece in batch])
    for (one, piece), output in zip(batch, outputs, strict=True):
        one.outputs.append(output)
        one.lengths.append(len(piece))


def _finished(queue: list[Computed]) -> Iterator[tuple[Recording, Computed]]:
    """Recordings that were read to their end; no piece may wait in a batch."""
    while queue and queue[0].is_read:
        one = queue.pop(0)
        yield one.recording, one
