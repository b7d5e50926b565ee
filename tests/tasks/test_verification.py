"""Trials: which clips help to score them, and what their scores are."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from tests.tasks.classification_brain import eval_loader, make_classifier, spoken
from tests.training.harness import PLAIN
from xlsr_sb import XLSRConfig
from xlsr_sb.errors import InputError
from xlsr_sb.metrics.verification import LinearCalibration, TrialScores
from xlsr_sb.metrics.verification import verification_scores as scores_of_trials
from xlsr_sb.tasks.verification import is_cohort

SIX = ("ann", "bob", "eva", "ida", "joe", "kim")


@pytest.fixture
def splits(corpus):
    """All clips are learnt from but eight, which two strangers speak."""
    everything = [one for part in spoken(corpus.splits).values() for one in part]
    known, strange = everything[:12], everything[12:]
    return {
        "train": [replace(one, spk_id=SIX[n % 6]) for n, one in enumerate(known)],
        "dev": [
            replace(one, id=f"{one.id}d", spk_id=SIX[n % 6])
            for n, one in enumerate(known)
        ],
        "test": [replace(one, spk_id="uvw"[n % 2]) for n, one in enumerate(strange)],
    }


@pytest.fixture
def lists(tmp_path, splits):
    """Every pair of test clips in one list, some of them in another."""
    folder, clips = tmp_path / "lists", splits["test"]
    folder.mkdir()
    lines = [
        f"{int(one.spk_id == other.spk_id)} {one.id} {other.id}"
        for place, one in enumerate(clips)
        for other in clips[place + 1 :]
    ]
    (folder / "every.txt").write_text("\n".join(lines) + "\n")
    (folder / "some.txt").write_text("\n".join(lines[:9]) + "\n")
    return {"folder": str(folder), "split": "test", "cohort_top": 300}


@pytest.fixture
def make(tmp_path, splits, encoder_config, lists):
    """A brain that tells these speakers."""
    config = XLSRConfig(**{**vars(encoder_config), **PLAIN})

    def made(**changes):
        options = {"classes": "speaker", "trials": lists, "scoring": {"crops": None}}
        wanted = {**splits, **changes}
        return make_classifier(tmp_path / "run", wanted, config, **options)

    return made


def evaluated(brain):
    """Scores of the test set by group and metric."""
    with brain.evaluating():
        evaluation = brain.score(eval_loader(brain))
    return evaluation, {
        (one.group, one.score.name): one.score.value for one in evaluation.scores
    }


def test_scores_are_those_of_the_embeddings(make, tmp_path):
    """Cosines, computed here anew; files hold every trial and the calibration."""
    brain = make()
    evaluation, found = evaluated(brain)
    evaluation.write(tmp_path, split="test")
    brain.finish(tmp_path)
    with brain.evaluating():
        heard = brain.hear(eval_loader(brain))
    vectors = heard.embeddings / np.linalg.norm(heard.embeddings, axis=1, keepdims=True)
    by_id = dict(zip([one.id for one in heard.clips], vectors, strict=True))
    with (tmp_path / "test.every.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    cosines = [by_id[row["enrolment"]] @ by_id[row["test"]] for row in rows]
    assert [float(row["cosine"]) for row in rows] == pytest.approx(cosines, abs=1e-6)
    trials = TrialScores(cosines, [row["label"] == "1" for row in rows])
    for score in scores_of_trials(trials):
        assert found["every", score.name] == pytest.approx(score.value, abs=1e-6)
    normalised = TrialScores(
        [float(row["s-norm"]) for row in rows], [row["label"] == "1" for row in rows]
    )
    (eer, *_) = scores_of_trials(normalised)
    assert found["every s-norm", "EER"] == pytest.approx(eer.value, abs=1e-6)
    assert {group for group, _ in found} == {
        *("every", "every s-norm", "some", "some s-norm")
    }
    assert found["every", "Cllr"] >= found["every", "minCllr"]
    assert (
        LinearCalibration.load(tmp_path / "calibration.json") == brain.verification.line
    )
    assert (tmp_path / "test.det.png").read_bytes()[1:4] == b"PNG"


def test_cohort_and_calibration_have_other_speakers(make, splits):
    """Halves of the training speakers: clips of training, and of the dev set."""
    verification = make().verification
    cohort = {one.spk_id for one in verification.cohort}
    others = {one.spk_id for one in verification.calibration}
    assert cohort == {name for name in SIX if is_cohort(name)} != set()
    assert others == set(SIX) - cohort != set()
    train, dev = ({one.id for one in splits[name]} for name in ("train", "dev"))
    assert {one.id for one in verification.cohort} <= train
    assert {one.id for one in verification.calibration} <= dev


def test_a_trial_that_cannot_be_heard_is_rejected(make, splits, caplog, tmp_path):
    """It has the lowest score of all; the list stays whole."""
    lost = splits["test"][0]
    broken = [replace(lost, duration=0.0), *splits["test"][1:]]
    evaluation, _ = evaluated(make(test=broken))
    number = len(splits["test"]) - 1
    assert f"{number} of 28 trials have a clip that cannot be heard" in caplog.text
    assert {one.clips for one in evaluation.scores} == {28, 9}
    evaluation.write(tmp_path, split="test")
    with (tmp_path / "test.every.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for way in ("cosine", "s-norm"):
        lowest = min(float(row[way]) for row in rows)
        assert {float(row[way]) for row in rows if lost.id in row.values()} == {lowest}


def test_without_a_cohort_there_are_cosines_alone(make, splits, caplog):
    """Where a single training speaker would normalise, or none would calibrate."""
    two = [next(x for x in SIX if is_cohort(x) == wanted) for wanted in (True, False)]
    few = {
        name: [replace(one, spk_id=two[n % 2]) for n, one in enumerate(splits[name])]
        for name in ("train", "dev")
    }
    _, found = evaluated(make(**few))
    assert {group for group, _ in found} == {"every", "some"}
    assert "no s-norm: score normalisation with 1 of a cohort of 1" in caplog.text


def test_lists_are_checked_before_the_training(make, lists, tmp_path):
    """Ids, the folder and the split."""
    (tmp_path / "lists" / "wrong.txt").write_text("1 nobody nothing\n")
    with pytest.raises(
        InputError, match=r"wrong\.txt: 2 clips of its trials are not in"
    ):
        make()
    lists["folder"] = str(tmp_path)
    with pytest.raises(InputError, match="has no list of trials"):
        make()
    lists["split"] = "eval"
    with pytest.raises(
        InputError, match="split is 'eval', but the corpus has train, dev"
    ):
        make()
