"""Stopping a run politely: Ctrl-C, or a cluster that takes its machine back."""

import logging
import os
import signal
from types import FrameType

logger = logging.getLogger(__name__)
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While entered, SIGINT and SIGTERM ask for a stop after the running update.

    A second signal stops at once, as it would have without this. Child processes, such
    as those that load audio, leave the signal to this one, which ends them.

    Example
    -------
    >>> import os
    >>> with Interruption() as interruption:
    ...     os.kill(os.getpid(), signal.SIGTERM)
    ...     interruption.requested
    True
    """

    def __init__(self):
        self.requested = False
        self._former = {}
        self._process = os.getpid()

    def __enter__(self) -> "Interruption":
        for number in SIGNALS:
            self._former[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_exception) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _request(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            return
        self.__exit__()
        self.requested = True
        name = signal.Signals(number).name
        logger.warning("%s: a checkpoint is saved after this update, then I stop", name)
