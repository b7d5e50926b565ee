"""Two sides that never are in memory together, as both whole models may not fit."""

from pathlib import Path

from xlsr_sb.bench.cases import Case
from xlsr_sb.bench.measuring import Measured, build, check_updates, in_turns
from xlsr_sb.bench.processes import Worker


def compare_apart(
    ours: Worker, peer: Worker, *, weights: Path, case: Case, pairs: int
) -> Measured:
    """Pairs of steps, each side built anew for its turn and forgotten behind it.

    Parameters
    ----------
    ours, peer : Worker
    weights : Path
        Folder of the model.
    case : Case
    pairs : int

    Returns
    -------
    Measured

    Raises
    ------
    InputError
        If the first updates differ: they compute different things.
    """

    def turn(worker: Worker) -> dict:
        build(worker, weights, case)
        answer = worker.ask("first_update") | worker.ask("settle")
        answer |= worker.ask("step")  # the second update
        worker.ask("forget")
        return answer

    steps = in_turns(lambda: turn(ours), lambda: turn(peer), pairs)
    for pair in steps:
        check_updates(pair.ours, pair.theirs, peer.side, case)
    return Measured(steps[0], steps)
