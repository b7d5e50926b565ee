"""The matrix products of a step, timed alone: no implementation can be faster.

Everything that an encoder computes beside matrix products is memory traffic and can, in
the ideal, be hidden; the products cannot. Their time alone, each at the shape that the
step needs, is therefore the floor of a step on a machine, and the share of a step that
they fill says how much is left to win. Convolutions count as the one product that they
are at least.
"""

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from xlsr_sb.bench.cases import WORKS, Case
from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.lengths import num_frames

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
LAYOUTS = ("forward", "input gradient", "weight gradient")
MIN_REPEATS, MIN_SECONDS = 3, 0.1  # of each product
MIN_SECONDS_QUICK = 0.0
LARGE, LARGE_QUICK = 4096, 512  # side of the square product


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
    config: XLSRConfig, num_samples: Sequence[int], *, trains: bool, padded: bool
) -> Counter[Product]:
    """How often a step needs each product; the convolutions' weights do not train.

    Parameters
    ----------
    config : XLSRConfig
    num_samples : sequence of int
        Samples of each utterance.
    trains : bool
        Whether there is a backward pass.
    padded : bool
        Whether each utterance is computed as long as the longest, as peers do.

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
    needed = Counter(_extractor(config, lengths))
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


def measure(*, case: dict, config: dict, device: torch.device, quick: bool) -> dict:
    """Seconds of all products of a case, packed and padded, and the machine's rate.

    Parameters
    ----------
    case, config : dict
        Fields of a ``Case`` and of an ``XLSRConfig``.
    device : torch.device
    quick : bool
        Whether the large product is a small one.

    Returns
    -------
    dict
        ``packed`` and ``padded`` in seconds, ``flops`` of the packed step, ``rate`` of
        a large square product in floating-point operations a second.

    Example
    -------
    >>> case = {"size": "tiny", "dtype": "fp32", "batch": "short", "work": "plain"}
    >>> config, cpu = {"conv_dims": (16,) * 7, "dim": 32}, torch.device("cpu")
    >>> found = measure(case=case, config=config, device=cpu, quick=True)
    >>> 0 < found["packed"] < 10
    True
    """
    sizes, the_case = XLSRConfig(**config), Case(**case)
    dtype, trains = DTYPES[the_case.dtype], WORKS[the_case.work].trains
    needed = {
        name: products(sizes, the_case.num_samples, trains=trains, padded=padded)
        for name, padded in (("packed", False), ("padded", True))
    }
    least = MIN_SECONDS_QUICK if quick else MIN_SECONDS
    times = {
        product: seconds_of(product, dtype=dtype, device=device, least=least)
        for product in {**needed["packed"], **needed["padded"]}
    }
    seconds = {
        name: sum(times[product] * count for product, count in counts.items())
        for name, counts in needed.items()
    }
    side = LARGE_QUICK if quick else LARGE
    large = Product(side, side, side)
    rate = large.flops / seconds_of(large, dtype=dtype, device=device)
    return {**seconds, "flops": total_flops(needed["packed"]), "rate": rate}


def seconds_of(
    product: Product,
    *,
    dtype: torch.dtype,
    device: torch.device,
    least: float = MIN_SECONDS,
) -> float:
    """Median time of one product, repeated for ``least`` seconds or more.

    Example
    -------
    >>> product = Product(64, 64, 64)
    >>> seconds_of(product, dtype=torch.float32, device=torch.device("cpu")) < 1
    True
    """
    left, right = _operands(product, dtype, device)
    multiply = torch.mm if product.batch == 1 else torch.bmm
    output = multiply(left, right)
    times: list[float] = []
    while len(times) < MIN_REPEATS or sum(times) < least:
        _wait(device)
        begin = time.perf_counter()
        multiply(left, right, out=output)
        _wait(device)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _operands(
    product: Product, dtype: torch.dtype, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Left and right operand, lying in memory as a step holds them."""
    batch = () if product.batch == 1 else (product.batch,)

    def random(rows: int, columns: int, *, transposed: bool) -> torch.Tensor:
        shape = (columns, rows) if transposed else (rows, columns)
        matrix = torch.randn(*batch, *shape, device=device).to(dtype)
        return matrix.transpose(-1, -2) if transposed else matrix

    first, second = (
        product.layout == "weight gradient",
        product.layout == "forward",
    )
    return (
        random(product.m, product.k, transposed=first),
        random(product.k, product.n, transposed=second),
    )


def _wait(device: torch.device) -> None:
    """Wait for a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
