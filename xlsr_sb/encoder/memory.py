"""How much memory a training step takes, and how much speech fits on a GPU.

Counted are fp32 weights, their gradients (always there, as they are with several
batches an update), Adam's two moments, what the layers keep for the backward pass, and
the greatest of what is needed for a moment. The head, a percent or less, is not.

What the layers keep is linear in the frames. The factors below are the only numbers
that depend on how the encoder is written; tests count what it really keeps, on a CPU
and, with tensors that have shapes only, on a GPU, and tell a factor that is wrong.
"""

import math
from dataclasses import dataclass, fields
from functools import lru_cache

import torch

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.xlsr import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE

FP32 = 4  # bytes of a weight, of its gradient, and of each of Adam's two moments
BYTES = {"fp32": 4, "bf16": 2}  # of an activation
USABLE = 0.92  # of a card: the rest is for CUDA itself, its libraries, fragmentation
GIB = 2**30


@dataclass(frozen=True)
class Kept:
    """Bytes a frame that are kept for the backward pass, as factors of sizes.

    Parameters
    ----------
    dim, ffn, heads, fixed : float
        Factors of ``dim``, ``ffn_dim``, ``num_heads`` and of 1.
    dropped : float
        Factor of ``ffn_dim`` where there is activation dropout.
    conv : float
        Factor of the channels of the feature extractor.

    Example
    -------
    >>> Kept(dim=4, fixed=1).bytes_of(XLSRConfig.preset("tiny"))
    1537.0
    """

    dim: float = 0.0
    ffn: float = 0.0
    heads: float = 0.0
    fixed: float = 0.0
    dropped: float = 0.0
    conv: float = 0.0

    def bytes_of(self, config: XLSRConfig) -> float:
        """Bytes a frame of an encoder of these sizes."""
        dropped = self.dropped if config.activation_dropout else 0.0
        return (
            self.dim * config.dim
            + (self.ffn + dropped) * config.ffn_dim
            + self.heads * config.num_heads
            + self.fixed
            + self.conv * config.conv_dims[-1]
        )


LAYER = {  # of one layer, by device and precision
    ("cpu", "fp32"): Kept(dim=24, ffn=4, heads=4, dropped=1),
    ("cpu", "bf16"): Kept(dim=16, ffn=2, dropped=1),
    ("cuda", "bf16"): Kept(dim=20, ffn=4, heads=4, fixed=16, dropped=1),
}
RESIDUAL = 4  # bytes of a value that goes from layer to layer, in any precision
EMBEDDING = {  # of projection, masks and positions, and of the last LayerNorm
    ("cpu", "fp32"): Kept(dim=21, fixed=33, conv=8),
    ("cpu", "bf16"): Kept(dim=15, fixed=33, conv=4),
    ("cuda", "bf16"): Kept(dim=15, fixed=33, conv=6),
}
# Needed for a moment, in values a frame: of a layer's backward pass, and of the
# convolutions, whose first has 64 times the frames of the last.
BACKWARD_HIDDEN, EXTRACTOR_COPIES = 3, 2


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes of a training step.

    Parameters
    ----------
    parameters : int
        Weights, and the half-precision copies that autocast makes of them.
    gradients, optimiser : int
    activations : int
        Kept for the backward pass.
    workspace : int
        Needed for a moment, where nothing else makes room for it.
    """

    parameters: int
    gradients: int
    optimiser: int
    activations: int
    workspace: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, field.name) for field in fields(self))


def training_memory(
    config: XLSRConfig,
    seconds: float,
    *,
    dtype: str = "bf16",
    device: str = "cuda",
    shards: int = 1,
) -> MemoryEstimate:
    """Memory of a training step on so much speech, in each process.

    Parameters
    ----------
    config : XLSRConfig
        ``activation_checkpointing`` and ``freeze_feature_extractor`` count.
    seconds : float
        Speech in the batch of one process.
    dtype : str
        ``bf16`` under autocast, or ``fp32`` (on a CPU).
    device : str
        ``cuda`` or ``cpu``.
    shards : int
        Processes over which weights, gradients and optimiser are divided (FSDP).

    Returns
    -------
    MemoryEstimate

    Raises
    ------
    InputError
        If that precision is not known on that device, or the convolutions train.

    Example
    -------
    >>> estimate = training_memory(XLSRConfig.preset("300m"), 100.0)
    >>> round(estimate.total / 1e9)
    11
    """
    if (device, dtype) not in LAYER:
        known = ", ".join(" ".join(pair) for pair in LAYER)
        raise InputError(
            f"memory: nothing is known of {device} {dtype}; known: {known}"
        )
    if not config.freeze_feature_extractor:
        raise InputError("memory: training of the convolutions is not modelled")
    if shards < 1:
        raise InputError(f"memory: shards is {shards}; it must be at least 1")
    sizes = _sizes(config)
    frames = seconds * SAMPLE_RATE / config.hop
    activations = frames * _kept_per_frame(config, device, dtype)
    moment = max(
        frames * BACKWARD_HIDDEN * config.ffn_dim * BYTES[dtype],
        frames * _extractor_per_frame(config, device, dtype) - activations,
    )
    copies = _copies(sizes, device, dtype, shards)
    return MemoryEstimate(
        parameters=round(FP32 * sizes.all / shards + copies),
        gradients=round(FP32 * sizes.trained / shards),
        optimiser=round(2 * FP32 * sizes.trained / shards),
        activations=round(activations),
        workspace=round(moment),
    )


def seconds_that_fit(config: XLSRConfig, gpu_gib: float, *, shards: int = 1) -> int:
    """Most speech, in whole seconds, in the batch of one GPU in bf16; 0 if none fits.

    Parameters
    ----------
    config : XLSRConfig
    gpu_gib : float
        Memory of the card in GiB.
    shards : int
        See ``training_memory``.

    Example
    -------
    >>> seconds_that_fit(XLSRConfig.preset("2b"), 24)
    0
    >>> checkpointing = XLSRConfig.preset("2b", activation_checkpointing=True)
    >>> seconds_that_fit(checkpointing, 24, shards=8) > 60
    True
    """
    room = USABLE * gpu_gib * GIB
    fixed = training_memory(config, 0.0, shards=shards).total
    each = training_memory(config, 1000.0, shards=shards).total - fixed
    return max(0, math.floor((room - fixed) / (each / 1000.0)))


@dataclass(frozen=True)
class _Sizes:
    """Numbers of parameters: all, those that train, those of one layer."""

    all: int
    trained: int
    layer: int


@lru_cache(maxsize=32)
def _sizes(config: XLSRConfig) -> _Sizes:
    """Count the parameters of an encoder without making it."""
    with torch.device("meta"):
        encoder = XLSR(config)
    layer = encoder.transformer.layers[0].parameters()
    return _Sizes(
        all=sum(one.numel() for one in encoder.parameters()),
        trained=sum(one.numel() for one in encoder.parameters() if one.requires_grad),
        layer=sum(one.numel() for one in layer),
    )


def _copies(sizes: _Sizes, device: str, dtype: str, shards: int) -> int:
    """Bytes of weights in half precision."""
    if dtype == "fp32":
        return 0
    if device == "cpu":  # made for each product and dropped
        return BYTES[dtype] * sizes.layer
    if shards == 1:  # autocast holds them until the backward pass is over
        return BYTES[dtype] * sizes.all
    # The layer at work and the next one, and the gradient of the one before.
    return BYTES[dtype] * 3 * sizes.layer


def _kept_per_frame(config: XLSRConfig, device: str, dtype: str) -> float:
    """Bytes a frame that are kept until the backward pass reaches them."""
    layer = LAYER[device, dtype].bytes_of(config)
    kept = config.num_layers * layer
    if config.activation_checkpointing:  # inputs of layers, and one layer in full
        kept = config.num_layers * RESIDUAL * config.dim + layer
    return kept + EMBEDDING[device, dtype].bytes_of(config)


def _extractor_per_frame(config: XLSRConfig, device: str, dtype: str) -> float:
    """Bytes a frame that the first convolution needs, before anything is kept."""
    rows = config.hop / config.conv_strides[0]
    # Autocast computes LayerNorm in fp32 on a GPU.
    size = FP32 if device == "cuda" else BYTES[dtype]
    return EXTRACTOR_COPIES * rows * config.conv_dims[0] * size
