"""Counts of NIST's ``sclite``, whose alignments are not those of fewest errors.

``sclite`` looks for the cheapest alignment when a substitution costs 4, a deletion or
an insertion 3. With c correct units and s substitutions that is the one of the largest
3 c + s, where fewest errors are the largest 2 c + s: for one more correct unit
``sclite`` accepts one error more. So its errors are never fewer than those of
``count_errors``, and more only where few words are right; of the parts, it has fewer
substitutions. Among equally cheap alignments the last unit decides: matched or
substituted if that is as cheap, else inserted, else deleted. All counts are those of
``sclite`` 2.10 to the utterance.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from xlsr_sb.metrics.counts import ErrorCounts, unit_pairs

SUBSTITUTION, DELETION, INSERTION = 4, 3, 3
BATCH = 512  # utterances aligned at once, or fewer long ones:
UNITS = 64_000  # with their padding


def sclite_counts(
    metric: str, references: Sequence[str], hypotheses: Sequence[str]
) -> ErrorCounts:
    """Errors of each utterance as ``sclite -s`` reports them.

    Parameters
    ----------
    metric : str
        ``WER``, ``CER`` or ``PER``, as of ``count_errors``. For ``CER`` to be what
        ``sclite`` reports, files are written of ``spelled`` texts.
    references, hypotheses : sequence of str
        One text an utterance, in the same order.

    Returns
    -------
    ErrorCounts

    Example
    -------
    Two words right and seven errors, where six errors were possible with one right:

    >>> texts = ["g d b c i"], ["c a i h h f"]
    >>> sclite_counts("WER", *texts).table.tolist()
    [[5, 0, 3, 4]]
    >>> from xlsr_sb.metrics import count_errors
    >>> int(count_errors("WER", *texts).errors.sum())
    6
    """
    pairs = unit_pairs(metric, references, hypotheses)
    table = np.zeros((len(pairs), 4), dtype=np.int64)
    for places in _batches([len(one) + len(other) for one, other in pairs]):
        table[places] = _errors([pairs[place] for place in places])
    return ErrorCounts(metric, table)


def _batches(lengths: Sequence[int]) -> Iterator[np.ndarray]:
    """Places of utterances that are aligned at once, those of like length together."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = lengths[order[min(start + BATCH, len(order)) - 1]]
        stop = start + max(1, min(BATCH, UNITS // max(1, longest)))
        yield order[start:stop]
        start = stop


def _errors(pairs: Sequence[tuple[list[int], list[int]]]) -> np.ndarray:
    """Units, substitutions, deletions and insertions of some utterances, [N, 4].

    Cells (i, j) of the table of i reference and j hypothesis units are computed by
    diagonals i + j of all utterances at once. Each cell takes over the number of
    substitutions of the cell it was reached from, so no path is followed back.
    """
    references, num_references = _padded([one for one, _ in pairs])
    hypotheses, num_hypotheses = _padded([other for _, other in pairs])
    widths = references.shape[1], hypotheses.shape[1]
    # A diagonal: costs and substitutions by i, [N, 2, I + 1].
    last = np.zeros((len(pairs), 2, widths[0] + 1), dtype=np.int32)
    before, ends = last.copy(), np.zeros((len(pairs), 2), dtype=np.int32)
    for step in range(1, sum(widths) + 1):
        first, final = max(1, step - widths[1]), min(step - 1, widths[0])
        cells = np.zeros_like(last)
        cells[:, 0, 0] = INSERTION * step
        if step <= widths[0]:
            cells[:, 0, step] = DELETION * step
        if first <= final:
            units = references[:, first - 1 : final]
            others = hypotheses[:, step - final - 1 : step - first][:, ::-1]
            cells[:, :, first : final + 1] = _best(
                before[:, :, first - 1 : final],
                last[:, :, first : final + 1],
                last[:, :, first - 1 : final],
                units != others,
            )
        done = np.flatnonzero(num_references + num_hypotheses == step)
        ends[done] = cells[done, :, num_references[done]]
        before, last = last, cells
    costs, substitutions = ends.T
    gaps = (costs - SUBSTITUTION * substitutions) // DELETION
    deletions = (gaps + num_references - num_hypotheses) // 2
    return np.stack(
        [num_references, substitutions, deletions, gaps - deletions], axis=1
    )


def _best(
    matched: np.ndarray, inserted: np.ndarray, deleted: np.ndarray, differ: np.ndarray
) -> np.ndarray:
    """Costs and substitutions of cells [N, 2, M] by the cheapest way into them."""
    best = matched.copy()
    best[:, 0] += SUBSTITUTION * differ
    best[:, 1] += differ
    for way, cost in ((inserted, INSERTION), (deleted, DELETION)):  # in this order
        costs = way[:, 0] + cost
        is_cheaper = costs < best[:, 0]
        np.copyto(best[:, 0], costs, where=is_cheaper)
        np.copyto(best[:, 1], way[:, 1], where=is_cheaper)
    return best


def _padded(rows: Sequence[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of several units in one array [N, U], and how many of each row count."""
    lengths = np.array([len(row) for row in rows])
    padded = np.full((len(rows), lengths.max()), -1, dtype=np.int32)
    for row, numbers in zip(padded, rows, strict=True):
        row[: len(numbers)] = numbers
    return padded, lengths
