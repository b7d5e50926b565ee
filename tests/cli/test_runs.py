"""``xlsr-sb results`` and ``report``: what is done with finished runs."""

import json

import pytest

from tests.cli.commands import fails
from tests.finished_run import finished_run, result
from xlsr_sb.cli import main, runs
from xlsr_sb.manifest import Utterance, write_manifest
from xlsr_sb.results import append_rows, read_rows

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
    learning_curve = runs.learning_curve

    def kept(*args, **options):
        drawn.append(options)
        learning_curve(*args, **options)

    monkeypatch.setattr(runs, "learning_curve", kept)
    picture = run / "learning_curve.png"
    main(["report", str(run)])
    assert capsys.readouterr().out == f"learning curve: {picture}\n"
    assert picture.read_bytes()[1:4] == b"PNG"
    assert drawn == [{"constant_rate": 2 / 5}]  # "oui" for "oui" and "où"


@pytest.mark.parametrize(("compared", "rate"), [(None, 1 / 3), ("test", 1 / 2)])
def test_a_run_of_classes_has_a_constant_answer(tmp_path, monkeypatch, compared, rate):
    """The most frequent class of a set; not of the one that is scored by trials."""
    clips = [
        Utterance(f"{name}{place}", "a.wav", 1.0, spk_id=name)
        for place, name in enumerate(("ann", "bob", "ann"))
    ]
    splits = {"train": clips, "dev": clips, "test": clips, "other": clips[:2]}
    for name, part in splits.items():
        write_manifest(tmp_path / "manifests" / f"{name}.csv", part)
    (tmp_path / "manifests" / "prepared.json").write_text(
        json.dumps({"splits": list(splits)})
    )
    trials = "" if compared is None else f"trials:\n  split: {compared}\n"
    (tmp_path / "hyperparams.yaml").write_text(f"data:\n  classes: speaker\n{trials}")
    (tmp_path / "learning_curve.csv").write_text(
        "update,train_nll,valid_nll,train_ERR,ERR\n1,3.0,2.0,1.0,0.5\n"
    )
    drawn = {}
    monkeypatch.setattr(runs, "learning_curve", lambda *_, **how: drawn.update(how))
    main(["report", str(tmp_path)])
    assert drawn == {"constant_rate": rate}


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
