"""The most memory that a process held during a call.

On a CPU that is the high-water mark that Linux keeps of resident memory, which a
process may set back; elsewhere there is none. On a GPU PyTorch keeps it.
"""

import ctypes
import gc
import re
from pathlib import Path

import torch

CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
RESET_HIGH_WATER = "5"  # man 5 proc


class MemoryWatch:
    """Reads and sets back the high-water mark of memory.

    Parameters
    ----------
    device : torch.device

    Example
    -------
    >>> from mmap import mmap
    >>> watch = MemoryWatch(torch.device("cpu"))
    >>> before = watch.start()
    >>> with mmap(-1, 40_000_000) as block:  # pages that nothing else had before
    ...     _ = block.write(bytes(40_000_000))
    >>> before is None or watch.peak() - before > 39_000_000
    True
    """

    def __init__(self, device: torch.device):
        self.device = device

    def start(self) -> int | None:
        """Set the mark back; bytes held now, or None where they cannot be known."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            torch.cuda.reset_peak_memory_stats(self.device)
            return torch.cuda.memory_allocated(self.device)
        try:
            CLEAR.write_text(RESET_HIGH_WATER)
            return _status_bytes("VmRSS")
        except OSError:  # no Linux, or a container that forbids it
            return None

    def peak(self) -> int | None:
        """Most bytes held since ``start``."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        try:
            return _status_bytes("VmHWM")
        except OSError:
            return None


def release_memory() -> None:
    """Give freed memory back to the system, so that the next case starts clean."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)


def _status_bytes(name: str) -> int:
    """One line of the process's status."""
    (kilobytes,) = re.findall(rf"^{name}:\s*(\d+) kB", STATUS.read_text(), re.MULTILINE)
    return int(kilobytes) * 1024
