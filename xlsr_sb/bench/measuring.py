"""One case, ours beside a peer: first whether they agree, then pairs of timed steps."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import load_file

from xlsr_sb.bench.cases import WORKS, Case
from xlsr_sb.bench.lines import Line
from xlsr_sb.bench.processes import Worker
from xlsr_sb.errors import InputError

# Above rounding through 48 layers (1e-6, 0.02), below what a mistake makes.
FEATURE_TOLERANCE = {"fp32": 1e-4, "bf16": 0.1}  # norm of the difference / of features
UPDATE_TOLERANCE = {"fp32": 1e-3, "bf16": 0.05}  # of loss and norm of the gradient
GIGA = 1e9


@dataclass(frozen=True)
class Pair:
    """Answers of two sides to one command."""

    ours: dict
    theirs: dict


@dataclass(frozen=True)
class Measured:
    """Two sides on one case.

    Parameters
    ----------
    before : Pair
        Answers to ``settle``.
    steps : list of Pair
        Answers to ``step``.
    """

    before: Pair
    steps: list[Pair]


def compare_features(ours: Worker, peer: Worker, folder: Path, case: Case) -> Line:
    """Difference of the features of the real frames; both tasks have been built.

    Parameters
    ----------
    ours, peer : Worker
    folder : Path
        Takes the features.
    case : Case

    Returns
    -------
    Line

    Raises
    ------
    InputError
        If they compute different things: a benchmark of that would say nothing.
    """
    features = []
    for worker in (ours, peer):
        path = folder / f"{worker.side}.safetensors"
        worker.ask("features", path=str(path))
        features.append(load_file(path)["features"])
    mine, theirs = features
    if mine.shape != theirs.shape:
        raise InputError(
            f"bench: features of {peer.side} are {tuple(theirs.shape)}, ours "
            f"{tuple(mine.shape)}; they are no longer the same model"
        )
    relative = ((mine - theirs).norm() / theirs.norm()).item()
    _check(relative, FEATURE_TOLERANCE[case.dtype], f"features of {peer.side}", case)
    greatest = (mine - theirs).abs().max().item()
    title = f"{case.dtype} {case.batch}"
    return Line(case.size, title, "largest difference", "", peer.side, greatest)


def first_updates(ours: Worker, peer: Worker, case: Case) -> None:
    """Make an update on both sides; without dropout they must be the same update."""
    mine, theirs = ours.ask("first_update"), peer.ask("first_update")
    check_updates(mine, theirs, peer.side, case)


def check_updates(mine: dict, theirs: dict, peer: str, case: Case) -> None:
    """Raise if the first updates of both sides differ and should not."""
    if WORKS[case.work].activation_dropout:
        return
    for name in ("loss", "norm"):
        difference = abs(mine[name] / theirs[name] - 1)
        what = f"{name} of a step of {peer}"
        _check(difference, UPDATE_TOLERANCE[case.dtype], what, case)


def _check(difference: float, tolerance: float, what: str, case: Case) -> None:
    """Raise if two sides differ by more than rounding, or by NaN."""
    if not difference <= tolerance:
        raise InputError(
            f"bench: {case.size} {case.title}: {what} and ours differ by a share of "
            f"{difference:.2g}; at most {tolerance} is rounding. Nothing was measured"
        )


def in_turns(
    ours: Callable[[], dict], theirs: Callable[[], dict], pairs: int
) -> list[Pair]:
    """Answers of both, measured one right after the other, in changing order.

    Example
    -------
    >>> asked = []
    >>> answers = in_turns(lambda: asked.append("a"), lambda: asked.append("b"), 2)
    >>> "".join(asked), len(answers)
    ('abba', 2)
    """
    found = []
    for turn in range(pairs):
        if turn % 2:
            second = theirs()
            found.append(Pair(ours(), second))
        else:
            found.append(Pair(ours(), theirs()))
    return found


def compare(
    ours: Worker, peer: Worker, *, folder: Path, case: Case, pairs: int
) -> Measured:
    """Pairs of steps of a case, whose tasks have been built on both sides."""
    if WORKS[case.work].trains:
        first_updates(ours, peer, case)
    else:
        compare_features(ours, peer, folder, case)
        ours.ask("step"), peer.ask("step")
    before = Pair(ours.ask("settle"), peer.ask("settle"))
    steps = in_turns(lambda: ours.ask("step"), lambda: peer.ask("step"), pairs)
    return Measured(before, steps)


def lines_of(case: Case, peer: str, found: Measured, floor: dict | None) -> list[Line]:
    """What the pairs of a case say.

    Parameters
    ----------
    case : Case
    peer : str
    found : Measured
    floor : dict, optional
        Of ``floor.measure``.

    Returns
    -------
    list of Line
        Ratios of times are speeds, ratios of memory are ours / theirs.

    Example
    -------
    >>> step = {"seconds": 1.0, "peak_bytes": 3_000_000_000}
    >>> pair = Pair(step, {**step, "seconds": 2.0})
    >>> before = Pair({"resident_bytes": 1}, {"resident_bytes": 1})
    >>> floor = {"packed": 0.8, "padded": 1.0, "flops": 1e9, "rate": 2e9}
    >>> case = Case("tiny", "fp32", "ramp", "plain")
    >>> lines = lines_of(case, "torchaudio", Measured(before, [pair]), floor)
    >>> [(line.quantity, line.ratio) for line in lines][:2]
    [('time', 2.0), ('peak memory', 1.0)]
    """
    shared = {"scene": case.size, "work": case.title, "peer": peer}
    values = [_time(found.steps), *_memory(found)]
    values += [] if floor is None else _products(found.steps, floor)
    return [Line(**shared, **value, pairs=len(found.steps)) for value in values]


def _medians(steps: Sequence[Pair]) -> tuple[float, float]:
    """Seconds of a step of ours, and of theirs."""
    mine = statistics.median(pair.ours["seconds"] for pair in steps)
    return mine, statistics.median(pair.theirs["seconds"] for pair in steps)


def _time(steps: Sequence[Pair]) -> dict:
    """Time of a step."""
    mine, theirs = _medians(steps)
    ratios = [pair.theirs["seconds"] / pair.ours["seconds"] for pair in steps]
    numbers = {"ours": mine, "theirs": theirs, "ratio": statistics.median(ratios)}
    extremes = {"low": min(ratios), "high": max(ratios)}
    return {"quantity": "time", "unit": "s", **numbers, **extremes}


def _products(steps: Sequence[Pair], floor: dict) -> list[dict]:
    """Time of a step beside that of its matrix products."""
    mine, theirs = _medians(steps)
    rate = floor["flops"] / mine
    return [
        {
            "quantity": "products alone",
            "unit": "s",
            "ours": floor["packed"],
            "theirs": floor["padded"],
            "ratio": theirs / floor["packed"],
            "note": "ratio: the speed that nobody can pass at the peer's time",
        },
        {
            "quantity": "share of the products' time",
            "unit": "",
            "ours": floor["packed"] / mine,
            "theirs": floor["padded"] / theirs,
        },
        {
            "quantity": "rate",
            "unit": "GFLOP/s",
            "ours": rate / GIGA,
            "note": f"{rate / floor['rate']:.0%} of a large product's",
        },
    ]


def _memory(found: Measured) -> list[dict]:
    """Most memory of the process, and of a step alone; nothing where it is unknown."""
    steps, before = found.steps, found.before
    peaks = [[one.ours["peak_bytes"], one.theirs["peak_bytes"]] for one in steps]
    if None in peaks[0]:
        return []
    mine, theirs = map(max, zip(*peaks, strict=True))
    alone = mine - before.ours["resident_bytes"]
    their_own = theirs - before.theirs["resident_bytes"]
    return [
        _gigabytes("peak memory", mine, theirs),
        _gigabytes("memory of a step", alone, their_own),
    ]


def _gigabytes(quantity: str, mine: int, theirs: int) -> dict:
    """Bytes of both, and their ratio."""
    return {
        "quantity": quantity,
        "unit": "GB",
        "ours": mine / GIGA,
        "theirs": theirs / GIGA,
        "ratio": mine / max(theirs, 1),
    }


def build(worker: Worker, folder: Path, case: Case) -> str:
    """Build the task of a case; empty, or why the library is not there."""
    answer = worker.ask("build", folder=str(folder), case=asdict(case))
    return answer.get("absent", "")
