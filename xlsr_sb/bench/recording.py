"""A benchmark in the files that it leaves: a CSV table, rows of RESULTS.csv."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import torch

from xlsr_sb.bench.cases import BATCHES, Settings
from xlsr_sb.bench.lines import Line, csv_text, result_rows
from xlsr_sb.files import open_atomic
from xlsr_sb.results import ResultRow, append_rows, git_commit
from xlsr_sb.results.comparison import RECIPE


def write_csv(path: str | Path, lines: Sequence[Line]) -> None:
    """Write every line and every number of it.

    Example
    -------
    >>> path = getfixture("tmp_path") / "bench.csv"
    >>> write_csv(path, [Line("tiny", "bf16", "time", "s", ours=0.5)])
    >>> path.read_text().splitlines()[0]
    'scene,work,quantity,unit,peer,ours,theirs,ratio,low,high,pairs,note'
    """
    with open_atomic(path) as file:
        file.write(csv_text(lines))


def append_results(
    path: str | Path,
    lines: Sequence[Line],
    settings: Settings,
    *,
    minutes: float,
    command: str,
) -> int:
    """Append what a README may show to a results file; the number of rows.

    Parameters
    ----------
    path : str or Path
    lines : sequence of Line
    settings : Settings
    minutes : float
        That the benchmark took.
    command : str
        That makes it again.

    Example
    -------
    >>> path = getfixture("tmp_path") / "RESULTS.csv"
    >>> lines = [Line("tiny", "bf16", "time", "s", "torchaudio", 0.5, 1.5, 3.0)]
    >>> append_results(path, lines, Settings(), minutes=1.0, command="xlsr-sb bench")
    3
    """
    run = ResultRow(
        recipe=RECIPE,
        hparams="",
        split="",
        group="",
        metric="",
        value=0.0,
        errors=None,
        total=None,
        clips=len(BATCHES["ramp"]),
        updates=settings.pairs,
        minutes=round(minutes, 1),
        seed=0,
        commit=git_commit(Path(__file__).parent),
        command=command,
        device=device_name(settings),
        date=date.today().isoformat(),
    )
    rows = result_rows(lines, run)
    append_rows(path, rows)
    return len(rows)


def device_name(settings: Settings) -> str:
    """What it ran on.

    Example
    -------
    >>> device_name(Settings(device="cpu", threads=2))
    'cpu, 2 threads'
    """
    if settings.device == "cuda":
        return torch.cuda.get_device_name()
    return f"cpu, {settings.threads} threads"
