"""The published sizes themselves; slow, so only with ``pytest -m slow``."""

import json
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence

from tests.encoder.models import PLAIN, as_transformers
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.lengths import mask_of

GIB = 2**30
MEMORY_GIB = 24  # of the machine that a 1B step has to fit on
STEP_OF_1B = """
import json, resource, time, torch
from xlsr_sb import XLSR, XLSRConfig
torch.set_num_threads(2)
lobe = XLSR(XLSRConfig.preset("1b", activation_checkpointing=True)).train()
trained = [one for one in lobe.parameters() if one.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=True)
waveform, num_samples = 0.1 * torch.randn(1, 160_000), torch.tensor([160_000])
before = lobe.transformer.layers[47].ffn_in.weight[0, :8].clone()
for _ in range(2):
    begin = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16):
        features = lobe.encode(waveform, num_samples).features
    (features * torch.randn_like(features)).sum().backward()
    norm = torch.nn.utils.clip_grad_norm_(trained, 1.0).item()
    optimizer.step()
    optimizer.zero_grad()
    seconds = time.perf_counter() - begin
moved = not torch.equal(before, lobe.transformer.layers[47].ffn_in.weight[0, :8])
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "peak": peak, "norm": norm, "moved": moved}))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_300m_equals_transformers(tmp_path):
    """Every hidden state, on a ragged batch."""
    torch.manual_seed(0)
    lobe = XLSR(XLSRConfig.preset("300m", **PLAIN)).eval()
    peer = as_transformers(lobe, tmp_path).eval()
    clips = [0.1 * torch.randn(64_000) + 0.01, torch.randn(37_777)]
    num_samples = torch.tensor([len(clip) for clip in clips])
    inputs = [F.layer_norm(clip, clip.shape) for clip in clips]
    mask = mask_of(num_samples, 64_000).long()
    with torch.no_grad():
        ours = lobe.encode(
            pad_sequence(clips, batch_first=True), num_samples, all_layers=True
        )
        theirs = peer(
            pad_sequence(inputs, batch_first=True),
            attention_mask=mask,
            output_hidden_states=True,
        )
    states = [*theirs.hidden_states[:-1], theirs.last_hidden_state]
    assert len(ours.layers) == len(states) == 25
    for mine, peers in zip(ours.layers, states, strict=True):
        for i, n in enumerate(ours.num_frames.tolist()):
            torch.testing.assert_close(mine[i, :n], peers[i, :n], atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_1b_trains_on_ten_seconds_in_the_memory_of_a_desktop():
    """Two steps in bf16 with activation checkpointing, clipping and Adam."""
    output = subprocess.run(
        [sys.executable, "-c", STEP_OF_1B], capture_output=True, text=True, check=True
    ).stdout
    found = json.loads(output.splitlines()[-1])
    print(f"{found['seconds']:.1f} s a step, peak {found['peak'] / GIB:.2f} GiB")
    assert found["moved"]
    assert found["norm"] > 0
    assert found["peak"] < MEMORY_GIB * GIB
