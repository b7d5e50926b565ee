"""The matrix products of a step, listed from the sizes of an encoder and the lengths.

Convolutions count as the one product that they are at least.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.lengths import num_frames


@dataclass(frozen=True)
class Product:
    """``batch`` matrix products [m, k] x [k, n].

    Parameters
    ----------
    m, k, n, batch : int
    layout : str
        Which operand a step holds transposed: the second of ``forward``, none of
        ``input gradient``, the first of ``weight gradient``.
    """

    m: int
    k: int
    n: int
    batch: int = 1
    layout: str = "forward"

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        return 2 * self.batch * self.m * self.k * self.n

    def with_gradients(self) -> list["Product"]:
        """The product, and those of the gradients of both its operands."""
        m, k, n, batch = self.m, self.k, self.n, self.batch
        return [
            self,
            Product(m, n, k, batch, "input gradient"),
            Product(n, m, k, batch, "weight gradient"),
        ]


def products(
    config: XLSRConfig,
    num_samples: Sequence[int],
    *,
    trains: bool,
    padded: bool,
    trains_extractor: bool = False,
) -> Counter[Product]:
    """How often a step needs each product of the encoder; those of heads are left out.

    Parameters
    ----------
    config : XLSRConfig
    num_samples : sequence of int
        Samples of each utterance.
    trains : bool
        Whether there is a backward pass.
    padded : bool
        Whether each utterance is computed as long as the longest, as peers do.
    trains_extractor : bool
        Whether the convolutions of the feature extractor have a backward pass too.

    Returns
    -------
    Counter of Product

    Example
    -------
    >>> config = XLSRConfig.preset("300m")
    >>> step = products(config, [160_000, 64_000], trains=True, padded=False)
    >>> round(total_flops(step) / 1e9)
    1456
    """
    lengths = [max(num_samples)] * len(num_samples) if padded else list(num_samples)
    frames = [_frames(config, n) for n in lengths]
    first, *others = _extractor(config, lengths)
    needed = Counter([first, *others])
    if trains_extractor:
        _, _, to_weight = first.with_gradients()  # a waveform wants none
        needed[to_weight] += 1
        needed.update(g for one in others for g in one.with_gradients()[1:])
    trained = Counter(_trained(config, frames, fused=not padded))
    for product, count in trained.items():
        for one in product.with_gradients() if trains else [product]:
            needed[one] += count
    return needed


def total_flops(needed: Counter[Product]) -> int:
    """Multiplications and additions of all products.

    Example
    -------
    >>> total_flops(Counter({Product(2, 3, 4): 5}))
    240
    """
    return sum(product.flops * count for product, count in needed.items())


def _frames(config: XLSRConfig, num_samples: int) -> int:
    """Frames of an utterance."""
    kernels, strides = config.conv_kernels, config.conv_strides
    return num_frames(num_samples, kernels=kernels, strides=strides)


def _extractor(config: XLSRConfig, lengths: Sequence[int]) -> list[Product]:
    """One product a convolution of the feature extractor."""
    found, rows, width = [], list(lengths), 1
    shapes = zip(
        config.conv_dims, config.conv_kernels, config.conv_strides, strict=True
    )
    for dim, kernel, stride in shapes:
        rows = [(n - kernel) // stride + 1 for n in rows]
        found.append(Product(sum(rows), kernel * width, dim))
        width = dim
    return found


def _trained(
    config: XLSRConfig, frames: Sequence[int], *, fused: bool
) -> dict[Product, int]:
    """Products behind the extractor, forward."""
    rows, dim, heads = sum(frames), config.dim, config.num_heads
    width = dim // config.pos_conv_groups
    needed: Counter[Product] = Counter()
    needed[Product(rows, config.conv_dims[-1], dim)] += 1
    taps = width * config.pos_conv_kernel
    needed[Product(rows, taps, width, batch=config.pos_conv_groups)] += 1
    depth = config.num_layers
    needed[Product(rows, dim, 3 * dim if fused else dim)] += depth * (1 if fused else 3)
    needed[Product(rows, dim, dim)] += depth
    needed[Product(rows, dim, config.ffn_dim)] += depth
    needed[Product(rows, config.ffn_dim, dim)] += depth
    for n, count in Counter(frames).items():
        needed[Product(n, dim // heads, n, batch=heads * count)] += depth
        needed[Product(n, n, dim // heads, batch=heads * count)] += depth
    return needed
