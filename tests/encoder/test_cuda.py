"""The paths of a GPU, without one: shapes, devices, and no wait for the device.

``FakeTensorMode`` computes shapes and devices only, and stops where a value would have
to be read from the device. Nothing here says that the numbers are right, and for the
backward pass a card is needed.
"""

from unittest import mock

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.encoder.kept import pretended_gpu
from tests.encoder.models import LENGTHS
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.heads.ctc import CTCHead

fake_tensor = pytest.importorskip(
    "torch._subclasses.fake_tensor", reason="this PyTorch has no FakeTensorMode"
)
pytest.importorskip(
    "torch.nn.attention.varlen", reason="this PyTorch has no varlen attention"
)


class Ops(TorchDispatchMode):
    """Names of all operations, and of the copies from the device to the host."""

    def __init__(self):
        super().__init__()
        self.names = []
        self.copies_to_host = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Note the operation and go on."""
        output = func(*args, **(kwargs or {}))
        self.names.append(str(func))
        was_cuda = any(isinstance(a, torch.Tensor) and a.is_cuda for a in args)
        if was_cuda and isinstance(output, torch.Tensor) and not output.is_cuda:
            self.copies_to_host.append(str(func))
        return output


@pytest.fixture
def fake_cuda():
    """A card that only computes shapes."""
    with pretended_gpu():
        yield


def on_card(**fields):
    """Lobe, waveforms and their lengths, the lengths on the host."""
    config = XLSRConfig.preset("tiny", num_layers=2, layerdrop=0.0, **fields)
    with torch.device("cuda"):
        lobe = XLSR(config)
        waveforms = torch.empty(len(LENGTHS), max(LENGTHS))
    return lobe, waveforms, np.array(LENGTHS)


def encoded_under_autocast(lobe, waveforms, num_samples):
    """What a bf16 pass gives, and its operations."""
    with Ops() as ops, torch.autocast("cuda", torch.bfloat16):
        encoded = lobe.encode(waveforms, num_samples)
    return encoded, ops


@pytest.mark.usefixtures("fake_cuda")
@pytest.mark.parametrize("training", [False, True])
def test_bf16_takes_variable_length_attention(training):
    """One call a layer; shapes are right, all is on the card, nothing waits for it."""
    lobe, *batch = on_card()
    lobe.train(training)
    encoded, ops = encoded_under_autocast(lobe, *batch)
    assert encoded.features.shape == (4, 49, 384)
    assert encoded.features.is_cuda
    assert encoded.num_frames.is_cuda
    assert sum("varlen_attn" in name for name in ops.names) == 2
    assert not any("softmax" in name for name in ops.names)
    assert ops.copies_to_host == []


@pytest.mark.usefixtures("fake_cuda")
@pytest.mark.parametrize("fields", [{}, {"attention_dropout": 0.1}])
def test_fp32_and_attention_dropout_take_the_plain_one(fields):
    """Utterance by utterance: varlen attention has neither."""
    lobe, *batch = on_card(**fields)
    attend = mock.Mock(wraps=torch.nn.functional.scaled_dot_product_attention)
    path = "torch.nn.functional.scaled_dot_product_attention"
    with Ops() as ops, mock.patch(path, attend):
        encoded = lobe.encode(*batch, all_layers=True)
    assert encoded.features.shape == (4, 49, 384)
    assert len(encoded.layers) == 3
    assert not any("varlen_attn" in name for name in ops.names)
    assert attend.call_count == 2 * len(LENGTHS)
    assert ops.copies_to_host == []


@pytest.mark.usefixtures("fake_cuda")
def test_head_stays_in_single_precision():
    """Under autocast as well."""
    lobe, *batch = on_card()
    with torch.device("cuda"):
        head = CTCHead(384, 30)
    with torch.autocast("cuda", torch.bfloat16):
        log_probs = head(lobe.encode(*batch).features)
    assert log_probs.dtype == torch.float32
    assert log_probs.shape == (4, 49, 30)


@pytest.mark.usefixtures("fake_cuda")
def test_a_wait_for_the_device_would_be_found():
    """The tests above can fail: reading a value from the card stops here."""
    with pytest.raises(fake_tensor.DataDependentOutputException):
        torch.ones(2, device="cuda").sum().item()
    with Ops() as ops:
        torch.ones(2, device="cuda").cpu()
    assert len(ops.copies_to_host) == 1
