"""Utterances to batches: audio read, targets encoded, both laid side by side."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.utils.data import Dataset

from xlsr_sb.data.audio import load_audio
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.manifest import Utterance, durations_of


@dataclass(eq=False)
class Batch:
    """Some utterances, with their waveforms and targets side by side.

    Axes: B utterances, T samples, U tokens.

    Parameters
    ----------
    utterances : tuple of B Utterance
    waveforms : Tensor [B, T], float32 at 16 kHz
        Zeros after the samples of each.
    num_samples : LongTensor [B]
    targets : LongTensor [B, U]
        Zeros after the tokens of each.
    num_targets : LongTensor [B]
    """

    utterances: tuple[Utterance, ...]
    waveforms: Tensor
    num_samples: Tensor
    targets: Tensor
    num_targets: Tensor

    @property
    def ids(self) -> list[str]:
        """Ids of the utterances."""
        return [utterance.id for utterance in self.utterances]

    @property
    def num_seconds(self) -> float:
        """Speech in the batch."""
        return self.num_samples.sum().item() / SAMPLE_RATE

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.utterances)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Batch":
        """Return the batch with its tensors on a device."""
        return self._with(lambda one: one.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Batch":
        """Return the batch in page-locked memory."""
        return self._with(Tensor.pin_memory)

    def _with(self, move: Callable[[Tensor], Tensor]) -> "Batch":
        """Batch whose tensors have been moved."""
        return replace(
            self,
            waveforms=move(self.waveforms),
            num_samples=move(self.num_samples),
            targets=move(self.targets),
            num_targets=move(self.num_targets),
        )


class SpeechDataset(Dataset):
    """Batches of any utterances, asked for by their indices.

    Parameters
    ----------
    utterances : sequence of Utterance
    encode_target : callable
        Token ids of an utterance: its transcript's characters, its language, ...

    Example
    -------
    >>> import numpy as np
    >>> import soundfile
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, np.zeros(8_000), 16_000)
    >>> utterances = [Utterance("a", path, 0.5), Utterance("b", path, 0.1, stop=1_600)]
    >>> dataset = SpeechDataset(utterances, encode_target=lambda one: [7])
    >>> batch = dataset[[1, 0]]
    >>> batch.ids, batch.num_samples.tolist(), batch.waveforms.shape, batch.targets
    (['b', 'a'], [1600, 8000], torch.Size([2, 8000]), tensor([[7],
            [7]]))
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        *,
        encode_target: Callable[[Utterance], Sequence[int]],
    ) -> None:
        self.utterances = utterances
        self.encode_target = encode_target

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.utterances)

    @property
    def durations(self) -> Sequence[float]:
        """Length of each utterance in seconds."""
        return durations_of(self.utterances)

    def __getitem__(self, indices: Sequence[int]) -> Batch:
        """Load some utterances as a batch, in the order given.

        Raises
        ------
        InputError
            Naming the utterance that cannot be used.
        """
        utterances = tuple(self._segment(index) for index in indices)
        examples = list(map(self._example, indices, utterances))
        waveforms, num_samples = _stacked([waveform for waveform, _ in examples])
        targets, num_targets = _stacked([target for _, target in examples])
        return Batch(utterances, waveforms, num_samples, targets, num_targets)

    def _segment(self, index: int) -> Utterance:
        """Return the utterance as it is loaded."""
        return self.utterances[index]

    def _example(self, request, utterance: Utterance) -> tuple[Tensor, Tensor]:
        """Waveform [T] and target [U] of what was asked for."""
        del request  # the utterance says it all
        with naming(utterance):
            waveform = load_audio(
                utterance.wav, start=utterance.start, stop=utterance.stop
            )
            target = self.encode_target(utterance)
        return waveform, torch.as_tensor(target, dtype=torch.long)


@contextmanager
def naming(utterance: Utterance) -> Iterator[None]:
    """Put the utterance's id before the message of an error.

    Example
    -------
    >>> with naming(Utterance("a", "a.wav", 1.0)):
    ...     raise InputError("a.wav: there is no such file")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: utterance 'a': a.wav: there is no such file
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"utterance {utterance.id!r}: {error}") from error


def _stacked(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Rows as one tensor [B, longest] with zeros after each, and their lengths."""
    lengths = torch.tensor([len(row) for row in rows])
    stacked = rows[0].new_zeros(len(rows), int(lengths.max()))
    for place, row in zip(stacked, rows, strict=True):
        place[: len(row)] = row
    return stacked, lengths
