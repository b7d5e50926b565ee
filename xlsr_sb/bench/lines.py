"""What was measured, line by line: as a table for the eye, CSV, rows of results."""

import csv
import io
import statistics
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace

from xlsr_sb.results import ResultRow
from xlsr_sb.results.comparison import number


@dataclass(frozen=True)
class Line:
    """One quantity of one case, ours beside a peer's.

    Parameters
    ----------
    scene : str
        Size of the encoder, ``loader``, ``decoding``, ``lexicon`` or ``translating``.
    work : str
        What was done, in words.
    quantity, unit : str
    peer : str
        Empty where there is nobody to compare with.
    ours, theirs : float or None
    ratio, low, high : float or None
        Median of the pairs, the smallest and the largest. Of times how many times
        faster ours is, else ours divided by theirs.
    pairs : int
    note : str
        Why something is missing.
    """

    scene: str
    work: str
    quantity: str
    unit: str
    peer: str = ""
    ours: float | None = None
    theirs: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    note: str = ""


@dataclass(frozen=True)
class Metrics:
    """Names of a quantity's numbers in a results file; empty for one that is left out.

    Parameters
    ----------
    ours, theirs, ratio, low : str
    """

    ours: str = ""
    theirs: str = ""
    ratio: str = ""
    low: str = ""


RECORDED = {
    "time": Metrics("s", "peer s", "speed x", "lowest x"),
    "peak memory": Metrics("GB", "peer GB", "memory x"),
    "share of the products' time": Metrics("share of product peak"),
    "products alone": Metrics(ratio="possible x"),
    "speed": Metrics("x real time", "peer x real time", "speed x", "lowest x"),
    "word error rate": Metrics("WER %", "peer WER %"),
}


def rate_line(
    scene: str, work: str, peer: str, ours: Sequence[float], theirs: Sequence[float]
) -> Line:
    """Two lists of speeds, pair by pair.

    Parameters
    ----------
    scene, work, peer : str
    ours, theirs : sequence of float
        Seconds of speech in a second.

    Example
    -------
    >>> line = rate_line("loader", "FLAC", "speechbrain", [6.0, 4.0], [2.0, 2.0])
    >>> line.ours, line.ratio, line.low, line.pairs
    (5.0, 2.5, 2.0, 2)
    """
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Line(
        scene,
        work,
        "speed",
        "x real time",
        peer,
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        pairs=len(ratios),
    )


def time_line(
    scene: str, work: str, peer: str, ours: Sequence[float], theirs: Sequence[float]
) -> Line:
    """Two lists of seconds, pair by pair.

    Parameters
    ----------
    scene, work, peer : str
    ours, theirs : sequence of float

    Example
    -------
    >>> line = time_line("translating", "60 tokens", "b", [2.0, 4.0], [4.0, 6.0])
    >>> line.ours, line.ratio, line.low
    (3.0, 1.75, 1.5)
    """
    rates = ([1 / seconds for seconds in one] for one in (ours, theirs))
    line = rate_line(scene, work, peer, *rates)
    medians = {"ours": statistics.median(ours), "theirs": statistics.median(theirs)}
    return replace(line, quantity="time", unit="s", **medians)


def text_table(lines: Sequence[Line]) -> str:
    """Aligned text, a title for each case.

    Parameters
    ----------
    lines : sequence of Line

    Returns
    -------
    str

    Example
    -------
    >>> numbers = 0.5, 1.5, 3.0, 2.9, 3.2, 5
    >>> line = Line("tiny", "bf16", "time", "s", "torchaudio", *numbers)
    >>> print(text_table([line]))
    what             unit  ours  theirs  ratio  lowest..highest  pairs
    <BLANKLINE>
    tiny, bf16, beside torchaudio
      time           s     0.500   1.50   3.00       2.90..3.20      5
    """
    cells = [("what", "unit", "ours", "theirs", "ratio", "lowest..highest", "pairs")]
    cells += [_cells(line) for line in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    titles = ["", *(_title(line) for line in lines)]
    printed: list[str] = []
    for place, (row, title) in enumerate(zip(cells, titles, strict=True)):
        if title != titles[place - 1] and title:
            printed += ["", title]
        printed.append(_aligned(row, widths))
        if place and lines[place - 1].note:
            printed.append(f"    {lines[place - 1].note}")
    return "\n".join(printed)


def _title(line: Line) -> str:
    """What a line belongs to."""
    beside = f", beside {line.peer}" if line.peer else ""
    return f"{line.scene}, {line.work}{beside}"


def _cells(line: Line) -> tuple[str, ...]:
    """One line of the table."""
    both = line.low is not None
    return (
        f"  {line.quantity}",
        line.unit,
        number(line.ours),
        number(line.theirs),
        number(line.ratio),
        f"{number(line.low)}..{number(line.high)}" if both else "",
        str(line.pairs or ""),
    )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Texts to the left, numbers to the right."""
    return "  ".join(
        cell.ljust(width) if place < 2 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()


def csv_text(lines: Sequence[Line]) -> str:
    """CSV with one column a field of ``Line``.

    Example
    -------
    >>> csv_text([Line("tiny", "bf16", "time", "s", ours=0.5)]).splitlines()[1]
    'tiny,bf16,time,s,,0.5,,,,,0,'
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([field.name for field in fields(Line)])
    writer.writerows(astuple(line) for line in lines)
    return table.getvalue()


def result_rows(lines: Sequence[Line], run: ResultRow) -> list[ResultRow]:
    """Rows for RESULTS.csv, one a number that a README may show.

    Parameters
    ----------
    lines : sequence of Line
    run : ResultRow
        Whose columns about the run (pairs as updates, commit, device...) are taken.

    Returns
    -------
    list of ResultRow
        ``hparams`` is the scene, ``split`` the work, ``group`` the peer.

    Example
    -------
    >>> run = ResultRow("bench", "", "", "", "", 0.0, None, None, 0, 3, 0.5, 0,
    ...                 "1a2b3c4", "xlsr-sb bench", "cpu", "2025-01-31")
    >>> numbers = 0.5, 1.5, 3.0, 2.9, 3.2, 3
    >>> line = Line("tiny", "bf16", "time", "s", "torchaudio", *numbers)
    >>> [(row.group, row.metric, row.value) for row in result_rows([line], run)][2:]
    [('torchaudio', 'speed x', 3.0), ('torchaudio', 'lowest x', 2.9)]
    """
    rows = []
    for line in lines:
        names = RECORDED.get(line.quantity, Metrics())
        place = {"hparams": line.scene, "split": line.work, "group": line.peer or "all"}
        for field in fields(Metrics):
            name, value = getattr(names, field.name), getattr(line, field.name)
            if name and value is not None:
                value = float(f"{value:.4g}")
                rows.append(replace(run, **place, metric=name, value=value))
    return rows
