"""``xlsr-sb`` as users call it: what is printed, what is written, how it ends."""

import importlib.metadata
import re

import pytest

from tests.finished_run import VOCABULARY, finished_run, noise, result
from xlsr_sb import cli
from xlsr_sb.cli import main
from xlsr_sb.export import load_transcriber
from xlsr_sb.results import append_rows, read_rows


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a finished run."""
    return finished_run(tmp_path_factory.mktemp("runs") / "toy")


@pytest.fixture
def recordings(tmp_path):
    """Paths of three recordings, the second the longest."""
    lengths = {"b.wav": 9_000, "a.wav": 30_000, "c.wav": 16_000}
    return [str(noise(tmp_path / name, n, seed=n)) for name, n in lengths.items()]


def fails(capsys, *argv) -> tuple[int, str, list[str]]:
    """Exit code, output and lines on the error stream of a command that fails."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in argv])
    out, err = capsys.readouterr()
    return end.value.code, out, err.splitlines()


# export and transcribe


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
    transcribe = cli.load_transcriber(run).__class__.transcribe

    def counted(self, waveforms):
        sizes.append(sum(map(len, waveforms)) / 16_000)
        return transcribe(self, waveforms)

    monkeypatch.setattr("xlsr_sb.export.Transcriber.transcribe", counted)
    monkeypatch.setattr(cli, "SECONDS_PER_BATCH", seconds)
    main(["transcribe", str(run), *recordings])
    assert len(capsys.readouterr().out.splitlines()) == 3
    expected = {0.1: [0.5625, 1.875, 1.0], 2.0: [0.5625, 1.875, 1.0], 60.0: [3.4375]}
    assert sizes == expected[seconds]


def test_texts_do_not_depend_on_batches(run, recordings, monkeypatch, capsys):
    """A file alone = the file among others."""
    main(["transcribe", str(run), *recordings])
    together = capsys.readouterr().out
    monkeypatch.setattr(cli, "SECONDS_PER_BATCH", 0.0)
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
        raise cli.InputError("weights:\n\tsize mismatch\n\tfor head")

    monkeypatch.setattr(cli, "load_transcriber", fail)
    code, _, errors = fails(capsys, "transcribe", run, tmp_path)
    assert (code, errors) == (2, ["error: weights: size mismatch for head"])


# results


def test_results_are_added_once(run, tmp_path, capsys):
    """Of several runs in one step; again is refused, and the file stays as it was."""
    other = finished_run(tmp_path / "other", seed=2)
    table = tmp_path / "RESULTS.csv"
    main(["results", "add", str(run), "--to", str(table)])
    assert capsys.readouterr().out == f"{table}: 3 rows added\n"
    code, _, errors = fails(capsys, "results", "add", other, run, "--to", table)
    assert code == 2
    assert f"{table} has results of {run} already" in errors[0]
    assert read_rows(table) == read_rows(run / "results.csv")
    main(["results", "add", str(other), "--to", str(table)])
    both = [row for part in (run, other) for row in read_rows(part / "results.csv")]
    assert read_rows(table) == both


def test_a_run_given_twice_is_refused(run, tmp_path, capsys):
    """Nothing is written."""
    table = tmp_path / "RESULTS.csv"
    code, _, errors = fails(capsys, "results", "add", run, run, "--to", table)
    assert (code, len(errors)) == (2, 1)
    assert not table.exists()


def test_results_of_a_folder_without_results(tmp_path, capsys):
    """The message names the file that is missing."""
    code, _, errors = fails(capsys, "results", "add", tmp_path)
    assert (code, len(errors)) == (2, 1)
    assert str(tmp_path / "results.csv") in errors[0]


def test_results_are_added_to_the_current_folder(run, tmp_path, monkeypatch, capsys):
    """Where a user of the collection keeps RESULTS.csv."""
    monkeypatch.chdir(tmp_path)
    main(["results", "add", str(run)])
    main(["results", "show"])
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "RESULTS.csv: 3 rows added"
    assert out[1:] == [
        *["group  clips  CER %", "fr         1   25.0"],
        *["no         1   25.0", "all        1   25.0"],
    ]


def test_last_results_are_shown(tmp_path, capsys):
    """Of each leaf and split."""
    table = tmp_path / "all.csv"
    rows = [result(1), result(2, value=0.5), result(1, hparams="big.yaml", value=0.1)]
    append_rows(table, rows)
    main(["results", "show", str(table)])
    assert capsys.readouterr().out.splitlines() == [
        "hparams   group  clips  CER %",
        "toy.yaml  fr         1   50.0",
        "big.yaml  fr         1   10.0",
    ]
    append_rows(tmp_path / "none.csv", [])
    main(["results", "show", str(tmp_path / "none.csv")])
    assert "no rows yet" in capsys.readouterr().out


def test_tables_of_readmes_are_rendered(tmp_path, capsys):
    """All marked ones; a README that is missing is named."""
    table, readme = tmp_path / "RESULTS.csv", tmp_path / "README.md"
    append_rows(table, [result()])
    readme.write_text("<!-- results:hparams=toy.yaml -->old<!-- /results -->")
    main(["results", "readme", str(readme), "--results", str(table)])
    assert capsys.readouterr().out == f"{readme}: 1 tables\n"
    assert "| fr | 1 | 25.0 |" in readme.read_text()
    missing = tmp_path / "none.md"
    code, _, errors = fails(capsys, "results", "readme", missing, "--results", table)
    assert (code, errors) == (2, [f"error: {missing}: there is no such file"])


# report


def test_learning_curve_is_drawn_again(run, monkeypatch, capsys):
    """With the line of the best constant output, as after the training."""
    drawn = []
    learning_curve = cli.learning_curve

    def kept(*args, **options):
        drawn.append(options)
        learning_curve(*args, **options)

    monkeypatch.setattr(cli, "learning_curve", kept)
    picture = run / "learning_curve.png"
    main(["report", str(run)])
    assert capsys.readouterr().out == f"learning curve: {picture}\n"
    assert picture.read_bytes()[1:4] == b"PNG"
    assert drawn == [{"constant_cer": 2 / 5}]  # "oui" for "oui" and "où"


def test_learning_curve_without_manifests(tmp_path):
    """Somebody removed them to save space: there is no line, but a picture."""
    (tmp_path / "learning_curve.csv").write_text(
        "update,train_loss,valid_loss,WER,CER\n1,3.0,2.0,1.0,0.5\n"
    )
    main(["report", str(tmp_path)])
    assert (tmp_path / "learning_curve.png").exists()


def test_report_of_no_run(tmp_path, capsys):
    """One line, exit code 2."""
    code, _, errors = fails(capsys, "report", tmp_path)
    assert (code, len(errors)) == (2, 1)
    assert "no such learning curve" in errors[0]


# The command line itself


@pytest.mark.parametrize(
    "argv", [[], ["results"], ["export", "run"], ["transcribe", "run"], ["convert"]]
)
def test_wrong_calls_end_with_usage(argv, capsys):
    """And exit code 2."""
    code, _, errors = fails(capsys, *argv)
    assert code == 2
    assert errors[0].startswith("usage: xlsr-sb")


def test_help_lists_the_documented_commands(capsys):
    """What the module says is there, and nothing else."""
    documented = set(re.findall(r"^ *xlsr-sb (\w+)", cli.__doc__, re.MULTILINE))
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = set(re.findall(r"^    (\w+)", capsys.readouterr().out, re.MULTILINE))
    assert shown == documented
    assert len(shown) == 4


def test_entry_point_is_this_function():
    """As setup.py installs it."""
    (entry,) = importlib.metadata.entry_points(name="xlsr-sb")
    assert entry.load() is main


def test_loading_does_not_change_a_run(run):
    """Nothing is written into its folder."""
    before = sorted(run.rglob("*"))
    load_transcriber(run)
    assert sorted(run.rglob("*")) == before
