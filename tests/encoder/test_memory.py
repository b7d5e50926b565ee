"""The memory model against what the encoder keeps, and against a process's peak.

Seen to fail: a factor of ``LAYER`` changed by 1, a layer that keeps one tensor more,
weights or moments left out.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

from tests.encoder.kept import kept
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.encoder.memory import (
    EMBEDDING,
    GIB,
    LAYER,
    RESIDUAL,
    USABLE,
    Kept,
    seconds_that_fit,
    training_memory,
)
from xlsr_sb.errors import InputError

SIZES = [
    {"dim": 64, "ffn_dim": 128, "num_heads": 4},
    {"dim": 96, "ffn_dim": 160, "num_heads": 2},
    {"dim": 64, "ffn_dim": 160, "num_heads": 8},
    {"dim": 128, "ffn_dim": 96, "num_heads": 4},
    {"dim": 64, "ffn_dim": 512, "num_heads": 8, "activation_dropout": 0.0},
    {"dim": 96, "ffn_dim": 128, "num_heads": 6, "activation_dropout": 0.0},
]
SHORT, LONG = [1.0, 2.0], [3.0, 4.0]
PAIRS = list(LAYER)
PROCESS = """
import json, sys, torch
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.bench.peaks import MemoryWatch
torch.set_num_threads(1)
watch = MemoryWatch(torch.device("cpu"))

def peak_of_training(config, seconds, dtype):
    lobe = XLSR(config).train()
    waveforms = torch.randn(len(seconds), int(max(seconds) * 16_000))
    num_samples = torch.tensor([int(one * 16_000) for one in seconds])
    trained = [one for one in lobe.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=True)
    for _ in range(2):
        watch.start()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
            features = lobe.encode(waveforms, num_samples).features
        features.float().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
    return watch.peak()

fields, seconds, dtype = json.loads(sys.argv[1])
small = {**fields, "num_layers": 1, "dim": 64, "ffn_dim": 64}
peak_of_training(XLSRConfig(**small), [0.5], dtype)  # loads the libraries' code
before = watch.start()
print(json.dumps([before, peak_of_training(XLSRConfig(**fields), seconds, dtype)]))
"""


def config_of(**fields) -> XLSRConfig:
    """Small, with convolutions that hardly count."""
    sizes = {"conv_dims": (8,) * 7, "pos_conv_groups": 2, "layerdrop": 0.0}
    return XLSRConfig(**{**sizes, "mask_channel_length": 4, **fields})


def per_frame_and_layer(config: XLSRConfig, device: str, dtype: str) -> float:
    """Bytes a frame that one more layer keeps."""
    measured = {}
    for depth in (1, 2):
        deep = replace(config, num_layers=depth)
        short, few = kept(deep, SHORT, device=device, dtype=dtype)
        long, many = kept(deep, LONG, device=device, dtype=dtype)
        measured[depth] = (long - short) / (many - few)
    return measured[2] - measured[1]


def fitted(device: str, dtype: str) -> Kept:
    """Factors that explain what layers of several sizes keep."""
    configs = [config_of(**sizes) for sizes in SIZES]
    found = [per_frame_and_layer(one, device, dtype) for one in configs]
    terms = [
        [
            one.dim,
            one.ffn_dim,
            one.num_heads,
            1,
            one.ffn_dim * bool(one.activation_dropout),
        ]
        for one in configs
    ]
    factors, _, rank, _ = np.linalg.lstsq(np.array(terms), np.array(found), rcond=None)
    assert rank == len(terms[0])
    assert np.array(terms) @ factors == pytest.approx(found), "it is not linear in them"
    names = ("dim", "ffn", "heads", "fixed", "dropped")
    return Kept(
        **{name: round(float(x), 2) for name, x in zip(names, factors, strict=True)}
    )


@pytest.mark.parametrize(("device", "dtype"), PAIRS)
def test_a_layer_keeps_what_its_factors_say(device, dtype):
    """Counted in several sizes, with and without dropout."""
    found, wanted = fitted(device, dtype), LAYER[device, dtype]
    assert asdict(found) == pytest.approx(asdict(wanted), abs=0.02), (
        f"xlsr_sb/encoder/memory.py: LAYER[{device!r}, {dtype!r}] should be {found}; "
        "then run `python -m xlsr_sb.bench.memory_table docs/memory.md`"
    )


@pytest.mark.parametrize(("device", "dtype"), PAIRS)
def test_with_checkpointing_a_layer_keeps_its_input(device, dtype):
    config = config_of(**SIZES[0], activation_checkpointing=True)
    found = per_frame_and_layer(config, device, dtype)
    assert found == pytest.approx(RESIDUAL * config.dim, rel=1e-3)


@pytest.mark.parametrize(("device", "dtype"), PAIRS)
def test_what_stands_around_the_layers(device, dtype):
    """Within a fifth: the gaps between utterances depend on their number."""
    config = config_of(**SIZES[1], num_layers=1)
    layer = per_frame_and_layer(config, device, dtype)
    short, few = kept(config, SHORT, device=device, dtype=dtype)
    long, many = kept(config, LONG, device=device, dtype=dtype)
    found = (long - short) / (many - few) - layer
    wanted = EMBEDDING[device, dtype].bytes_of(config)
    assert found == pytest.approx(wanted, rel=0.2), f"EMBEDDING[{device!r}, {dtype!r}]"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps the mark")
@pytest.mark.parametrize(
    ("dtype", "fields"),
    [
        ("fp32", {}),
        ("bf16", {}),
        ("fp32", {"activation_checkpointing": True}),
        ("fp32", {"conv_dims": (512,) * 7, "num_layers": 1, "ffn_dim": 512}),
        ("bf16", {"conv_dims": (512,) * 7, "num_layers": 1, "ffn_dim": 512}),
    ],
    ids=["fp32", "bf16", "checkpointing", "fp32 convolutions", "bf16 convolutions"],
)
def test_peak_of_a_process(dtype, fields):
    """Everything together, measured: within a tenth."""
    sizes = {"dim": 512, "ffn_dim": 2048, "num_heads": 8, "num_layers": 6}
    fields = {"conv_dims": (32,) * 7, "layerdrop": 0.0, **sizes, **fields}
    seconds = [10.0] * 3
    printed = subprocess.run(
        [sys.executable, "-c", PROCESS, json.dumps([fields, seconds, dtype])],
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=250,
    ).stdout
    before, peak = json.loads(printed)
    if before is None:
        pytest.skip("this system does not let a process set its high-water mark back")
    options = {"dtype": dtype, "device": "cpu"}
    wanted = training_memory(XLSRConfig(**fields), sum(seconds), **options).total
    print(f"measured {(peak - before) / 1e6:.0f} MB, model {wanted / 1e6:.0f} MB")
    assert peak - before == pytest.approx(wanted, rel=0.1)


def test_weights_and_moments_are_counted_exactly():
    """Four bytes each, two moments, frozen convolutions without gradient."""
    config = config_of(**SIZES[0], num_layers=3)
    parameters = list(XLSR(config).parameters())
    trained = sum(one.numel() for one in parameters if one.requires_grad)
    estimate = training_memory(config, 0.0, dtype="fp32", device="cpu")
    assert estimate.parameters == 4 * sum(one.numel() for one in parameters)
    assert (estimate.gradients, estimate.optimiser) == (4 * trained, 8 * trained)
    assert estimate.total == estimate.parameters + 12 * trained


def test_shards_divide_all_but_activations():
    config = XLSRConfig.preset("1b")
    whole = training_memory(config, 10.0, dtype="fp32", device="cpu")
    part = training_memory(config, 10.0, dtype="fp32", device="cpu", shards=4)
    assert part.activations == whole.activations
    for name in ("parameters", "gradients", "optimiser"):
        assert getattr(part, name) == pytest.approx(getattr(whole, name) / 4)


@pytest.mark.parametrize("shards", [1, 8])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_what_fits_just_fits(shards, checkpointing):
    """One second more does not."""
    config = XLSRConfig.preset("1b", activation_checkpointing=checkpointing)
    seconds = seconds_that_fit(config, 40, shards=shards)
    room = USABLE * 40 * GIB
    assert training_memory(config, seconds, shards=shards).total <= room
    assert training_memory(config, seconds + 1, shards=shards).total > room
    assert seconds_that_fit(config, 4, shards=1) == 0


@pytest.mark.parametrize(
    ("fields", "options", "message"),
    [
        ({}, {"dtype": "fp8"}, "nothing is known of cuda fp8; known: cpu fp32"),
        ({}, {"shards": 0}, "shards is 0; it must be at least 1"),
        ({"freeze_feature_extractor": False}, {}, "convolutions is not modelled"),
    ],
)
def test_what_is_not_modelled_is_refused(fields, options, message):
    with pytest.raises(InputError, match=message):
        training_memory(XLSRConfig.preset("tiny", **fields), 1.0, **options)
