"""Files for sclite, without it: what is written, and what can be read."""

import re

import pytest
from hypothesis import given, settings

from tests.metrics.texts import awkward, pairs_of
from xlsr_sb.errors import InputError
from xlsr_sb.metrics import (
    Segment,
    TimedWord,
    Transcription,
    read_trn,
    write_ctm,
    write_stm,
    write_trn,
)
from xlsr_sb.metrics.counts import split_units
from xlsr_sb.metrics.nist.escaping import escape, unescape


@pytest.mark.parametrize(
    ("word", "escaped"),
    [
        ("l'été", "l'été"),
        ("-s-", "-s-"),
        ("a/b", "a/b"),
        ("{a}", "%7Ba%7D"),
        ("@", "%40"),
        (";;", "%3B%3B"),
        ("a*", "a%2A"),
        ("(a)", "%28a%29"),
        ("<a>", "%3Ca%3E"),
        ("a\\b", "a%5Cb"),
        ("a b\tc\n", "a%20b%09c%0A"),
        ("a\u00a0b", "a\u00a0b"),
        ("%7B", "%257B"),
        ("ignore_time_segment_in_scoring", "%69gnore_time_segment_in_scoring"),
        ("x" * 500, "x" * 500),
    ],
)
def test_what_is_escaped(word, escaped):
    """Mutation that fails here: ``%`` itself is not escaped."""
    assert escape(word) == escaped
    assert unescape(escaped) == word


def test_very_long_words_stay_different():
    words = ["x" * 501, "x" * 502, "ж" * 251]
    short = [*map(escape, words)]
    assert len(set(short)) == 3
    assert all(re.fullmatch(r"(x|ж){80}%[0-9a-f]{64}", word) for word in short)


def test_lines_of_a_trn_file(tmp_path):
    lines = [
        Transcription("u 1", " oui  non ", "anne-b"),
        Transcription("(2)", "", "été"),
        Transcription("a-3", "a; @"),
    ]
    write_trn(tmp_path / "a.trn", lines)
    assert (tmp_path / "a.trn").read_text(encoding="utf-8") == (
        "oui non (anne%2Db-u%201)\n(été-%282%29)\na%3B %40 (-a-3)\n"
    )
    write_trn(tmp_path / "c.trn", lines[:1], metric="CER")
    assert (tmp_path / "c.trn").read_text() == (
        "o u i %20 %20 n o n (anne%2Db-u%201)\n"
    )


@settings(max_examples=60, deadline=None)
@given(pairs_of(awkward))
def test_trn_files_are_read_back(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("trn") / "a.trn"
    written = [
        Transcription(f"{number}{name}", text, name)
        for number, (text, name) in enumerate(pairs)
    ]
    write_trn(path, written)
    found = read_trn(path)
    assert [(one.id, one.speaker) for one in found] == [
        (one.id, one.speaker) for one in written
    ]
    texts = [[one.text for one in lines] for lines in (found, written)]
    assert split_units("WER", texts[0]) == split_units("WER", texts[1])


def test_trn_files_of_other_tools(tmp_path):
    """White space, comments, ids without a speaker, parentheses in the text."""
    (tmp_path / "a.trn").write_text(
        ";; a comment\n\n she  had\tyour (dark) suit  (cmh_sa01)\r\nb (a-b_c)\n(d)\n"
    )
    assert read_trn(tmp_path / "a.trn") == [
        Transcription("sa01", "she had your (dark) suit", "cmh"),
        Transcription("b_c", "b", "a"),
        Transcription("d", ""),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a (s-1)\nb\n", r"line 2: 'b' does not end in an id in parentheses"),
        ("a (s-1)\nb (s-1)\n", "line 2: a line before has the same id"),
        ("a { b / c } (s-1)\n", r"line 1: 'a { b / c }' holds alternatives"),
        ("a @ (s-1)\n", "line 1: 'a @' holds alternatives"),
        ("a (s-1) b\n", r"line 1: .* does not end in an id"),
    ],
)
def test_trn_files_that_cannot_be_scored(tmp_path, text, message):
    (tmp_path / "a.trn").write_text(text)
    with pytest.raises(InputError, match=rf"a\.trn, {message}"):
        read_trn(tmp_path / "a.trn")


def test_ids_of_a_speaker_are_unique(tmp_path):
    same = [Transcription("1", text, name) for text, name in ("as", "bs", "ct")]
    with pytest.raises(InputError, match=r"1 utterances .* the first is \(s-1\)"):
        write_trn(tmp_path / "a.trn", same)
    write_trn(tmp_path / "a.trn", same[1:])


def test_lines_of_an_stm_file_are_sorted_by_bytes_and_time(tmp_path):
    segments = [
        Segment("é", 0.0, 1.0, "a"),
        Segment("_", 10.0, 11.0, "<b> {c}", "s t"),
        Segment("_", 9.5, 10.0, ""),
        Segment("B", 0.0, 0.0004, "d"),
    ]
    write_stm(tmp_path / "a.stm", segments)
    assert (tmp_path / "a.stm").read_text(encoding="utf-8").splitlines() == [
        "B 1 unknown 0.000 0.000 d",
        "_ 1 unknown 9.500 10.000",
        "_ 1 s%20t 10.000 11.000 %3Cb%3E %7Bc%7D",
        "é 1 unknown 0.000 1.000 a",
    ]


def test_lines_of_a_ctm_file_are_sorted_by_bytes_and_time(tmp_path):
    words = {
        "é": [TimedWord("b;", 10.0, 0.5), TimedWord("a", 9.0, 0.25, 1.0)],
        "a": [TimedWord("d", 1.0, 1.0)],
        "Z z": [TimedWord("c", 0.0, 0.0, 0.12345)],
        "silent": [],
    }
    write_ctm(tmp_path / "a.ctm", words)
    assert (tmp_path / "a.ctm").read_text(encoding="utf-8").splitlines() == [
        "Z%20z 1 0.000 0.000 c 0.1235",
        "a 1 1.000 1.000 d",
        "é 1 9.000 0.250 a 1.0000",
        "é 1 10.000 0.500 b%3B",
    ]


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (TimedWord, ("", 0.0, 1.0)),
        (TimedWord, ("a", -0.1, 1.0)),
        (TimedWord, ("a", 0.0, -0.1)),
        (TimedWord, ("a", 0.0, float("nan"))),
        (TimedWord, ("a", 0.0, 1.0, 1.1)),
        (TimedWord, ("a", 0.0, 1.0, float("nan"))),
        (Segment, ("r", 1.0, 0.5, "a")),
        (Segment, ("r", -1.0, 0.5, "a")),
        (Segment, ("r", 0.0, float("inf"), "a")),
    ],
)
def test_times_and_confidences_make_sense(record, values):
    with pytest.raises(ValueError, match=record.__name__):
        record(*values)
