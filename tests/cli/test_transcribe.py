"""``xlsr-sb transcribe``: what is printed, what is written, how it ends."""

import pytest

from tests.cli.commands import fails
from tests.finished_run import VOCABULARY, noise
from xlsr_sb.cli import main, transcribe
from xlsr_sb.errors import InputError
from xlsr_sb.export import load_transcriber


def test_exported_recogniser_transcribes_as_its_run(run, recordings, tmp_path, capsys):
    """Lines come in the order of the files."""
    target = tmp_path / "exported"
    main(["export", str(run), str(target)])
    assert f"exported to {target}" in capsys.readouterr().out
    main(["transcribe", str(run), *recordings])
    of_run = capsys.readouterr().out
    main(["transcribe", str(target), *recordings])
    assert capsys.readouterr().out == of_run
    lines = [line.split("\t") for line in of_run.splitlines()]
    assert [path for path, _ in lines] == recordings
    assert all(set(text) <= {*VOCABULARY.tokens, "⁇"} for _, text in lines)


@pytest.mark.parametrize("seconds", [0.1, 2.0, 60.0])
def test_batches_are_bounded_in_seconds(run, recordings, monkeypatch, capsys, seconds):
    """What is written does not depend on it; a long recording has its own batch."""
    sizes = []
    of_class = load_transcriber(run).__class__.transcribe

    def counted(self, waveforms):
        sizes.append(sum(map(len, waveforms)) / 16_000)
        return of_class(self, waveforms)

    monkeypatch.setattr("xlsr_sb.export.Transcriber.transcribe", counted)
    monkeypatch.setattr(transcribe, "SECONDS_PER_BATCH", seconds)
    main(["transcribe", str(run), *recordings])
    assert len(capsys.readouterr().out.splitlines()) == 3
    expected = {0.1: [0.5625, 1.875, 1.0], 2.0: [0.5625, 1.875, 1.0], 60.0: [3.4375]}
    assert sizes == expected[seconds]


def test_texts_do_not_depend_on_batches(run, recordings, monkeypatch, capsys):
    """A file alone = the file among others."""
    main(["transcribe", str(run), *recordings])
    together = capsys.readouterr().out
    monkeypatch.setattr(transcribe, "SECONDS_PER_BATCH", 0.0)
    main(["transcribe", str(run), *recordings])
    assert capsys.readouterr().out == together
    main(["transcribe", str(run), recordings[1]])
    assert capsys.readouterr().out == together.splitlines(keepends=True)[1]


def test_bad_files_do_not_stop_the_others(run, recordings, tmp_path, capsys):
    """One line each on the error stream, and exit code 1."""
    short = noise(tmp_path / "short.wav", 399)
    (tmp_path / "text.wav").write_text("no audio")
    bad = [tmp_path / "none.wav", short, tmp_path / "text.wav", tmp_path]
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


def test_error_of_several_lines_is_shown_on_one(run, tmp_path, capsys, monkeypatch):
    """As those of PyTorch are."""

    def fail(_):
        raise InputError("weights:\n\tsize mismatch\n\tfor head")

    monkeypatch.setattr(transcribe, "load_transcriber", fail)
    code, _, errors = fails(capsys, "transcribe", run, tmp_path)
    assert (code, errors) == (2, ["error: weights: size mismatch for head"])


def test_loading_does_not_change_a_run(run):
    """Nothing is written into its folder."""
    before = sorted(run.rglob("*"))
    load_transcriber(run)
    assert sorted(run.rglob("*")) == before
