"""Long recordings cut where they are quietest, for models without blanks.

``xlsr_sb.transcription.pauses`` knows from the outputs of a recogniser where nothing
is said. A translator has no such outputs; here the waveform must tell.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from xlsr_sb.lengths import SAMPLE_RATE

STEP = SAMPLE_RATE // 100  # samples whose energy is measured together
WINDOW = 30  # steps that are quiet together: 0.3 seconds
MIN_SECONDS = 1.0  # of the longest piece: half of it holds a window


def quiet_pieces(blocks: Iterable[Tensor], *, longest: int) -> Iterator[Tensor]:
    """Waveform of a recording, cut in its quietest places.

    Parameters
    ----------
    blocks : iterable of Tensor [n]
        Samples at 16 kHz from left to right; no more of them are held than needed.
    longest : int
        Samples of a piece at most, ``MIN_SECONDS`` at least.

    Yields
    ------
    Tensor [n]
        Half of ``longest`` at least, but for the last, which has 0.15 seconds at least
        if there are others. Laid end to end they are the recording.

    Example
    -------
    >>> waveform = torch.randn(40_000)
    >>> waveform[20_000:25_600] = 0.0
    >>> pieces = quiet_pieces(waveform.split(9_000), longest=32_000)
    >>> [len(piece) for piece in pieces]
    [23200, 16800]
    """
    held, count = [], 0
    for block in blocks:
        held.append(block)
        count += len(block)
        while count > longest:
            waveform = torch.cat(held)
            cut = _quietest(waveform[:longest])
            yield waveform[:cut]
            held, count = [waveform[cut:]], count - cut
    if count:
        yield torch.cat(held)


def _quietest(waveform: Tensor) -> int:
    """Middle of the quietest window of the second half; of equals the last."""
    first = len(waveform) // 2
    steps = waveform[first:].double().unfold(0, STEP, STEP)
    windows = steps.square().sum(dim=1).unfold(0, WINDOW, 1).sum(dim=1)
    place = len(windows) - 1 - int(windows.flip(0).argmin())
    return first + (place + WINDOW // 2) * STEP
