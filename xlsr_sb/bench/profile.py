"""Where the time of a step goes: seconds of every kind of operation.

python -m xlsr_sb.bench.profile transformers --size 300m --dtype bf16 --work training
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from xlsr_sb.bench.cases import DTYPES, WORKS, Case
from xlsr_sb.bench.pretraining import new_head
from xlsr_sb.bench.sides import SIDES
from xlsr_sb.bench.task import task_of
from xlsr_sb.encoder import XLSR, XLSRConfig
from xlsr_sb.encoder.config import PRESETS

KINDS = {  # words in an operation's name; the first that fits counts
    "matrix products": ("mm", "linear_pointwise", "linear."),
    "convolutions": ("convolution",),
    "attention kernel": ("scaled_dot_product",),
    "softmax": ("softmax",),
    "random numbers": ("rand", "bernoulli", "dropout", "exponential"),
    "optimiser": ("adam",),
    "casts and copies": ("copy", "clone", "cat", "contiguous", "index", "gather"),
    "GELU": ("gelu",),
    "LayerNorm": ("layer_norm",),
}
WARMING = 2  # steps


class Clock(TorchDispatchMode):
    """Adds up the seconds of operations, by kind.

    Example
    -------
    >>> with Clock() as clock:
    ...     _ = torch.ones(8, 8) @ torch.ones(8, 8)
    >>> clock.seconds["matrix products"] > 0
    True
    """

    def __init__(self):
        super().__init__()
        self.seconds: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Call an operation and time it."""
        begin = time.perf_counter()
        result = function(*args, **(kwargs or {}))
        self.seconds[kind_of(str(function))] += time.perf_counter() - begin
        return result


def kind_of(operation: str) -> str:
    """Kind of an operation of PyTorch.

    Example
    -------
    >>> kind_of("aten.addmm.default"), kind_of("aten.add.Tensor")
    ('matrix products', 'all others')
    """
    for kind, words in KINDS.items():
        if any(word in operation for word in words):
            return kind
    return "all others"


def profile(side: str, case: Case) -> tuple[float, Counter[str]]:
    """Seconds of a step on a CPU, and of the operations in it by kind.

    Parameters
    ----------
    side : str
        ``ours`` or a peer.
    case : Case

    Returns
    -------
    seconds : float
    by_kind : Counter
    """
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        lobe = XLSR(XLSRConfig.preset(case.size))
        heads = new_head(lobe.config, case.size).tensors()
        lobe.save_pretrained(folder, heads=heads)
        task = task_of(side, Path(folder), case, torch.device("cpu"))
    for _ in range(WARMING):
        task.step()
    with Clock() as clock:
        step = task.step()
    return step.seconds, clock.seconds


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("--size", choices=PRESETS, default="300m")
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    parser.add_argument("--batch", default="ramp")
    parser.add_argument("--work", choices=WORKS, default="training")
    given = parser.parse_args()
    case = Case(given.size, given.dtype, given.batch, given.work)
    seconds, by_kind = profile(given.side, case)
    print(f"| {given.side}: {given.size} {case.title} | s |\n|---|---:|")
    for kind, spent in by_kind.most_common():
        print(f"| {kind} | {spent:.2f} |")
    print(f"| between operations | {seconds - by_kind.total():.2f} |")
    print(f"| the step | {seconds:.2f} |")


if __name__ == "__main__":
    main()
