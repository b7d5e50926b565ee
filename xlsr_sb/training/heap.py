"""Memory of a large model that trains on a CPU: no holes that nothing fits into.

The C library of Linux keeps freed blocks of up to 32 MiB for itself, in the hope that
as large ones are wanted again. During a backward pass they are not: activations go,
gradients of other sizes come, and neither finds place in the holes of the other.
"""

import ctypes
import logging

import torch

logger = logging.getLogger(__name__)
LARGE_MODEL = 500_000_000  # parameters: smaller ones leave no holes worth the time
LARGE_BLOCK = 4 * 2**20  # bytes: half a matrix of 1024 x 1024 in fp32 is below
MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h


def return_large_blocks(*, num_parameters: int, device: torch.device | str) -> bool:
    """Have large blocks of memory given back as soon as they are free.

    It is for the whole process, from now on, and done where it pays: for a large model
    on a CPU. Elsewhere, and where the C library is another, nothing is changed.

    Parameters
    ----------
    num_parameters : int
        That train.
    device : torch.device or str

    Returns
    -------
    bool
        Whether blocks are given back from now on.

    Example
    -------
    >>> return_large_blocks(num_parameters=5_000_000, device="cpu")
    False
    """
    if torch.device(device).type != "cpu" or num_parameters < LARGE_MODEL:
        return False
    option = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it
    if option is None or not option(MMAP_THRESHOLD, LARGE_BLOCK):
        return False
    logger.info("blocks of %d MiB are given back when freed", LARGE_BLOCK // 2**20)
    return True
