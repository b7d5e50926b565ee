"""Trial lists, cosines of embeddings, and scores relative to a cohort."""

import tracemalloc

import numpy as np
import pytest

from xlsr_sb.errors import InputError
from xlsr_sb.metrics.verification import (
    EmbeddingTable,
    TrialList,
    cohort_statistics,
    cosine_scores,
    embeddings,
    normalised_scores,
    read_trials,
)


def table_of(number, *, width=6, seed=0, prefix="u"):
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(number, width)).astype(np.float32)
    return EmbeddingTable([f"{prefix}{place}" for place in range(number)], vectors)


def trials_of(number, table, *, seed=1):
    draw = np.random.default_rng(seed)
    sides = draw.choice(table.ids, size=(2, number)).tolist()
    return TrialList(draw.random(number) < 0.5, *sides)


def cosine(one, other):
    """One pair, in double precision."""
    one, other = np.float64(one), np.float64(other)
    return one @ other / np.sqrt(one @ one) / np.sqrt(other @ other)


def slow_normalised(score, sides, cohort, top):
    """One trial, as the papers have it: mean over the sides that count."""
    parts = []
    for side in sides:
        scores = sorted((cosine(side, other) for other in cohort), reverse=True)[:top]
        mean = sum(scores) / len(scores)
        spread = (sum((one - mean) ** 2 for one in scores) / len(scores)) ** 0.5
        parts.append((score - mean) / spread)
    return sum(parts) / len(parts)


# Trial lists


def test_every_line_is_read(tmp_path):
    path = tmp_path / "trials.txt"
    path.write_bytes("1 a/1.wav  a/2.wav\r\n\n0\ta/1.wav\tbé/1.wav\n1 x y".encode())
    trials = read_trials(path)
    assert trials.is_target.tolist() == [True, False, True]
    assert trials.enrolments == ["a/1.wav", "a/1.wav", "x"]
    assert trials.tests == ["a/2.wav", "bé/1.wav", "y"]
    assert trials.ids == ["a/1.wav", "a/2.wav", "bé/1.wav", "x", "y"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 a", r"trials.txt, line 2: 2 words in '1 a'; a trial is 'label"),
        ("1 a b c", "line 2: 4 words"),
        ("2 a b", "line 2: the label is '2'; it must be 1 .* or 0"),
        ("a b 1", "line 2: the label is 'a'; .* comes first"),
        ("target a b", "the label is 'target'"),
    ],
)
def test_a_line_that_is_no_trial(tmp_path, line, message):
    path = tmp_path / "trials.txt"
    path.write_text(f"1 a b\n{line}\n0 a c\n")
    with pytest.raises(InputError, match=message):
        read_trials(path)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_list_without_trials(tmp_path, text):
    path = tmp_path / "trials.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=r"trials.txt holds no trial"):
        read_trials(path)


def test_columns_must_be_as_long():
    with pytest.raises(ValueError, match=r"got \[1, 2, 2\]"):
        TrialList(np.array([True]), ["a", "b"], ["a", "b"])


# Cosines


def test_cosines_are_those_of_each_pair(monkeypatch):
    monkeypatch.setattr(embeddings, "PIECE", 20)  # three trials at a time
    draw = np.random.default_rng(0)
    raw = {f"u{place}": draw.normal(size=6) * 10**place for place in range(7)}
    table = EmbeddingTable.of(raw)
    trials = trials_of(50, table)
    pairs = zip(trials.enrolments, trials.tests, strict=True)
    wanted = [cosine(raw[one], raw[other]) for one, other in pairs]
    assert cosine_scores(table, trials) == pytest.approx(wanted, abs=1e-12)


def test_missing_recordings_are_one_error():
    trials = TrialList(np.ones(8, bool), list("abcdefga"), ["u1"] * 8)
    with pytest.raises(InputError) as caught:
        cosine_scores(table_of(3), trials)
    assert "7 recordings of the trials have no embedding" in str(caught.value)
    assert "'a', 'b', 'c', 'd', 'e' and 2 more" in str(caught.value)
    assert "such as 'u0'" in str(caught.value)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_embeddings_without_a_direction(bad):
    vectors = np.ones((3, 4))
    vectors[1] = bad
    with pytest.raises(InputError, match="1 of 3 embeddings .*: 'b'"):
        EmbeddingTable(["a", "b", "c"], vectors)


def test_embeddings_of_two_models():
    with pytest.raises(InputError, match=r"shapes \[\(3,\), \(4,\)\]"):
        EmbeddingTable.of({"a": np.ones(3), "b": np.ones(4)})
    with pytest.raises(InputError, match="no embedding"):
        EmbeddingTable.of({})
    with pytest.raises(ValueError, match="twice"):
        EmbeddingTable(["a", "a"], np.ones((2, 2)))


# Normalisation


@pytest.mark.parametrize("method", ["z", "t", "s"])
@pytest.mark.parametrize("top", [None, 2, 5, 12])
def test_normalised_scores_are_those_of_each_trial(monkeypatch, method, top):
    """Mutation that fails here: the lowest of the cohort count."""
    monkeypatch.setattr(embeddings, "PIECE", 40)  # pieces of three recordings
    table, cohort = table_of(10), table_of(12, seed=5, prefix="c")
    trials = trials_of(40, table)
    scores = cosine_scores(table, trials)
    found = normalised_scores(
        scores, trials, table=table, cohort=cohort, method=method, top=top
    )
    for place, score in enumerate(scores):
        pair = [
            table.vectors[table.places[side[place]]]
            for side in (trials.enrolments, trials.tests)
        ]
        sides = {"z": pair[:1], "t": pair[1:], "s": pair}[method]
        wanted = slow_normalised(score, sides, cohort.vectors, top)
        assert found[place] == pytest.approx(wanted, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("top", [1, 13])
def test_size_of_the_cohort(top):
    vectors = table_of(12).vectors
    with pytest.raises(InputError, match=f"with {top} of a cohort of 12"):
        cohort_statistics(vectors, vectors, top=top)
    with pytest.raises(InputError, match="with 1 of a cohort of 1"):
        cohort_statistics(vectors, vectors[:1])


def test_cohorts_that_cannot_be_used():
    table = table_of(4)
    trials = trials_of(5, table)
    scores = cosine_scores(table, trials)
    same = EmbeddingTable(["a", "b"], np.ones((2, 6), np.float32))
    with pytest.raises(InputError, match="'u[0-3]' has the same score with every"):
        normalised_scores(scores, trials, table=table, cohort=same)
    other = table_of(4, width=5)
    with pytest.raises(InputError, match="6 numbers, those of the cohort 5"):
        normalised_scores(scores, trials, table=table, cohort=other)
    with pytest.raises(InputError, match="'zt'; it must be one of z, t, s"):
        normalised_scores(scores, trials, table=table, cohort=table, method="zt")


def test_memory_does_not_grow_with_the_scores_of_the_cohort():
    """20,000 recordings against 2,000: 320 MB of scores, never at once."""
    table = table_of(20_000, width=4)
    cohort = table_of(2_000, width=4, seed=3)
    tracemalloc.start()
    cohort_statistics(table.vectors, cohort.vectors, top=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 120e6
