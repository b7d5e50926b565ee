"""Where a run stands: everything that a checkpoint must know beside the weights."""

from dataclasses import asdict, dataclass, field


@dataclass
class Running:
    """Sums since the last row of the learning curve.

    Parameters
    ----------
    loss : float
        Summed loss.
    count : float
        What the loss is averaged over: sentences, for CTC.
    updates : int
        Updates, the bad ones too.
    bad_updates : int
        Updates that changed nothing because a loss or gradient was not finite.
    extras : dict of str to float
        Further sums of the task, such as blank frames.
    """

    loss: float = 0.0
    count: float = 0.0
    updates: int = 0
    bad_updates: int = 0
    extras: dict[str, float] = field(default_factory=dict)


@dataclass
class Progress:
    """Counters of a run; saved in every checkpoint as plain numbers.

    Parameters
    ----------
    update : int
        Updates made so far.
    epoch, position : int
        The epoch (from 0) and the updates of it that are done.
    bad_in_a_row : int
        Bad updates since the last good one.
    seconds : float
        Time spent training, over all resumptions.
    audio_seconds : float
        Speech seen, over all ranks.
    running : Running
    history : list of dict
        Rows of the learning curve.

    Example
    -------
    >>> progress = Progress(update=3)
    >>> other = Progress()
    >>> other.load_state_dict(progress.state_dict())
    >>> other.update
    3
    """

    update: int = 0
    epoch: int = 0
    position: int = 0
    bad_in_a_row: int = 0
    seconds: float = 0.0
    audio_seconds: float = 0.0
    running: Running = field(default_factory=Running)
    history: list[dict] = field(default_factory=list)

    def state_dict(self) -> dict:
        """All fields, as plain values."""
        return asdict(self)

    def load_state_dict(self, state: dict) -> None:
        """Take all fields from a checkpoint."""
        self.__dict__.update(state | {"running": Running(**state["running"])})

    def end_epoch(self) -> None:
        """Go to the start of the next epoch."""
        self.epoch, self.position = self.epoch + 1, 0

    def add_row(self, row: dict) -> None:
        """Add a row to the learning curve and start the sums of the next one."""
        self.history.append(row)
        self.running = Running()
