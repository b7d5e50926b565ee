"""What a probe found: lines, a table of them, and rows of a results file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xlsr_sb.metrics import Score
from xlsr_sb.probe.parts import ALL
from xlsr_sb.results import ResultRow

RECIPE = "probe"  # of the rows in a results file
ACCURACY = "accuracy"


@dataclass(frozen=True)
class ProbeLine:
    """What one layer of one encoder tells of one group of test utterances.

    Parameters
    ----------
    model : str
    layer : int
        0 is the input of the first layer.
    group : str
        Language, or ``all``.
    score : Score
        Errors: wrong languages (``accuracy``) or characters (``CER``).
    clips : int
        Utterances of the group.
    held_out : float
        The same value on held-out training utterances: it may choose a layer.
    chance : float or None
        The value of the best answer that hears nothing, of ``all``.
    updates : int
        Of the linear layer; 0 where it was fitted at once.

    Example
    -------
    >>> ProbeLine("a", 3, "fr", Score("accuracy", errors=1, total=4), 4, 0.7).value
    0.75
    """

    model: str
    layer: int
    group: str
    score: Score
    clips: int
    held_out: float
    chance: float | None = None
    updates: int = 0

    @property
    def value(self) -> float:
        """Accuracy, or error rate."""
        is_accuracy = self.score.name == ACCURACY
        return 1 - self.score.value if is_accuracy else self.score.value


def best_layers(lines: Sequence[ProbeLine]) -> dict[str, int]:
    """Layer of each model that is best on held-out training utterances.

    Example
    -------
    >>> score = Score("CER", errors=1, total=4)
    >>> values = {0: 0.9, 1: 0.5, 2: 0.6}
    >>> best_layers([ProbeLine("a", i, "all", score, 4, x) for i, x in values.items()])
    {'a': 1}
    """
    best: dict[str, ProbeLine] = {}
    for line in lines:
        sign = 1 if line.score.name == ACCURACY else -1
        known = best.setdefault(line.model, line)
        if sign * line.held_out > sign * known.held_out:
            best[line.model] = line
    return {model: line.layer for model, line in best.items()}


def text_table(lines: Sequence[ProbeLine]) -> str:
    """Aligned text: every layer on all languages, then the best layers by language.

    Parameters
    ----------
    lines : sequence of ProbeLine
        Of one target; of one or more models.

    Example
    -------
    >>> score = Score("CER", errors=1, total=4)
    >>> line = ProbeLine("random:tiny", 3, "all", score, 1, 0.3, chance=0.8)
    >>> print(text_table([line, replace(line, group="fr", chance=None)]))
    model        layer  CER %  held out  chance
    random:tiny      3   25.0      30.0    80.0
    <BLANKLINE>
    CER %  random:tiny, layer 3
    fr                     25.0
    all                    25.0
    """
    name = f"{lines[0].score.name} %"
    header = ["model", "layer", name, "held out", "chance"]
    table = [
        [line.model, str(line.layer), *map(_percent, values)]
        for line in lines
        if line.group == ALL
        for values in [(line.value, line.held_out, line.chance)]
    ]
    best = best_layers(lines).items()
    chosen = {
        (line.group, line.model): _percent(line.value)
        for line in lines
        if (line.model, line.layer) in best
    }
    groups = sorted({group for group, _ in chosen}, key=lambda x: (x == ALL, x))
    by_language = [
        [group, *(chosen.get((group, model), "") for model, _ in best)]
        for group in groups
    ]
    titles = [f"{model}, layer {layer}" for model, layer in best]
    return (
        f"{_aligned([header, *table])}\n\n{_aligned([[name, *titles], *by_language])}"
    )


def _percent(value: float | None) -> str:
    """A share in percent."""
    return "" if value is None else f"{100 * value:.1f}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells in columns: the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def result_rows(lines: Sequence[ProbeLine], run: ResultRow) -> list[ResultRow]:
    """Rows of a results file: the value of each line, and chance beside it.

    Parameters
    ----------
    lines : sequence of ProbeLine
    run : ResultRow
        What all rows share; ``split`` is the test set.

    Example
    -------
    >>> run = ResultRow("probe", "", "test", "", "", 0.0, None, None, 0, 0, 0.5, 1986,
    ...                 "1a2b3c4", "xlsr-sb probe", "cpu", "2025-01-31")
    >>> score = Score("accuracy", errors=1, total=4)
    >>> line = ProbeLine("tiny", 3, "all", score, 4, 0.7, chance=0.5)
    >>> for row in result_rows([line], run):
    ...     print(row.hparams, row.split, row.group, row.metric, row.value, row.errors)
    tiny test, layer 3 all accuracy 0.75 1
    tiny test, layer 3 all accuracy by chance 0.5 None
    """
    rows = []
    for line in lines:
        name = line.score.name
        row = replace(
            run,
            hparams=line.model,
            split=f"{run.split}, layer {line.layer}",
            group=line.group,
            metric=name,
            value=line.value,
            errors=line.score.errors,
            total=line.score.total,
            clips=line.clips,
            updates=line.updates,
        )
        rows.append(row)
        if line.chance is not None:
            other = {"metric": f"{name} by chance", "value": line.chance}
            rows.append(replace(row, **other, errors=None, total=None))
    return rows
