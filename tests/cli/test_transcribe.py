"""``xlsr-sb transcribe``: what is printed, what is written, how it ends.

Seen to fail: what is there already made again; one format of two taken for all; files
that appear half written; a table without what was there; errors that are not counted;
arguments of a decoder passed over.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.commands import fails
from tests.finished_run import VOCABULARY, finished_run, noise
from tests.fixtures import ENVIRONMENT
from xlsr_sb.cli import main, transcribe
from xlsr_sb.data.audio import load_audio
from xlsr_sb.decoders.settings import DecoderSettings
from xlsr_sb.errors import InputError
from xlsr_sb.export import Transcriber, load_transcriber
from xlsr_sb.transcription import transcribing

FORMATS = ("txt", "json", "srt", "vtt", "ctm", "textgrid")
KILLED = """
import os, signal, sys
from xlsr_sb.transcription import folder
from xlsr_sb.cli import main

written, calls = folder.written, iter(range(1, 100))

def dying(*arguments):
    if next(calls) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return written(*arguments)

folder.written = dying
main(sys.argv[2:])
"""


@pytest.fixture
def speech(tmp_path):
    """Folder of five recordings in folders of its own, one of them long."""
    folder = tmp_path / "speech"
    lengths = {"b.wav": 9_000, "x/a.wav": 30_000, "x/b.wav": 16_000}
    lengths |= {"x/y/long.wav": 100_000, "z.wav": 400}
    for name, count in lengths.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise(folder / name, count, seed=count)
    return folder


def contents(folder):
    """Text of all files that are not hidden, by path inside of the folder."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("[!.]*")
        if path.is_file()
    }


def run_main(*argv):
    """Run the command."""
    main(["transcribe", *map(str, argv)])


# Lines


def test_exported_recogniser_transcribes_as_its_run(run, recordings, tmp_path, capsys):
    """Lines come in the order of the files."""
    target = tmp_path / "exported"
    main(["export", str(run), str(target)])
    assert f"exported to {target}" in capsys.readouterr().out
    run_main(run, *recordings)
    of_run = capsys.readouterr().out
    run_main(target, *recordings)
    assert capsys.readouterr().out == of_run
    lines = [line.split("\t") for line in of_run.splitlines()]
    assert [path for path, _ in lines] == recordings
    assert all(set(text) <= {*VOCABULARY.tokens, "⁇"} for _, text in lines)


@pytest.mark.parametrize("seconds", [0.1, 2.0, 60.0])
def test_batches_are_bounded_in_seconds(run, recordings, monkeypatch, capsys, seconds):
    """What is written does not depend on it."""
    sizes = []
    of_class = Transcriber.log_probs

    def counted(self, waveforms):
        sizes.append(sum(map(len, waveforms)) / 16_000)
        return of_class(self, waveforms)

    monkeypatch.setattr(Transcriber, "log_probs", counted)
    monkeypatch.setattr(transcribing, "SECONDS_PER_BATCH", seconds)
    run_main(run, *recordings)
    assert len(capsys.readouterr().out.splitlines()) == 3
    expected = {0.1: [0.5625, 1.875, 1.0], 2.0: [0.5625, 1.875, 1.0], 60.0: [3.4375]}
    assert sizes == expected[seconds]


def test_texts_do_not_depend_on_batches(run, recordings, monkeypatch, capsys):
    """A file alone = the file among others."""
    run_main(run, *recordings)
    together = capsys.readouterr().out
    monkeypatch.setattr(transcribing, "SECONDS_PER_BATCH", 0.0)
    run_main(run, *recordings)
    assert capsys.readouterr().out == together
    run_main(run, recordings[1])
    assert capsys.readouterr().out == together.splitlines(keepends=True)[1]


def test_bad_files_do_not_stop_the_others(run, recordings, tmp_path, capsys):
    """One line each on the error stream, and exit code 1."""
    short = noise(tmp_path / "short.wav", 399)
    (tmp_path / "text.wav").write_text("no audio")
    bad = [tmp_path / "none.wav", short, tmp_path / "text.wav"]
    table = tmp_path / "texts.csv"
    argv = [bad[0], recordings[0], *bad[1:], *recordings[1:], "--csv", table]
    code, out, errors = fails(capsys, "transcribe", run, *argv)
    assert code == 1
    assert [line.split("\t")[0] for line in out.splitlines()] == recordings
    assert len(errors) == len(bad)
    for path, error in zip(bad, errors, strict=True):
        assert error.startswith(f"error: {path}")
    assert "399 samples at 16000 Hz; at least 400" in errors[1]
    header, *rows = table.read_text(encoding="utf-8").splitlines()
    assert header == "path,text"
    assert rows == [line.replace("\t", ",") for line in out.splitlines()]


def test_only_bad_files(run, tmp_path, capsys):
    """Nothing is transcribed, and nothing else breaks."""
    code, out, errors = fails(capsys, "transcribe", run, tmp_path / "none.wav")
    assert (code, out, len(errors)) == (1, "", 1)


def test_json_lines(run, speech, capsys):
    """One object a recording, with the times of words; long ones in chunks as well."""
    options = ["--format", "json", "--context", "recording", "--chunk-seconds", "2"]
    run_main(run, speech, *options)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["name"] for one in found] == ["b", "x/a", "x/b", "x/y/long", "z"]
    waveforms = [load_audio(one["audio"]) for one in found]
    texts = load_transcriber(run).transcribe(waveforms)
    assert [one["text"] for one in found] == texts
    assert [one["seconds"] for one in found] == [len(w) / 16_000 for w in waveforms]
    for one in found:
        assert all(0 <= w["start"] < w["end"] <= one["seconds"] for w in one["words"])
    assert len(found[3]["words"]) > 5


def test_table_of_known_texts(run, tmp_path, capsys):
    """A manifest's segments are found under their IDs, and its texts in them."""
    noise(tmp_path / "a.wav", 60_000)
    table = tmp_path / "a.csv"
    table.write_text("ID,wav,start,stop,wrd\n1,a.wav,0,40000,C'est!\n2,a.wav,,,\n")
    run_main(run, table, "--format", "json", "--text", "wrd")
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert [(one["name"], one["text"]) for one in (first, second)] == [
        ("1", "C'est!"),
        ("2", ""),
    ]
    assert [word["text"] for word in first["words"]] == ["C'est!"]
    assert (first["seconds"], second["words"]) == (2.5, [])


# Files


def test_files_in_mirrored_folders(run, speech, tmp_path, capsys):
    """In all formats, each as what is printed."""
    run_main(run, speech, "--format", "json")
    lines = capsys.readouterr().out.splitlines()
    known = {one["name"]: one for one in map(json.loads, lines)}
    out = tmp_path / "out"
    run_main(run, speech, "--output", out, "--format", *FORMATS)
    assert "5 transcribed, 0 there already, 0 cannot be read" in capsys.readouterr().out
    found = contents(out)
    suffixes = (".txt", ".json", ".srt", ".vtt", ".ctm", ".TextGrid")
    assert found.keys() == {f"{name}{end}" for name in known for end in suffixes}
    for name, one in known.items():
        assert json.loads(found[f"{name}.json"]) == one
        assert found[f"{name}.txt"] == one["text"] + "\n"
        assert found[f"{name}.ctm"].count("\n") == len(one["words"])
        assert found[f"{name}.srt"].count(" --> ") == found[f"{name}.vtt"].count("-->")
        assert f"xmax = {one['seconds']:g}" in found[f"{name}.TextGrid"]


def test_what_is_there_is_left(run, speech, tmp_path, capsys, monkeypatch):
    """Only what is new, or not there in all formats, is transcribed."""
    out, table = tmp_path / "out", tmp_path / "a.csv"
    argv = [run, speech, "--output", out, "--format", "txt", "vtt", "--csv", table]
    run_main(*argv)
    first, rows = contents(out), table.read_text()
    assert rows.count("\n") == 6
    (out / "x" / "a.vtt").unlink()
    (out / "b.txt").write_text("mended by hand\n")
    noise(speech / "new.wav", 12_000)
    taken = []
    of_class = transcribing.Transcription.transcripts

    def counted(self, recordings):
        taken.extend(one.name for one in recordings)
        return of_class(self, recordings)

    monkeypatch.setattr(transcribing.Transcription, "transcripts", counted)
    run_main(*argv)
    assert taken == ["new", "x/a"]
    assert "2 transcribed, 4 there already, 0 cannot" in capsys.readouterr().out
    second = contents(out)
    assert second["b.txt"] == "mended by hand\n"
    assert {name: second[name] for name in first} == first | {"b.txt": second["b.txt"]}
    assert second.keys() - first.keys() == {"new.txt", "new.vtt"}
    texts = [line.split(",", 1) for line in table.read_text().splitlines()[1:]]
    assert [Path(path).stem for path, _ in texts] == ["b", "new", "a", "b", "long", "z"]
    assert texts[0][1] == "mended by hand"


def test_other_settings_are_not_mixed_in(run, speech, tmp_path, capsys):
    """Another model, or the same that computes otherwise, needs another folder."""
    out = tmp_path / "out"
    run_main(run, speech / "b.wav", "--output", out)
    other = finished_run(tmp_path / "other")
    run_main(other, speech / "b.wav", "--output", out)  # the same weights elsewhere
    (other / "vocabulary.txt").write_text(
        (other / "vocabulary.txt").read_text().replace("f", "g")
    )
    for argv in (
        [other, "--output", out],
        [run, "--output", out, "--chunk-seconds", "20"],
        [run, "--output", out, "--context", "recording"],
        [run, "--output", out, "--line-characters", "30"],
    ):
        code, _, errors = fails(capsys, "transcribe", argv[0], speech, *argv[1:])
        assert (code, len(errors)) == (2, 1)
        assert "holds transcripts made with" in errors[0]
    assert contents(out).keys() == {"b.txt"}


def test_killed_and_started_again(run, speech, tmp_path, capsys):
    """At any file: as if never killed, and nothing is ever there in part."""
    argv = [run, speech, "--format", "txt", "json", "srt", "--output"]
    run_main(*argv, tmp_path / "whole")
    whole = contents(tmp_path / "whole")
    assert len(whole) == 15
    out = tmp_path / "killed"
    calls = 8  # the second file of the third recording
    command = [sys.executable, "-c", KILLED, str(calls), "transcribe", *argv, out]
    ended = subprocess.run(
        list(map(str, command)), env={**os.environ, **ENVIRONMENT}, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    part = contents(out)
    assert len(part) == calls - 1
    assert part.items() <= whole.items()
    capsys.readouterr()
    run_main(*argv, out)
    assert "3 transcribed, 2 there already" in capsys.readouterr().out
    assert contents(out) == whole


def test_damaged_files_are_counted(run, speech, tmp_path, capsys):
    """They are tried again each time; what could be read is left."""
    samples = 0.2 * np.random.default_rng(0).standard_normal(40_000)
    soundfile.write(speech / "cut.flac", samples, 16_000)
    whole = (speech / "cut.flac").read_bytes()
    (speech / "cut.flac").write_bytes(whole[:20_000])
    (speech / "old.m4a").write_bytes(b"ftypM4A ")
    argv = ["transcribe", run, speech, "--output", tmp_path / "out"]
    for numbers in ((5, 0), (0, 5)):
        code, out, errors = fails(capsys, *argv)
        assert code == 1
        assert (
            "{} transcribed, {} there already, 2 cannot be read".format(*numbers) in out
        )
        assert [error.split(":")[0] for error in errors] == ["error", "error"]
        assert "cut.flac" in errors[0]
        assert "old.m4a" in errors[1]
    (speech / "cut.flac").write_bytes(whole)
    (speech / "old.m4a").unlink()
    main([str(word) for word in argv])
    assert "1 transcribed, 5 there already, 0 cannot" in capsys.readouterr().out


def test_a_thousand_short_files(run, tmp_path, capsys, monkeypatch):
    """In few batches."""
    samples = np.random.default_rng(0).standard_normal(400 + 1_000).astype("float32")
    for number in range(1000):
        path = tmp_path / "in" / f"{number % 7}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples[number : number + 400], 16_000, subtype="FLOAT")
    sizes = []
    of_class = Transcriber.log_probs

    def counted(self, waveforms):
        sizes.append(len(waveforms))
        return of_class(self, waveforms)

    monkeypatch.setattr(Transcriber, "log_probs", counted)
    monkeypatch.setattr("os.fsync", lambda _: None)
    run_main(run, tmp_path / "in", "--output", tmp_path / "out")
    assert sizes == [1000]  # 25 seconds
    assert "1000 transcribed" in capsys.readouterr().out
    assert len(contents(tmp_path / "out")) == 1000


# Decoders


def test_decoder_of_the_model(run, recordings, tmp_path, capsys):
    """That which tune-lm left; another one, if it is asked for."""
    pytest.importorskip("flashlight.lib.text")
    words = [a + b for a in "cefinsté" for b in ["", *"cefinsté"]]
    (tmp_path / "words.txt").write_text("\n".join(words))
    folder = finished_run(tmp_path / "tuned")
    settings = DecoderSettings(kind="lexicon", lexicon=str(tmp_path / "words.txt"))
    run_main(run, *recordings)
    greedy = capsys.readouterr().out
    settings.save(folder, tuning={})
    run_main(folder, *recordings)
    tuned = capsys.readouterr().out
    found = {
        word for line in tuned.splitlines() for word in line.split("\t")[1].split()
    }
    assert len(found) > 3
    assert found <= set(words)
    run_main(folder, *recordings, "--decoder", "greedy")
    assert capsys.readouterr().out == greedy
    argv = ["--decoder", "lexicon", "--lexicon", tmp_path / "words.txt"]
    run_main(run, *recordings, *argv)
    assert capsys.readouterr().out == tuned
    run_main(run, *recordings, *argv, "--format", "json", "--word-score", "-9")
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counts = [len(one["words"]) for one in objects]
    assert counts == [len(one["text"].split()) for one in objects]
    assert sum(counts) < len(tuned.split()) - len(recordings)  # dear words: fewer


# What cannot be done


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--format", "srt"], "--format srt needs a folder: --output FOLDER"),
        (["--format", "txt", "json"], "several formats need a folder"),
        (
            ["--format", "srt", "--output", "{out}", "--csv", "a.csv"],
            "--csv beside --output needs txt or json among the formats",
        ),
        (["--text", "wrd"], "--text wrd: "),
        (["--lm", "a.arpa"], "--lm means nothing to a greedy decoder; add --decoder"),
        (["--decoder", "greedy", "--beam-size", "9"], "--beam-size means nothing"),
        (["--chunk-seconds", "0"], "chunk_seconds must be at least"),
        (["--line-characters", "1"], "line-characters must be at least 2"),
    ],
)
def test_arguments_that_do_not_go_together(
    run, recordings, tmp_path, argv, message, capsys
):
    """They are refused, and nothing is made."""
    out = tmp_path / "out"
    argv = [word.format(out=out) for word in argv]
    code, printed, errors = fails(capsys, "transcribe", run, recordings[0], *argv)
    assert (code, printed, len(errors)) == (2, "", 1)
    assert errors[0].startswith(f"error: {message}")
    assert not out.exists()


def test_decoder_for_a_known_text(run, tmp_path, capsys):
    """There is nothing to search for."""
    table = tmp_path / "a.csv"
    table.write_text("wav,wrd\na.wav,oui\n")
    argv = ["transcribe", run, table, "--text", "wrd", "--decoder", "beam"]
    code, _, errors = fails(capsys, *argv)
    assert code == 2
    assert "leave --decoder away" in errors[0]


def test_two_recordings_of_one_name(run, speech, tmp_path, capsys):
    """They would be written to the same file."""
    argv = [speech / "b.wav", speech / "x" / "b.wav", "--output", tmp_path / "out"]
    code, _, errors = fails(capsys, "transcribe", run, *argv)
    assert code == 2
    assert "x/b.wav would both be written to b.*" in errors[0]
    assert not (tmp_path / "out").exists()


def test_table_that_cannot_be_written(run, recordings, tmp_path, capsys):
    """It is known before hours are spent."""
    argv = ["transcribe", run, *recordings, "--csv", tmp_path / "a.wav" / "b.csv"]
    code, out, errors = fails(capsys, *argv)
    assert (code, out, len(errors)) == (2, "", 1)
    assert "cannot be written" in errors[0]


def test_source_that_is_no_recogniser(recordings, tmp_path, capsys):
    """One line, exit code 2."""
    code, out, errors = fails(capsys, "transcribe", tmp_path, *recordings)
    assert (code, out, len(errors)) == (2, "", 1)
    assert errors[0].startswith(f"error: {tmp_path} is neither")


def test_error_of_several_lines_is_shown_on_one(run, recordings, capsys, monkeypatch):
    """As those of PyTorch are."""

    def fail(_, **options):
        assert options == {"language": None}
        raise InputError("weights:\n\tsize mismatch\n\tfor head")

    monkeypatch.setattr(transcribe, "load_transcriber", fail)
    code, _, errors = fails(capsys, "transcribe", run, *recordings)
    assert (code, errors) == (2, ["error: weights: size mismatch for head"])


def test_loading_does_not_change_a_run(run):
    """Nothing is written into its folder."""
    before = sorted(run.rglob("*"))
    load_transcriber(run)
    assert sorted(run.rglob("*")) == before
