"""What processes of one run tell each other; all of it also works in a single process.

Processes are started by ``torchrun`` and joined by ``torch.distributed``; nothing here
starts one.
"""

from collections.abc import Callable
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from xlsr_sb.errors import InputError

Result = TypeVar("Result")
Values = TypeVar("Values", Tensor, list[float])


def _joined() -> bool:
    """Whether this process belongs to a group."""
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """Number of this process among all processes of the run.

    Example
    -------
    >>> rank()
    0
    """
    return dist.get_rank() if _joined() else 0


def world_size() -> int:
    """Number of processes of the run.

    Example
    -------
    >>> world_size()
    1
    """
    return dist.get_world_size() if _joined() else 1


def is_main() -> bool:
    """Whether this is the process that writes files and prints.

    Example
    -------
    >>> is_main()
    True
    """
    return rank() == 0


def barrier() -> None:
    """Wait until every process is here.

    Example
    -------
    >>> barrier()
    """
    if not _joined():
        return
    if dist.get_backend() == "nccl":
        dist.barrier(device_ids=[torch.cuda.current_device()])
    else:
        dist.barrier()


def sum_over_ranks(values: Values) -> Values:
    """Elementwise sum of what every process gives; the argument is left as it is.

    Parameters
    ----------
    values : Tensor of any shape, or list of float
        As many values on every process. Lists are summed in float64.

    Returns
    -------
    Tensor or list of float
        The same kind, on the same device, equal on every process.

    Example
    -------
    >>> sum_over_ranks([1.0, 2.5])
    [1.0, 2.5]
    >>> sum_over_ranks(torch.tensor([3, 4]))
    tensor([3, 4])
    """
    if not isinstance(values, Tensor):
        return sum_over_ranks(torch.tensor(values, dtype=torch.float64)).tolist()
    # NCCL reduces GPU memory only.
    device = values.device
    if _joined() and dist.get_backend() == "nccl":
        device = torch.device("cuda", torch.cuda.current_device())
    total = values.detach().to(device, copy=True)
    if _joined():
        dist.all_reduce(total)
    return total.to(values.device)


def gather_objects(value: Result) -> list[Result]:
    """What every process gives, in the order of ranks, on every process.

    Parameters
    ----------
    value : object
        Anything that can be pickled; small, for it passes through every process.

    Example
    -------
    >>> gather_objects({"words": 3})
    [{'words': 3}]
    """
    if not _joined():
        return [value]
    gathered: list[Result | None] = [None] * world_size()
    dist.all_gather_object(gathered, value)
    return gathered


def on_main(action: Callable[[], Result]) -> Result:
    """Result of an action that runs on the main process only.

    Every process calls, and every process gets the result or the error: where the
    action fails nobody is left waiting for the main process.

    Parameters
    ----------
    action : callable without arguments
        Must not talk to other processes. Its result must be picklable.

    Example
    -------
    >>> on_main(lambda: 2 + 3)
    5
    """
    result, failure, error = None, None, None
    if is_main():
        try:
            result = action()
        except Exception as caught:
            error = caught
            failure = (
                caught
                if isinstance(caught, InputError)
                else RuntimeError(f"the main process failed: {caught!r}")
            )
    result, failure = gather_objects((result, failure))[0]
    if error is not None:
        raise error
    if failure is not None:
        raise failure
    return result
