"""The matrix products of a step, timed alone: no implementation can be faster.

Everything that an encoder computes beside matrix products is memory traffic and can, in
the ideal, be hidden; the products cannot. Their time alone, each at the shape that the
step needs, is therefore the floor of a step on a machine, and the share of a step that
they fill says how much is left to win.
"""

import statistics
import time

import torch

from xlsr_sb.bench.cases import WORKS, Case
from xlsr_sb.bench.products import Product, products, total_flops
from xlsr_sb.encoder.config import XLSRConfig

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
MIN_REPEATS, MIN_SECONDS = 3, 0.1  # of each product
MIN_SECONDS_QUICK = 0.0
LARGE, LARGE_QUICK = 4096, 512  # side of the square product


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
    dtype, work = DTYPES[the_case.dtype], WORKS[the_case.work]
    gradients = {"trains": work.trains, "trains_extractor": work.trains_extractor}
    needed = {
        name: products(sizes, the_case.num_samples, padded=padded, **gradients)
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
