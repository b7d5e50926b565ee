"""``xlsr-sb score``: formats, tables, comparisons, and what does not fit together."""

import csv

import jiwer
import pytest

from tests.cli.commands import fails
from xlsr_sb.cli import main
from xlsr_sb.manifest import Utterance, write_manifest
from xlsr_sb.metrics import Transcription, write_trn

REFERENCES = ["a b c d", "e f", "g", "h i j"]
FIRST = ["a x c d", "e", "g", "h i j k"]
SECOND = ["a b c d", "e", "g", "h i j"]
SPEAKERS = ["ann", "ann", "bob", "bob"]


def lines(path, texts):
    """A text a line."""
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


def trn(path, texts):
    """NIST's file."""
    rows = zip("1234", texts, SPEAKERS, strict=True)
    write_trn(path, [Transcription(*row) for row in rows])
    return path


def manifest(path, texts):
    """One of ours."""
    rows = zip("1234", texts, SPEAKERS, ["fr", "fr", "it", "it"], strict=True)
    write_manifest(
        path,
        [
            Utterance(name, "a.wav", 1.0, wrd=text, spk_id=speaker, language=code)
            for name, text, speaker, code in rows
        ],
    )
    return path


WRITERS = {"txt": lines, "trn": trn, "csv": manifest}


def score(capsys, *argv):
    """Lines that the command prints."""
    main(["score", *map(str, argv)])
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("suffix", WRITERS)
def test_equal_to_jiwer(tmp_path, capsys, suffix):
    """From each kind of file, with the parts of the errors."""
    write = WRITERS[suffix]
    ref = write(tmp_path / f"ref.{suffix}", REFERENCES)
    hyp = write(tmp_path / f"hyp.{suffix}", FIRST)
    printed = score(capsys, ref, hyp, "--to", tmp_path / "scores.csv")
    wanted = jiwer.process_words(REFERENCES, FIRST)
    cells = next(line.split("\t") for line in printed if line.startswith("all\tWER"))
    assert cells[2:8] == ["4", "10", "3", "1", "1", "1"]
    assert [wanted.substitutions, wanted.deletions, wanted.insertions] == [1, 1, 1]
    assert float(cells[8]) == pytest.approx(100 * wanted.wer)
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    (cer,) = [r["value"] for r in rows if (r["group"], r["metric"]) == ("all", "CER")]
    assert float(cer) == pytest.approx(jiwer.cer(REFERENCES, FIRST), abs=1e-6)


def test_languages_and_speakers(tmp_path, capsys):
    """Languages always, speakers if they are asked for."""
    ref = manifest(tmp_path / "ref.csv", REFERENCES)
    hyp = manifest(tmp_path / "hyp.csv", FIRST)
    arguments = [ref, hyp, "--metric", "WER"]
    plain = [line.split("\t")[0] for line in score(capsys, *arguments)]
    assert plain == ["group", "fr", "it", "all"]
    all_of_them = score(capsys, *arguments, "--speakers")
    groups = [line.split("\t")[0] for line in all_of_them]
    assert groups == ["group", "fr", "it", "fr/ann", "it/bob", "all"]


def test_second_system(tmp_path, capsys):
    """Two errors fewer of ten words; it cannot be worse in any draw."""
    paths = [
        trn(tmp_path / f"{name}.trn", texts)
        for name, texts in (("r", REFERENCES), ("a", FIRST), ("b", SECOND))
    ]
    last = score(capsys, *paths, "--metric", "WER")[-1]
    assert last.startswith("second system: WER 10.00 %, -20.00 (95 % of the draws of ")
    assert "draws of utterances" in last  # two speakers are too few to draw from


def test_symbols(tmp_path, capsys):
    """PER counts what stands between spaces."""
    ref, hyp = lines(tmp_path / "r", ["t ɛ s"]), lines(tmp_path / "h", ["t e s t"])
    (_, *rows) = score(capsys, ref, hyp, "--metric", "PER")
    assert {row.split("\t")[1] for row in rows} == {"PER"}
    assert {row.split("\t")[4] for row in rows} == {"2"}


def test_missing_hypotheses(tmp_path, capsys):
    """An error that names them, or deletions; one too many is always an error."""
    ref = trn(tmp_path / "ref.trn", REFERENCES)
    hyp = tmp_path / "hyp.trn"
    hyp.write_text("a b c d (ann-1)\n")
    code, _, (message,) = fails(capsys, "score", ref, hyp)
    assert code == 2
    assert "3 utterances of" in message
    assert "ann 2, bob 3, bob 4; names" in message
    rows = score(capsys, ref, hyp, "--missing", "deleted", "--metric", "WER")
    assert rows[-1].split("\t")[3:8] == ["10", "6", "0", "6", "0"]
    _, _, (message,) = fails(capsys, "score", hyp, ref, "--missing", "deleted")
    assert f"3 utterances of {ref} are not in {hyp}" in message


def test_what_cannot_be_scored(tmp_path, capsys):
    """Files without text, and three systems."""
    ref, nothing = lines(tmp_path / "r", ["a"]), lines(tmp_path / "n", ["", " "])
    _, _, (message,) = fails(capsys, "score", nothing, ref)
    assert "holds no text" in message
    _, _, (message,) = fails(capsys, "score", ref, ref, ref, ref)
    assert "3 systems are given; two can be compared" in message
