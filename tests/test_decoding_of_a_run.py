"""A finished run is scored again with a language model, as a user would do it.

The language model is of the training transcripts. The model has learnt next to nothing,
but the way is the whole one: train, ``build-lm``, ``tune-lm``, the same command again.
"""

import json
import shutil
from itertools import chain

import pytest

from tests.corpus import WORDS
from tests.fixtures import OWN_SPEECH
from xlsr_sb.cli import main
from xlsr_sb.results import read_rows

SMALL = ["--optim.num_updates", "3", "--optim.validate_every_updates", "3"]
SMALL += ["--data.num_workers", "0", "--optim.head_lr", "1e-2"]


@pytest.fixture(scope="module")
def trained(launcher, corpus, encoder_folder, tmp_path_factory):
    """Command of a finished run, and its folder."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    command = ["hparams/tiny.yaml", *corpus.options, *SMALL]
    command += ["--encoder.source", str(encoder_folder), "--output_folder", str(folder)]
    run = launcher.start(*command, folder=OWN_SPEECH)
    assert run.wait() == 0, run.err
    lm = folder / "lm.arpa"
    train = folder / "manifests" / "train.csv"
    main(["build-lm", str(train), "--to", str(lm), "--order", "2"])
    return command, folder, lm


def test_untuned(trained, launcher):
    """Before anything was tuned; nothing is trained or lost by it."""
    command, folder, _ = trained
    before = read_rows(folder / "results.csv")
    run = launcher.start(*command, "--decoder.kind", "tuned", folder=OWN_SPEECH)
    assert run.wait() == 2
    assert run.err.count("error: decoder.kind is tuned") == 1
    assert read_rows(folder / "results.csv") == before


def test_scores_of_several_decoders(trained, launcher):
    """Each has rows and files of its own; the greedy ones stay as they were."""
    command, folder, lm = trained
    greedy = {path.name: path.read_bytes() for path in folder.glob("*test*")}
    assert {"report_test.txt", "test.scores.csv", "test.hyp.trn"} <= greedy.keys()
    before = read_rows(folder / "results.csv")
    dev = folder / "manifests" / "dev.csv"
    main(["tune-lm", str(folder), str(dev), "--lm", str(lm), "--trials", "4"])
    for kind, options in {
        "lexicon": ["--decoder.lm", str(lm), "--decoder.lm_weight", "1"],
        "tuned": [],
        "beam": ["--decoder.beam_size", "10"],
    }.items():
        words = [*command, "--decoder.kind", kind, *options]
        run = launcher.start(*words, folder=OWN_SPEECH)
        assert run.wait() == 0, run.err
        assert (folder / f"report_test.{kind}.txt").exists()
    rows = read_rows(folder / "results.csv")
    commands = list(dict.fromkeys(row.command for row in rows))
    assert [one.count("--decoder.kind") for one in commands] == [0, 1, 1, 1]
    assert rows[: len(before)] == before
    assert len(rows) == 4 * len(before)
    assert {name: (folder / name).read_bytes() for name in greedy} == greedy
    known = json.loads((folder / "decoder.json").read_text())
    assert known["settings"]["lm"] == "lm.arpa"  # moves with the folder
    words = {word for row in _hypotheses(folder, "tuned") for word in row.split()}
    assert words <= set(chain(*WORDS.values()))
    again = launcher.start(*command, "--decoder.kind", "tuned", folder=OWN_SPEECH)
    assert again.wait() == 0, again.err
    scores = [(row.command, row.value) for row in read_rows(folder / "results.csv")]
    assert sorted(scores) == sorted((row.command, row.value) for row in rows)


def _hypotheses(folder, kind):
    """Texts of the test set, without the names behind them."""
    lines = (folder / f"test.{kind}.hyp.trn").read_text().splitlines()
    return [line.rpartition("(")[0] for line in lines]


def test_tuned_decoder_goes_along(trained, corpus, tmp_path, capsys):
    """The export says what the run says, without the run's language model."""
    _, folder, lm = trained
    own = shutil.copytree(folder, tmp_path / "run")
    main(
        ["tune-lm", str(own), str(own / "manifests" / "dev.csv"), "--trials", "2"]
        + ["--lm", str(own / lm.name)]
    )
    main(["export", str(own), str(tmp_path / "plain" / "model")])
    clips = [one.wav for one in corpus.splits["test"]]
    capsys.readouterr()
    main(["transcribe", str(own), *clips])
    wanted = capsys.readouterr().out
    shutil.rmtree(own)
    exported = shutil.move(tmp_path / "plain" / "model", tmp_path / "moved")
    known = json.loads((exported / "decoder.json").read_text())
    assert known["settings"]["lm"] == f"lm.{lm.name}"
    assert known["tuning"]["trials"] == 2
    main(["transcribe", str(exported), *clips])
    assert capsys.readouterr().out == wanted
    (exported / "decoder.json").unlink()
    main(["transcribe", str(exported), *clips])
    assert capsys.readouterr().out != wanted
