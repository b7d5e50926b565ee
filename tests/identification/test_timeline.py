"""Time lines: which class is heard when, in recordings whose classes are known.

Seen to fail: changes for nothing; windows that count where they are silent; changes at
the edge of a cell; loudness that is not looked at.
"""

from itertools import pairwise, product

import numpy as np
import pytest

from xlsr_sb.identification.timeline import CHANGE, Timeline, _course

LABELS = ["fr", "it", "no"]


def timeline(said, *, energies=None, sure=0.9, window=1_000, hop=500):
    """Time line of a recording of which a classifier tells what fills a window.

    ``said`` has the class of each hundredth of a second.
    """
    said = np.array(said)
    starts = np.arange(0, max(1, len(said) - window + 1), hop)
    if starts[-1] + window < len(said):
        starts = np.append(starts, len(said) - window)
    stops = np.minimum(starts + window, len(said))
    shares = [
        np.bincount(said[a:b], minlength=3) / (b - a)
        for a, b in zip(starts, stops, strict=True)
    ]
    rows = sure * np.array(shares) + (1 - sure) / 3
    energies = np.ones(len(said)) if energies is None else energies
    return Timeline(energies, starts, stops, rows)


def found(one, hop=500):
    """Begin, end and label of each stretch."""
    return [(s.start, s.end, s.label) for s in one.stretches(LABELS, hop=hop)]


def test_a_change_is_found_where_it_is_quiet():
    """Not at the edge of a cell, but in the pause beside it."""
    said = [0] * 3_130 + [1] * 2_870
    energies = np.ones(6_000)
    energies[3_110:3_140] = 1e-3
    (start, change, first), (again, end, second) = found(
        timeline(said, energies=energies)
    )
    assert (start, end, first, second) == (0.0, 60.0, "fr", "it")
    assert change == again == pytest.approx(31.25, abs=0.02)


def test_one_class_is_one_stretch():
    """Whatever the length, also of less than a window."""
    for length in (3, 40, 999, 1_000, 1_001, 7_777):
        [(start, end, label)] = found(timeline([2] * length))
        assert (start, end, label) == (0.0, length / 100, "no")


def test_a_doubtful_cell_changes_nothing():
    """Windows of another class that is hardly likelier are passed over."""
    one = timeline([0] * 6_000)
    rows = one.probabilities.copy()
    rows[5:7] = [0.4, 0.5, 0.1]
    doubtful = Timeline(one.energies, one.starts, one.stops, rows)
    assert found(doubtful) == [(0.0, 60.0, "fr")]
    rows[4:8] = [0.01, 0.98, 0.01]
    sure = Timeline(one.energies, one.starts, one.stops, rows)
    assert [label for *_, label in found(sure)] == ["fr", "it", "fr"]


def test_course_is_the_likeliest():
    """Of all there are, each change at its price."""
    generator = np.random.default_rng(1)
    kinds = set()
    for _ in range(30):
        cells = generator.dirichlet([0.3] * 3, size=5).clip(1e-3)
        spoken = generator.random(5) > 0.2

        def value(course, cells=cells, spoken=spoken):
            changes = sum(a != b for a, b in pairwise(course))
            said = np.log(cells[np.arange(5), course]) * spoken
            return said.sum() - CHANGE * changes

        best = max(map(value, product(range(3), repeat=5)))
        course = _course(cells, spoken)
        assert value(course) == pytest.approx(best)
        kinds.add(len(set(course.tolist())))
    assert kinds >= {1, 2}


def test_silence_is_in_no_stretch():
    """And what is said of silent windows does not count."""
    said = [0] * 2_100 + [1] * 2_000 + [0] * 2_100  # the classifier hears it in silence
    energies = np.ones(6_200)
    energies[2_100:4_100] = 1e-9
    one = timeline(said, energies=energies)
    assert found(one) == [(0.0, 21.0, "fr"), (41.0, 62.0, "fr")]
    assert one.stretches(LABELS, hop=500)[0].probability > 0.8  # 0.78 if they counted
    assert one.overall.argmax() == 0
    silent = Timeline(np.ones(6_200), one.starts, one.stops, one.probabilities)
    assert one.overall[0] > silent.overall[0] + 0.1


def test_short_pauses_are_inside():
    """Nobody wants a stretch a sentence."""
    energies = np.ones(6_000)
    energies[np.arange(6_000) % 700 < 200] = 1e-9
    [(start, end, label)] = found(timeline([1] * 6_000, energies=energies))
    assert (start, end, label) == (2.0, 60.0, "it")


def test_stretches_are_in_order_whatever_is_heard():
    """Of random probabilities and loudness: none is empty, none overlaps."""
    generator = np.random.default_rng(0)
    changes = 0
    for number in range(200):
        length = int(generator.integers(2, 5_000))
        one = timeline([0] * length, window=1_000, hop=300)
        rows = generator.dirichlet([0.05] * 3, size=len(one.starts))
        loud = (
            generator.random(length)
            * (generator.random(length // 90 + 1) > 0.4)[np.arange(length) // 90]
        )
        loud[0] = 1.0
        found_ = Timeline(loud, one.starts, one.stops, rows).stretches(LABELS, hop=300)
        reached = 0.0
        for stretch in found_:
            assert reached <= stretch.start < stretch.end <= length / 100, number
            assert 0 <= stretch.probability <= 1
            changes += stretch.start == reached > 0
            reached = stretch.end
    assert changes > 100


def test_mean_of_windows():
    """Each window counts as it is loud."""
    one = Timeline(
        np.array([1.0] * 100 + [0.0] * 50 + [1.0] * 50),
        np.array([0, 100]),
        np.array([100, 200]),
        np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    )
    assert one.overall == pytest.approx([2 / 3, 1 / 3, 0.0])
