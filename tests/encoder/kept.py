"""Counting what an encoder keeps for its backward pass, on a CPU or a pretended GPU."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from unittest import mock

import pytest
import torch

from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.lengths import SAMPLE_RATE, num_frames

BF16 = {  # what autocast asks the missing card
    "torch.cuda.amp.common.amp_definitely_not_available": False,
    "torch.cuda.is_bf16_supported": True,
}


@contextmanager
def pretended_gpu() -> Iterator[None]:
    """Tensors that have a device and a shape, but no values."""
    fake_tensor = pytest.importorskip("torch._subclasses.fake_tensor")
    with ExitStack() as stack:
        for name, value in BF16.items():
            stack.enter_context(mock.patch(name, return_value=value))
        stack.enter_context(fake_tensor.FakeTensorMode(allow_non_fake_inputs=True))
        try:
            torch.empty(1, device="cuda")
        except (RuntimeError, AssertionError) as error:
            pytest.skip(f"this PyTorch cannot pretend to have a card: {error}")
        yield


def kept(
    config: XLSRConfig, seconds: list[float], *, device: str, dtype: str
) -> tuple[int, int]:
    """Bytes of all storages kept for the backward pass, weights aside; real frames."""
    num_samples = torch.tensor([round(one * SAMPLE_RATE) for one in seconds])
    frames = int(num_frames(num_samples).sum())
    storages = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage._cdata] = storage  # held, so that none takes its place
        return tensor

    lengths = num_samples.numpy()
    with pretended_gpu() if device == "cuda" else nullcontext():
        with torch.device(device):
            encoder = XLSR(config).train()
            waveforms = torch.rand(len(lengths), int(lengths.max()))
        weights = {one.untyped_storage()._cdata for one in encoder.parameters()}
        with (
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
            torch.autocast(device, torch.bfloat16, enabled=dtype == "bf16"),
        ):
            encoder.encode(waveforms, lengths)
        sizes = [s.nbytes() for key, s in storages.items() if key not in weights]
    return sum(sizes), frames
