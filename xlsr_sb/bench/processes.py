"""Starting, asking and ending the processes of the sides."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from types import TracebackType

from xlsr_sb.errors import InputError

LINES_SHOWN = 3  # of what a process printed before it died


class WorkerDiedError(InputError):
    """Raised when a side's process ended, mostly for want of memory."""


class Worker:
    """A process of ``xlsr_sb.bench.worker``; ends with its ``with`` block.

    Parameters
    ----------
    side : str
    threads : int
    device : str

    Example
    -------
    >>> with Worker("ours", threads=1, device="cpu") as worker:
    ...     worker.ask("forget")
    {}
    """

    def __init__(self, side: str, *, threads: int, device: str):
        self.side, self.arguments = side, [side, str(threads), device]
        self.threads = threads
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Worker":
        """Start the process, without waiting for it."""
        self._printed = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "xlsr_sb.bench.worker", *self.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            text=True,
            env={**os.environ, **_environment(self.threads)},
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process; at once if something went wrong."""
        if kind is not None:
            self._process.kill()
        with suppress(BrokenPipeError):  # what a dead process did not read
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._printed.close()

    def ask(self, do: str, **arguments) -> dict:
        """Answer to a command.

        Raises
        ------
        WorkerDiedError
            If the process has ended, with the end of what it printed.
        InputError
            If it could not do that.
        """
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerDiedError(self._last_words(do))
        answer = json.loads(line)
        if "error" in answer:
            raise InputError(answer["error"])
        return answer

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def _last_words(self, do: str) -> str:
        """Say how the process ended."""
        status = self._process.wait()
        self._printed.seek(0)
        lines = [line.strip() for line in self._printed if line.strip()]
        reason = " / ".join(lines[-LINES_SHOWN:]) or "it printed nothing"
        memory = "; killed, probably for want of memory" if status == -9 else ""
        return f"bench: {self.side} ended at {do!r}, status {status}{memory}: {reason}"


def _environment(threads: int) -> dict[str, str]:
    """Settings that libraries read when they start."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
