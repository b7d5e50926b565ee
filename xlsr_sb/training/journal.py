"""What a run writes down as it goes: the learning curve and SpeechBrain's train log."""

import csv
import logging
from pathlib import Path

from speechbrain.utils.distributed import MainProcessContext

from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic
from xlsr_sb.training.progress import Progress

# On import it warns that it cannot draw without torchvision; here it only writes.
_disabled = logging.root.manager.disable
logging.disable(logging.WARNING)
from speechbrain.utils.train_logger import FileTrainLogger  # noqa: E402

logging.disable(_disabled)

CURVE = "learning_curve.csv"
LOG = "train_log.txt"


class Journal:
    """The learning curve of a run, one row a validation.

    Parameters
    ----------
    folder : str
        Of the run's results.
    """

    def __init__(self, folder: str):
        self.folder = Path(folder)

    def row(self, progress: Progress, rate: float, scores: dict[str, float]) -> dict:
        """Make the running sums the next row of the curve.

        Parameters
        ----------
        progress : Progress
            Stays as it is.
        rate : float
            Learning rate of the last update (the head's).
        scores : dict of str to float
            Of the development set.

        Returns
        -------
        dict
            Plain numbers by column.
        """
        running = progress.running
        count = max(1.0, running.count)
        return {
            "update": progress.update,
            "epoch": progress.epoch,
            "seconds": round(progress.seconds, 1),
            "audio_hours": round(progress.audio_seconds / 3600, 4),
            "learning_rate": rate,
            "train_loss": running.loss / count if running.count else None,
            "bad_updates": running.bad_updates,
            **{f"train_{name}": total for name, total in running.extras.items()},
            **scores,
        }

    def write(self, history: list[dict]) -> None:
        """Write the whole curve, and its last row to the train log.

        Only the main process calls.

        Raises
        ------
        InputError
            If a file cannot be written.
        """
        columns = list(dict.fromkeys(name for row in history for name in row))
        with open_atomic(self.folder / CURVE) as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(history)
        try:
            self._log(history[-1])
        except OSError as error:
            raise InputError(
                f"{self.folder / LOG} cannot be written: {error.strerror}"
            ) from error

    def _log(self, row: dict) -> None:
        """Add a line to the train log."""
        where = ("update", "epoch", "seconds", "learning_rate")
        train = {k.removeprefix("train_"): v for k, v in row.items() if "train_" in k}
        valid = {k: v for k, v in row.items() if k not in where and "train_" not in k}
        with MainProcessContext():  # SpeechBrain's logger would wait for the others
            FileTrainLogger(str(self.folder / LOG)).log_stats(
                {name: row[name] for name in where},
                train_stats={k: v for k, v in train.items() if v is not None},
                valid_stats=valid,
            )
