"""Classes of utterances: what is learnt, and that only a clip's own samples count."""

import csv
from dataclasses import replace

import pytest
import torch
from speechbrain import Stage

from tests.corpus import clip
from tests.tasks.classification_brain import (
    eval_loader,
    make_classifier,
    spoken,
    train_loader,
)
from tests.training.harness import PLAIN, started
from xlsr_sb import XLSRConfig
from xlsr_sb.errors import InputError
from xlsr_sb.heads.class_file import ClassFile

HEADS = {
    "mean": {},
    "weighted statistics": {"pooling": "statistics", "layers": "weighted"},
    "margin": {
        "pooling": "channel_attention",
        "loss": "aam_softmax",
        "embedding_dim": 6,
    },
}


@pytest.fixture
def config(encoder_config):
    """The smallest encoder, with nothing random."""
    return XLSRConfig(**{**vars(encoder_config), **PLAIN})


@pytest.fixture
def splits(corpus):
    """Clips with languages, speakers and sources."""
    return spoken(corpus.splits)


def heard(brain, **changes):
    """What is found in the test set."""
    with brain.evaluating():
        return brain.hear(eval_loader(brain, **changes))


@pytest.fixture
def tones(tmp_path):
    """Two languages, one of low and one of high tones."""
    texts = {"aa": ["abba", "baab"], "bb": ["noon", "onno"]}
    return {
        split: [
            clip(tmp_path, f"{split}-{x}{n}", language=x, text=texts[x][n % 2], seed=n)
            for x in texts
            for n in range(size)
        ]
        for split, size in {"train": 6, "dev": 2, "test": 2}.items()
    }


def test_languages_are_learnt(tmp_path, tones, config):
    """Two languages of other tones are told apart; the best checkpoint is kept."""
    splits = {
        name: [replace(x, corpus="tones") for x in own] for name, own in tones.items()
    }
    optim = {"num_updates": 20, "validate_every_updates": 10}
    brain = make_classifier(tmp_path, splits, config, optim=optim)
    assert brain.fit(train_loader(brain), eval_loader(brain, "dev"))
    first, last = brain.progress.history
    assert last["train_nll"] < first["train_nll"]
    assert last["ERR"] == 0 < last["valid_nll"] < 0.5
    assert last["answered_share"] == 1
    brain.recover_best()
    with brain.evaluating():
        evaluation = brain.score(eval_loader(brain))
    found = {(one.group, one.score.name): one.score.value for one in evaluation.scores}
    assert found["all", "ERR"] == found["aa", "ERR"] == found["tones", "ERR"] == 0
    assert evaluation.baseline.value == 0.5
    evaluation.write(tmp_path, split="test")
    for picture in ("confusion", "languages"):
        assert (tmp_path / f"test.{picture}.png").read_bytes()[1:4] == b"PNG"
    with (tmp_path / "test.answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["ID"] for row in rows] == sorted(one.id for one in splits["test"])
    assert all(row["answer_1"] == row["language"] for row in rows)
    assert all(float(row["p_1"]) > float(row["p_2"]) for row in rows)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_batches_padding_and_workers_change_nothing(tmp_path, splits, config, head):
    """Embeddings and probabilities: alone, in any batch, loaded by any process."""
    brain = make_classifier(tmp_path, splits, config, head=head, classes="speaker")
    found = heard(brain)
    assert [one.id for one in found.clips] == sorted(one.id for one in splits["test"])
    for changes in ({"seconds_per_device": 0.1}, {"seconds_per_device": 60.0}):
        other = heard(brain, **changes)
        for ours, theirs in (
            (found.embeddings, other.embeddings),
            (found.probabilities, other.probabilities),
        ):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    for again in (heard(brain), heard(brain, num_workers=2)):
        assert (again.embeddings == found.embeddings).all()  # bit for bit
        assert (again.probabilities == found.probabilities).all()


def test_embeddings_are_the_same_bits_in_another_run(tmp_path, splits, config):
    """Another brain with the same weights, as another process would make it."""
    found = [
        heard(make_classifier(tmp_path / name, splits, config)) for name in ("a", "b")
    ]
    assert (found[0].embeddings == found[1].embeddings).all()


def test_gradients_are_those_of_clips_alone(tmp_path, splits, config):
    """The loss of a batch is the sum of the losses of its crops."""
    brain = started(make_classifier(tmp_path, splits, config))
    (batch, *_), *_ = train_loader(brain, seconds_per_device=60.0).epoch(0)
    assert len(batch) > 3
    total = brain.compute_objectives(
        brain.compute_forward(batch, Stage.TRAIN), batch, None
    )
    alone = 0.0
    for place in range(len(batch)):
        length = int(batch.num_samples[place])
        one = type(batch)(
            batch.utterances[place : place + 1],
            batch.waveforms[place : place + 1, :length],
            batch.num_samples[place : place + 1],
            batch.targets[place : place + 1],
            batch.num_targets[place : place + 1],
        )
        alone += brain.compute_forward(one, Stage.TRAIN).loss.total
    torch.testing.assert_close(total, alone, rtol=1e-5, atol=1e-5)


def test_smoothing_and_margin_are_of_training_alone(tmp_path, splits, config):
    """Validation says what the model knows."""
    head = {"loss": "am_softmax", "margin_full_update": 0}
    optim = {"label_smoothing": 0.3}
    brain = started(make_classifier(tmp_path, splits, config, head=head))
    brain.optim["label_smoothing"] = optim["label_smoothing"]
    (batch, *_), *_ = train_loader(brain).epoch(0)
    trained = brain.compute_forward(batch, Stage.TRAIN).loss
    scored = brain.compute_forward(batch, Stage.VALID).loss
    torch.testing.assert_close(trained.nll, scored.nll)
    assert trained.total != scored.total


def test_unreadable_clips_are_errors(tmp_path, splits, config):
    """A clip without a length, and one too short for a frame."""
    last = splits["test"][-1]
    bad = [
        type(last)("lost", "nowhere.wav", 0.0, language="aa"),
        type(last)("short", last.wav, 0.01, stop=160, language="aa"),
    ]
    brain = make_classifier(
        tmp_path, {**splits, "test": [*splits["test"], *bad]}, config
    )
    with brain.evaluating():
        evaluation = brain.score(eval_loader(brain))
    (errors,) = [
        one.score
        for one in evaluation.scores
        if (one.group, one.score.name) == ("all", "ERR")
    ]
    assert errors.total == len(splits["test"]) + 2
    (top,) = [
        one.score
        for one in evaluation.scores
        if (one.group, one.score.name) == ("all", "ERR@2")
    ]
    assert top.errors == 2  # of two classes, both are among the best two
    assert "lost  aa -> (unreadable)" in evaluation.report


def test_a_class_that_was_not_learnt_is_an_error(tmp_path, splits, config, caplog):
    """It is said before the training, and counts in the scores alone."""
    stranger = type(splits["test"][0])("z", splits["test"][0].wav, 0.5, language="zz")
    more = {**splits, "dev": [*splits["dev"], stranger]}
    brain = make_classifier(tmp_path, more, config)
    assert "dev: 1 clips are of classes that the training set has not" in caplog.text
    with brain.evaluating():
        scores = brain.validate(eval_loader(brain, "dev"))
        known = make_classifier(tmp_path / "b", splits, config)
        without = known.validate(eval_loader(known, "dev"))
    assert scores["ERR"] * 5 == pytest.approx(without["ERR"] * 4 + 1)
    assert scores["valid_nll"] == pytest.approx(without["valid_nll"], rel=1e-5)


def test_the_folder_of_another_run_is_refused(tmp_path, splits, config):
    """Its classes and its head are kept, and must be the same."""
    make_classifier(tmp_path, splits, config)
    kept = ClassFile.load(tmp_path)
    assert (kept.kind, kept.names) == ("language", ("aa", "bb"))
    make_classifier(tmp_path, splits, config)
    with pytest.raises(
        InputError, match=r"classes\.json is of a run with another choice of head"
    ):
        make_classifier(tmp_path, splits, config, head={"pooling": "statistics"})
    with pytest.raises(InputError, match="another choice of speakers"):
        make_classifier(tmp_path, splits, config, classes="speaker")
