"""Denoising pretraining as a user runs it: killed, on two processes, then translating.

``test_every_leaf.py`` trains the leaf itself.

Seen to fail: noise that is not seeded; layerdrop that is not; another decoder written
than the one that was trained; no tokeniser beside it; a loss divided by texts.
"""

from functools import partial
from pathlib import Path

import pytest
import torch
import transformers

from tests.fixtures import ROOT
from tests.invariants.two_processes import assert_same_training, start_two
from tests.outcome import checkpoints, differences, final_state, kept_updates
from tests.recipes import debian_packages
from xlsr_sb.data.subwords import SubwordTokeniser
from xlsr_sb.results import read_rows

RECIPES = ROOT / "recipes" / "DebianSpeech"
TEXTS, SPEECH = RECIPES / "TextSSL", RECIPES / "ST"
OPTIONS = {
    "pairs": "es_en,en_fr",
    "data.num_pieces": 40,
    "data.tokens_per_update": 300,
    "data.tokens_per_device": 120,
    "encoder.num_layers": 2,
    "encoder.layerdrop": 0.2,
    "head.num_layers": 2,
    "head.layerdrop": 0.2,
    "optim.num_updates": 12,
    "optim.validate_every_updates": 4,
    "optim.checkpoint_every_minutes": 0,
    "optim.encoder_frozen_updates": 3,
    "optim.warmup_updates": 2,
}
NOTHING_RANDOM = {  # but for the noise, which is the same on any number of processes
    "encoder.dropout": 0.0,
    "encoder.attention_dropout": 0.0,
    "encoder.layerdrop": 0.0,
    "head.dropout": 0.0,
    "head.layerdrop": 0.0,
    "optim.precision": "fp32",
    # Adam makes a step of a gradient however small, and sums are rounded otherwise.
    "optim.encoder_lr": 1.0e-4,
    "optim.head_lr": 1.0e-4,
}
TRANSLATION = {
    "pairs": "es_en",
    "head.num_layers": 2,
    "data.seconds_per_update": 4.0,
    "decoder.max_tokens": 8,
    "optim.num_updates": 2,
    "optim.validate_every_updates": 2,
    "optim.head_lr": 0.0,
    "optim.encoder_frozen_updates": 0,
}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Packages, and what is made of them."""
    folder = tmp_path_factory.mktemp("packages")
    debian_packages.write_all_prompts(folder / "debs")
    debian_packages.write_dialogues(folder / "debs")
    debian_packages.write_deb(folder / "debs", "fillets-ng-data-nl", {})
    debian_packages.write_stamps(folder / "debs")
    return {"debs": folder / "debs", "data_folder": folder / "data"}


@pytest.fixture(scope="module")
def command(places):
    """From the output folder and options to the words of a command line."""

    def words(output, options=OPTIONS, **changes):
        every = places | options | changes | {"output_folder": output}
        pairs = [word for key, value in every.items() for word in (f"--{key}", value)]
        return ["hparams/tiny.yaml", *pairs]

    return words


@pytest.fixture(scope="module")
def finished(launcher, command, tmp_path_factory):
    """Folder of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("finished")
    run = launcher.start(*command(folder), folder=TEXTS)
    assert run.wait() == 0, run.err
    assert f"pretrained text model and tokeniser: {folder / 'pretrained'}" in run.out
    return folder


def test_killed_is_never_killed(launcher, command, finished, tmp_path):
    """Weights, optimiser, progress, curve, scores and what is written, bit for bit."""
    words = command(tmp_path)
    for number in (1, 3):
        run = launcher.start(*words, folder=TEXTS)
        assert run.wait_until(partial(_has_saved, tmp_path, number))
        run.kill()
        run.wait()
    last = launcher.start(*words, folder=TEXTS)
    assert last.wait() == 0, last.err
    assert "resumed at update" in (tmp_path / "log.txt").read_text()
    assert list(differences(final_state(tmp_path), final_state(finished))) == []
    assert [row.metric for row in read_rows(finished / "results.csv")] == [
        "token error"
    ]


def test_it_learns(finished):
    """Loss and accuracy of the development set, in the table and in a picture."""
    rows = final_state(finished)["curve"]
    assert [row["update"] for row in rows] == ["4", "8", "12"]
    for row in rows:  # both a token, as nothing is smoothed
        assert float(row["train_loss"]) == pytest.approx(float(row["train_nll"]))
    losses = [float(row["valid_nll"]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.8 * losses[0]
    shares = [float(row["valid_token_accuracy"]) for row in rows]
    assert 0 <= shares[0] < shares[-1] < 1
    assert 0 < float(rows[-1]["token_accuracy"]) < 1
    assert (finished / "learning_curve.png").read_bytes()[1:4] == b"PNG"
    assert not (finished / "encoder.json").exists()  # that of speech


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head.adaptor_layers": 1}, "with 1 layers of an adaptor between them"),
        ({"data.max_text_tokens": 200}, "at most tokens_per_device, 120"),
        ({"data.mean_span": 0}, "mean_span is 0; it must be a number from 1 on"),
    ],
)
@pytest.mark.usefixtures("finished")
def test_what_does_not_go_together_is_one_line(
    launcher, command, tmp_path, changes, message
):
    """Without a traceback."""
    run = launcher.start(*command(tmp_path, **changes), folder=TEXTS)
    assert run.wait() == 2
    (line,) = [one for one in run.err.splitlines() if one.startswith("error: ")]
    assert message in line
    assert "Traceback" not in run.err


def _has_saved(folder, number):
    """Whether so many checkpoints are there."""
    return len(checkpoints(folder)) >= number


@pytest.mark.usefixtures("finished")  # which has prepared the corpus
def test_two_processes_learn_what_one_learns(launcher, command, tmp_path):
    """Weights to 1e-5, losses, counts and scores; the noise is that of one."""
    changes = NOTHING_RANDOM | {"optim.num_updates": 4}
    alone = launcher.start(*command(tmp_path / "one", **changes), folder=TEXTS)
    both = start_two(launcher, command(tmp_path / "two", **changes), folder=TEXTS)
    assert [run.wait() for run in (alone, *both)] == [0, 0, 0], both[0].err
    assert_same_training(tmp_path / "one", tmp_path / "two", num_rows=1)


def test_transformers_reads_the_folder(finished):
    """The weights of the best checkpoint, and the tokeniser, strictly."""
    model, info = transformers.MBartForConditionalGeneration.from_pretrained(
        finished / "pretrained", output_loading_info=True
    )
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        assert not info.get(problem), (problem, info[problem])
    states = [
        torch.load(path / "head.ckpt", weights_only=True)
        for path in kept_updates(finished).values()
    ]
    shared = model.model.shared.weight
    assert any(torch.equal(s["decoder.embeddings.weight"], shared) for s in states)
    ours = SubwordTokeniser.load(finished / "pretrained")
    theirs = transformers.AutoTokenizer.from_pretrained(finished / "pretrained")
    assert ours.languages == ("en_XX", "es_XX", "fr_XX")
    assert theirs("Frase bade.")["input_ids"] == ours.encode("Frase bade.")
    assert theirs.mask_token_id == ours.mask
    assert model.config.vocab_size == ours.vocab_size == len(theirs)


def test_a_translator_starts_from_it(
    launcher, command, finished, encoder_folder, tmp_path
):
    """One folder gives the tokeniser and the decoder; its rate is 0, so it stays."""
    folder = finished / "pretrained"
    given = {"data.tokeniser": folder, "head.text_decoder": folder}
    given |= {"encoder.source": encoder_folder}
    words = command(tmp_path, TRANSLATION, **given)
    run = launcher.start(*words, folder=SPEECH)
    assert run.wait() == 0, run.err
    tokeniser = "tokeniser/sentencepiece.bpe.model"
    assert _bytes(tmp_path / tokeniser) == _bytes(finished / tokeniser)
    ours = torch.load(_newest(tmp_path) / "head.ckpt", weights_only=True)
    best = {
        path: torch.load(path / "head.ckpt", weights_only=True)
        for path in kept_updates(finished).values()
    }
    names = [name for name in ours if name.startswith("decoder.")]
    assert len(names) > 40
    assert any(
        all(torch.equal(ours[name], state[name]) for name in names)
        for state in best.values()
    )
    groups = {row.group for row in read_rows(tmp_path / "results.csv")}
    assert groups >= {"es_en"}


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _newest(folder: Path) -> Path:
    kept = kept_updates(folder)
    return kept[max(kept)]
