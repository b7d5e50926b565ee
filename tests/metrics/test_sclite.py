"""Counts and files against NIST's sclite 2.10 (Debian's package sctk 2.4.10)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.nist_sclite import MISSING, SCLITE, golden_rows, run_sclite
from tests.metrics.texts import awkward, pairs_of, transcript
from xlsr_sb.metrics import (
    METRICS,
    Segment,
    TimedWord,
    Transcription,
    count_errors,
    sclite_counts,
    score_table,
    write_ctm,
    write_stm,
    write_trn,
)
from xlsr_sb.metrics import sclite as module
from xlsr_sb.metrics.counts import split_units

needs_sclite = pytest.mark.skipif(SCLITE is None, reason=MISSING)
few_units = st.lists(st.sampled_from("abcde"), max_size=9).map(" ".join)


def scored_trn(folder, pairs, metric="WER", speakers=None):
    """What sclite makes of pairs of texts that were written as trn files."""
    for number, name in enumerate(("ref", "hyp")):
        texts = [pair[number] for pair in pairs]
        names = speakers or ["s"] * len(texts)
        zipped = zip(map(str, range(len(texts))), texts, names, strict=True)
        lines = [Transcription(*one) for one in zipped]
        write_trn(folder / f"{name}.trn", lines, metric=metric)
    files = "-r", folder / "ref.trn", "trn", "-h", folder / "hyp.trn", "trn"
    return run_sclite(folder, "-i", "spu_id", *files)


def in_order(found):
    """Counts of the utterances of one speaker, in the order they were written in."""
    rows = {int(name.removeprefix("s-")): row for name, row in found.items()}
    return [rows[number] for number in range(len(rows))]


# The table


@pytest.mark.parametrize("metric", ["WER", "CER"])
def test_counts_are_those_of_the_golden_table(metric):
    """Mutations that fail here: another weight; insertion after deletion."""
    rows = [row for row in golden_rows() if row[0] == metric]
    assert len(rows) >= 20
    _, references, hypotheses, counts = zip(*rows, strict=True)
    found = sclite_counts(metric, references, hypotheses)
    assert found.table.tolist() == list(counts)
    fewest = count_errors(metric, references, hypotheses)
    assert (found.errors >= fewest.errors).all()
    assert (found.errors > fewest.errors).any()
    assert (found.errors == fewest.errors).mean() > 0.5


@needs_sclite
@pytest.mark.parametrize("metric", ["WER", "CER"])
def test_the_golden_table_is_what_sclite_says(tmp_path, metric):
    rows = [row for row in golden_rows() if row[0] == metric]
    found, _ = scored_trn(tmp_path, [row[1:3] for row in rows], metric)
    assert in_order(found) == [row[3] for row in rows]


# Counts, without sclite


def brute_force(reference, hypothesis):
    """Largest 3 c + s of all alignments, and the (c, s) that reach it."""
    if not reference or not hypothesis:
        return 0, {(0, 0)}
    same = reference[-1] == hypothesis[-1]
    found = {}
    for rest, (c, s) in [
        ((reference[:-1], hypothesis[:-1]), (same, not same)),
        ((reference[:-1], hypothesis), (0, 0)),
        ((reference, hypothesis[:-1]), (0, 0)),
    ]:
        gain, ways = brute_force(*rest)
        more = {(one + c, other + s) for one, other in ways}
        found.setdefault(gain + 3 * c + s, set()).update(more)
    return max(found), found[max(found)]


@settings(max_examples=60, deadline=None)
@given(pairs_of(few_units.filter(lambda text: len(text) < 11)))
def test_alignments_are_the_cheapest(pairs):
    """Found by trying all alignments: correct and substituted units."""
    table = sclite_counts("WER", *zip(*pairs, strict=True)).table.tolist()
    for (reference, hypothesis), (total, s, d, i) in zip(pairs, table, strict=True):
        one, other = reference.split(), hypothesis.split()
        correct = total - s - d
        assert total == len(one)
        assert correct + s + i == len(other)
        assert (correct, s) in brute_force(one, other)[1]


@settings(max_examples=60, deadline=None)
@given(pairs_of(transcript) | pairs_of(few_units))
def test_one_error_more_at_most_for_each_unit_more_that_is_right(pairs):
    for metric in METRICS:
        fewest, other = (
            count(metric, *zip(*pairs, strict=True))
            for count in (count_errors, sclite_counts)
        )
        more = other.errors - fewest.errors
        right = (fewest.table - other.table)[:, 1:3].sum(axis=1)
        assert (more >= 0).all()
        assert (more <= right).all()


@settings(max_examples=30, deadline=None)
@given(pairs_of(few_units, min_size=2, max_size=12), st.data())
def test_utterances_do_not_touch_each_other(pairs, data):
    """In whatever batches: mutation that fails here: the order is not undone."""
    whole = sclite_counts("WER", *zip(*pairs, strict=True)).table.tolist()
    alone = [sclite_counts("WER", [r], [h]).table.tolist()[0] for r, h in pairs]
    assert whole == alone
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH", data.draw(st.integers(1, 4)))
        patch.setattr(module, "UNITS", data.draw(st.integers(1, 40)))
        assert sclite_counts("WER", *zip(*pairs, strict=True)).table.tolist() == whole


def test_nothing_to_align():
    assert len(sclite_counts("WER", [], [])) == 0
    assert sclite_counts("WER", [""], [""]).table.tolist() == [[0, 0, 0, 0]]


# Files, with sclite


@needs_sclite
def test_any_text_survives_trn(tmp_path):
    """Many texts in one file; mutation that fails here: a character is not escaped."""
    pairs = []

    @settings(max_examples=60, deadline=None, database=None)
    @given(pairs_of(awkward, max_size=12) | pairs_of(few_units, max_size=12))
    def collect(some):
        pairs.extend(some)

    collect()
    pairs += [
        (f"{c}a b{c} c{c}d {c}", f"{c}a b c{c}e {c}") for c in map(chr, range(128))
    ]
    pairs += [("x" * n + " b", "x" * (n - 1) + "y b") for n in (90, 499, 999, 1001)]
    for metric in ("WER", "CER"):
        found, sums = scored_trn(tmp_path, pairs, metric)
        ours = sclite_counts(metric, *zip(*pairs, strict=True))
        assert in_order(found) == ours.table.tolist()
        score = ours.score()
        assert sums["Sum"] == (len(pairs), score.total, *score.parts)


@needs_sclite
def test_speakers_are_those_of_the_table(tmp_path):
    """Also where names hold what ends a name, or differ by case only."""
    names = ["a-b", "a_b", "A_b", "(c)", "d e", "été", "f"]
    generator = np.random.default_rng(0)
    speakers = [names[number] for number in generator.integers(0, len(names), 200)]
    texts = generator.choice([*"abc"], (2, 200, 6))
    references, hypotheses = ([*map(" ".join, side)] for side in texts)
    pairs = [*zip(references, hypotheses, strict=True)]
    found, sums = scored_trn(tmp_path, pairs, speakers=speakers)
    counts = sclite_counts("WER", references, hypotheses)
    rows = score_table([counts], languages=["fr"] * 200, speakers=speakers)
    ours = {
        row.group: (row.clips, row.score.total, *row.score.parts)
        for row in rows
        if row.kind == "speaker"
    }
    escaped = {"a-b": "a%2Db", "(c)": "%28c%29", "d e": "d%20e"}
    assert len(found) == 200
    assert {escaped.get(name, name): row for name, row in ours.items()} == {
        name: row for name, row in sums.items() if name != "Sum"
    }


@needs_sclite
def test_segments_and_timed_words(tmp_path):
    """Several segments a recording; recordings of which nothing was recognised."""
    generator = np.random.default_rng(1)
    pool = [*"abcde", "é", "<f>", "g;", "@", "{", "/", "IGNORE_TIME_SEGMENT_IN_SCORING"]
    segments, words, pairs = [], {}, []
    for number in range(120):
        recording = f"{generator.choice([*'Ab_é'])}{number // 3} -(x)"
        reference, hypothesis = (
            [str(word) for word in generator.choice(pool, generator.integers(0, 7))]
            for _ in range(2)
        )
        if recording.startswith("b"):
            hypothesis = []  # missing as a whole
        start = 2.0 * number
        text = " ".join(reference)
        segments.append(Segment(recording, start, start + 2, text, f"s{number}"))
        times = start + 0.1 + 0.2 * np.arange(len(hypothesis))
        words.setdefault(recording, []).extend(
            TimedWord(word, float(time), 0.15, 0.5)
            for word, time in zip(hypothesis, times, strict=True)
        )
        pairs.append((text, " ".join(hypothesis)))
    write_stm(tmp_path / "ref.stm", segments[::-1])
    write_ctm(tmp_path / "hyp.ctm", {name: words[name][::-1] for name in words})
    files = "-r", tmp_path / "ref.stm", "stm", "-h", tmp_path / "hyp.ctm", "ctm"
    found, _ = run_sclite(tmp_path, *files)
    ours = sclite_counts("WER", *zip(*pairs, strict=True)).table.tolist()
    assert [found[f"s{number}-000"] for number in range(120)] == ours
    assert sum(not split_units("WER", [hypothesis])[0] for _, hypothesis in pairs) > 20
