"""Features of recordings as long as you like, in bounded memory.

The waveform is read twice: for its mean and variance, then in chunks. Whatever the
context, the rows that enter the first layer are those of the whole recording: a chunk
is normalised by the statistics of all samples, and convolved with the samples and the
frames around it that the two convolutions see.

    chunks                 |    chunk    |    chunk    |    chunk    |
    positions see    + 64 frames on both sides
    attention sees   "chunk": the chunk and ``overlap_seconds`` on both sides
                     "recording": all frames, a block of queries after the other

With the context "recording" the features are those of ``XLSR.encode``; memory is four
times the result, and time grows with the square of the length. With "chunk" memory
does not grow and time grows with the length, but attention is cut off: away from the
edges of a chunk the features come close to the others, and are not equal to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from xlsr_sb.encoder.long_attention import pass_layer
from xlsr_sb.encoder.recording_rows import RecordingRows
from xlsr_sb.encoder.xlsr import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE

CONTEXTS = ("chunk", "recording")


@dataclass(frozen=True)
class Chunk:
    """Features of some neighbouring frames of a recording.

    Parameters
    ----------
    first_frame : int
        Where they begin.
    num_frames : int
        Frames of the whole recording.
    features : Tensor [n, D]
        On the CPU.
    """

    first_frame: int
    num_frames: int
    features: Tensor


def encode_recording(lobe: XLSR, recording: Tensor | str | Path, **options) -> Tensor:
    """Features of a recording as one tensor.

    Parameters
    ----------
    lobe : XLSR
        In evaluation mode.
    recording : Tensor [T], str or Path
        Waveform at 16 kHz, or an audio file; a file is never read as a whole.
    **options
        Of ``stream_recording``.

    Returns
    -------
    Tensor [F, D]
        On the CPU.

    Example
    -------
    >>> from xlsr_sb import XLSRConfig
    >>> lobe, waveform = XLSR(XLSRConfig.preset("tiny")).eval(), torch.randn(80_000)
    >>> features = encode_recording(lobe, waveform, chunk_seconds=1.0)
    >>> whole = lobe.encode(waveform[None], torch.tensor([80_000])).features[0]
    >>> bool(torch.allclose(features, whole, atol=1e-4))
    True
    """
    features = torch.empty(0)
    for chunk in stream_recording(lobe, recording, **options):
        if chunk.first_frame == 0:
            shape = chunk.num_frames, chunk.features.shape[1]
            features = chunk.features.new_empty(shape)
        features[chunk.first_frame :][: len(chunk.features)] = chunk.features
    return features


@torch.no_grad()
def stream_recording(
    lobe: XLSR,
    recording: Tensor | str | Path,
    *,
    context: str = "recording",
    up_to_layer: int | None = None,
    chunk_seconds: float = 30.0,
    overlap_seconds: float = 5.0,
) -> Iterator[Chunk]:
    """Features of a recording, chunk after chunk.

    Parameters
    ----------
    lobe : XLSR
        In evaluation mode.
    recording : Tensor [T], str or Path
        Waveform at 16 kHz, or an audio file; a file is never read as a whole.
    context : str
        What attention sees: ``recording``, all of it, as in ``XLSR.encode``, in time
        that grows with the square of the length; or ``chunk``, the chunk and its
        overlaps. For a recording that is no longer than a chunk both are the same.
    up_to_layer : int, optional
        See ``XLSR.encode``.
    chunk_seconds : float
        Length of a chunk.
    overlap_seconds : float
        What attention sees on each side of a chunk; only for the context ``chunk``.

    Yields
    ------
    Chunk

    Raises
    ------
    InputError
        If an option or the file cannot be used, the recording is shorter than one
        frame, or the lobe is in training mode.

    Example
    -------
    >>> from xlsr_sb import XLSRConfig
    >>> lobe = XLSR(XLSRConfig.preset("tiny")).eval()
    >>> chunks = stream_recording(
    ...     lobe, torch.randn(80_000), context="chunk", chunk_seconds=2.0
    ... )
    >>> [(chunk.first_frame, len(chunk.features)) for chunk in chunks]
    [(0, 100), (100, 100), (200, 49)]
    """
    if lobe.training:
        raise InputError(
            "encoder: features of recordings are made in evaluation mode; call "
            "lobe.eval() first"
        )
    plan = Plan.of(
        lobe,
        context=context,
        up_to_layer=up_to_layer,
        chunk_seconds=chunk_seconds,
        overlap_seconds=overlap_seconds,
    )
    rows = RecordingRows(lobe, recording)
    compute = _whole if context == "recording" else _apart
    for first, features in compute(rows, plan):
        yield Chunk(first, rows.num_frames, features.cpu())


@dataclass(frozen=True)
class Plan:
    """Options of ``stream_recording`` that were found to be possible, in frames.

    Parameters
    ----------
    top : int
        The last layer to run.
    size : int
        Of a chunk.
    overlap : int
        On each side of it.

    Example
    -------
    >>> from xlsr_sb import XLSRConfig
    >>> lobe = XLSR(XLSRConfig.preset("tiny"))
    >>> Plan.of(
    ...     lobe,
    ...     context="chunk",
    ...     up_to_layer=None,
    ...     chunk_seconds=20.0,
    ...     overlap_seconds=0.5,
    ... )
    Plan(top=3, size=1000, overlap=25)
    """

    top: int
    size: int
    overlap: int

    @classmethod
    def of(
        cls,
        lobe: XLSR,
        *,
        context: str,
        up_to_layer: int | None,
        chunk_seconds: float,
        overlap_seconds: float,
    ) -> "Plan":
        """Plan of these options.

        Raises
        ------
        InputError
            If one of them cannot be used.
        """
        if context not in CONTEXTS:
            raise InputError(f"context must be one of {CONTEXTS}, got {context!r}")
        frame = lobe.config.hop / SAMPLE_RATE
        size, overlap = round(chunk_seconds / frame), round(overlap_seconds / frame)
        if size < 1:
            raise InputError(
                f"chunk_seconds must be at least {frame}, got {chunk_seconds}"
            )
        if overlap < 0:
            raise InputError(f"overlap_seconds must not be negative: {overlap_seconds}")
        return cls(lobe.config.top_layer(up_to_layer), size, overlap)


def _apart(rows: RecordingRows, plan: Plan) -> Iterator[tuple[int, Tensor]]:
    """Features of each chunk, computed from it and its overlaps."""
    for first in range(0, rows.num_frames, plan.size):
        last = min(first + plan.size, rows.num_frames)
        begin = max(0, first - plan.overlap)
        end = min(rows.num_frames, last + plan.overlap)
        layout = rows.layout(end - begin)
        states = rows.lobe.transformer(rows.read(begin, end), layout, wanted=[plan.top])
        yield first, states[-1][first - begin : last - begin]


def _whole(rows: RecordingRows, plan: Plan) -> Iterator[tuple[int, Tensor]]:
    """Features of each chunk, computed from all frames, layer by layer."""
    size = plan.size
    transformer, dim = rows.lobe.transformer, rows.config.dim
    firsts = range(0, rows.num_frames, size)
    pieces = (rows.read(i, min(i + size, rows.num_frames)) for i in firsts)
    piece = next(pieces)
    states = piece.new_empty(rows.num_frames, dim)
    states[: len(piece)] = piece
    for first, piece in zip(firsts[1:], pieces, strict=True):
        states[first : first + size] = piece
    store = states.new_empty(3, rows.num_frames, dim)
    for layer in islice(transformer.layers, plan.top):
        pass_layer(layer, states, store)
    for first, piece in zip(firsts, states.split(size), strict=True):
        is_last = plan.top == len(transformer.layers)
        yield first, transformer.norm(piece) if is_last else piece
