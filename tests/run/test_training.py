"""What a run decides about the machine that it is on."""

import logging

import pytest
import torch
from speechbrain.utils.run_opts import RunOptions

from xlsr_sb.run import training


@pytest.mark.parametrize("precision", ["bf16", "fp32", "auto"])
@pytest.mark.parametrize("has_bf16", [True, False])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_emulated_bf16_is_told(monkeypatch, caplog, precision, has_bf16, machine):
    """Only where it is used, and known to be missing."""
    monkeypatch.setattr(training.platform, "machine", lambda: machine)
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: has_bf16)
    with caplog.at_level(logging.WARNING):
        training._with_precision(RunOptions(device="cpu"), precision)
    is_slow = precision == "bf16" and not has_bf16 and machine == "x86_64"
    assert ("emulated" in caplog.text) == is_slow
