"""``xlsr-sb bench`` as a user runs it, in small.

Seen to fail: a side that is asked for steps before the other is built, ours measured
beside the second peer with the weights that the first one left.
"""

import argparse
import csv

import pytest

from xlsr_sb.bench import Line, suite
from xlsr_sb.bench.lexicon_decoding import MODELS
from xlsr_sb.bench.processes import Worker, WorkerDiedError
from xlsr_sb.cli import bench, main
from xlsr_sb.errors import InputError
from xlsr_sb.results import read_rows
from xlsr_sb.results.comparison import comparison_table


def call(*argv):
    """Run the command with arguments."""
    parser = argparse.ArgumentParser()
    bench.add_to(parser.add_subparsers())
    arguments = parser.parse_args(["bench", *map(str, argv)])
    arguments.call(arguments)


def test_quick_run_of_the_encoder(tmp_path, capsys):
    """Both peers; a table, a CSV file, rows that a README shows."""
    table, results = tmp_path / "bench.csv", tmp_path / "RESULTS.csv"
    words = ["--quick", "--dtypes", "fp32", "--works", "plain"]
    words += ["--parts", "encoder", "--threads", "1", "--device", "cpu"]
    main(["bench", *words, "--csv", str(table), "--results", str(results)])
    out = capsys.readouterr().out
    with table.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    for peer in ("transformers", "torchaudio"):
        assert f"tiny, fp32 short training, no dropout, beside {peer}" in out
        mine = [line for line in lines if line["peer"] == peer]
        (difference,) = [x for x in mine if x["quantity"] == "largest difference"]
        assert 0 < float(difference["ours"]) < 1e-3
        (time,) = [line for line in mine if line["quantity"] == "time"]
        assert time["pairs"] == "1"
        expected = float(time["theirs"]) / float(time["ours"])
        assert float(time["ratio"]) == pytest.approx(expected)
    rows = read_rows(results)
    assert f"{results}: {len(rows)} rows added" in out
    assert {(row.recipe, row.hparams, row.device) for row in rows} == {
        ("bench", "tiny", "cpu, 1 threads")
    }
    assert rows[0].command == f"xlsr-sb bench {' '.join(words)}"
    assert "| fp32 short training, no dropout | transformers |" in comparison_table(
        rows
    )


def test_pretraining_beside_the_peer_that_has_it(capsys):
    """Checked, measured, and torchaudio is not asked."""
    words = ["--dtypes", "fp32", "--works", "pretraining", "--parts", "encoder"]
    call("--quick", *words, "--threads", 1, "--device", "cpu")
    out = capsys.readouterr().out
    assert "tiny, fp32 short pretraining, beside transformers\n  time " in out
    assert "pretraining, beside torchaudio" not in out


def test_translation_beside_the_peer_that_has_it(capsys, monkeypatch):
    """Each side alone in memory: built, asked and forgotten before the other is."""
    ask, asked = Worker.ask, []

    def noting(self, do, **arguments):
        asked.append((self.side, do))
        return ask(self, do, **arguments)

    monkeypatch.setattr(Worker, "ask", noting)
    words = ["--dtypes", "fp32", "--works", "translation", "--parts", "encoder"]
    call("--quick", *words, "--threads", 1, "--device", "cpu", "--pairs", 2)
    out = capsys.readouterr().out
    assert "tiny, fp32 short translation, beside transformers\n  time " in out
    assert "  peak memory  " in out
    assert "translation, beside torchaudio" not in out
    first = asked.index(("ours", "first_update")) - 1
    turn = ["build", "first_update", "settle", "step", "forget"]
    sides = ["ours", "transformers", "transformers", "ours"]
    expected = [(side, do) for side in sides for do in turn]
    assert asked[first : first + len(expected)] == expected


def test_translation_without_a_peer(capsys):
    """Time alone, as products are listed for the encoder only; and the beam search."""
    words = ["--dtypes", "fp32", "--works", "translation", "--threads", 1]
    words += ["--parts", "encoder,translating", "--device", "cpu"]
    call("--quick", *words, "--peers", "")
    _, alone = capsys.readouterr().out.split("\ntiny, fp32 short translation\n")
    time, search = alone.strip().split("\n\n")
    assert time.split()[:2] == ["time", "s"]
    assert len(time.splitlines()) == 1
    title = "translating, fp32 beam search, 4M decoder, 8 tokens, beside transformers"
    assert search.startswith(f"{title}\n  time  s ")


def test_loader_and_decoders(capsys):
    """Three kinds of files with 0 and 2 workers; greedy decoders and lexicons."""
    call("--quick", "--parts", "loader,decoding", "--threads", 1)
    out = capsys.readouterr().out
    for kind in ("FLAC 16 kHz", "MP3 48 kHz", "segments of a long FLAC"):
        for workers in (0, 2):
            assert f"loader, {kind}, {workers} workers, beside speechbrain" in out
    for peer in ("speechbrain", "transformers"):
        assert f"decoding, greedy CTC, beside {peer}" in out
    assert "decoding, greedy texts of 640 utterances of 1 to 3 s\n  time " in out
    for model in MODELS:
        assert f"lexicon, {model} model" in out
    assert out.count("  word error rate  %") >= len(MODELS)


def test_peers_that_are_missing_or_die_do_not_stop_the_others(monkeypatch, capsys):
    """Their lines say why; without any peer ours is measured alone."""
    ask, dead = Worker.ask, []

    def failing(self, do, **arguments):
        if self.side == "transformers" and do == "build":
            return {"absent": "transformers is not installed (no module)"}
        if self.side == "torchaudio" and do == "step":
            dead.append(self.side)
            self._process.kill()
            self._process.wait()
            raise WorkerDiedError("bench: torchaudio ended")
        return ask(self, do, **arguments)

    monkeypatch.setattr(Worker, "ask", failing)
    words = ["--dtypes", "fp32", "--works", "inference", "--parts", "encoder"]
    call("--quick", *words, "--threads", 1, "--device", "cpu")
    out = capsys.readouterr().out
    assert "transformers is not installed (no module)" in out
    assert "bench: torchaudio ended" in out
    assert dead == ["torchaudio"]
    _, alone = out.split("\ntiny, fp32 short inference\n")
    assert alone.split()[:2] == ["time", "s"]


def test_what_was_measured_before_an_error_is_kept(monkeypatch, tmp_path, capsys):
    """The table is printed and written, then the error is told."""

    def breaking(settings, report):
        report(settings.sizes[0])
        yield Line("tiny", "fp32", "time", "s", ours=0.5)
        raise InputError("bench: features of torchaudio and ours differ")

    monkeypatch.setattr("xlsr_sb.bench.run_bench", breaking)
    table, results = tmp_path / "bench.csv", tmp_path / "RESULTS.csv"
    with pytest.raises(InputError, match="features of torchaudio"):
        call("--csv", table, "--results", results, "--device", "cpu")
    assert "0.500" in capsys.readouterr().out
    assert len(table.read_text().splitlines()) == 2
    assert not results.exists()


def test_options_become_settings(monkeypatch, capsys):
    """And --quick gives way to what is said."""
    asked = []

    def noting(settings, report):
        report("nothing")
        asked.append(settings)
        return iter(())

    monkeypatch.setattr("xlsr_sb.bench.run_bench", noting)
    call("--quick", "--sizes", "tiny, 1b", "--device", "cpu", "--peers", "")
    (settings,) = asked
    assert settings.sizes == ["tiny", "1b"]
    assert (settings.batches, settings.pairs, settings.peers) == (["short"], 1, [])
    assert settings.quick
    call("--device", "cpu")
    assert asked[1] == suite.Settings(device="cpu")
    assert capsys.readouterr().err == "nothing\nnothing\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sizes", "3b"], "sizes has '3b'"),
        (["--pairs", "0"], "pairs is 0"),
        (["--csv", "{folder}/none/a.csv"], "none/a.csv: its folder does not exist"),
        (["--results", "{folder}"], "is a folder; name a file"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(words, message, tmp_path):
    with pytest.raises(InputError, match=message):
        call(*(word.format(folder=tmp_path) for word in words), "--device", "cpu")
