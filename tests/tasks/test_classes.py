"""Which classes are learnt, and what is said when they cannot be."""

import logging
from dataclasses import replace

import pytest

from tests.tasks.classification_brain import hparams_of, spoken
from xlsr_sb.errors import InputError
from xlsr_sb.tasks.classes import UNKNOWN, Classes


@pytest.fixture
def splits(corpus):
    """Clips with languages, speakers and sources."""
    return spoken(corpus.splits)


def test_classes_are_those_of_training(splits):
    """Sorted; of languages or of speakers; the target is the place."""
    languages = Classes.of(splits, hparams_of())
    assert (languages.names, languages.num_classes) == (("aa", "bb"), 2)
    speakers = Classes.of(splits, hparams_of(classes="speaker"))
    assert speakers.names == ("ann", "bob", "eva", "ida")
    first = splits["train"][1]
    assert (languages.encode(first), speakers.encode(first)) == ([1], [1])
    stranger = replace(first, spk_id="zoe")
    assert speakers.encode(stranger) == [UNKNOWN]


def test_short_clips_are_left_out_of_training_alone(splits, caplog):
    """They are counted, and a class that has no other is named."""
    short = [
        replace(one, duration=0.05) for one in splits["train"] if one.language == "bb"
    ]
    others = [one for one in splits["train"] if one.language == "aa"]
    third = [replace(one, language="cc", id=f"{one.id}c") for one in others]
    tests = [replace(one, duration=0.05) for one in splits["test"]]
    changed = {**splits, "train": short + others + third, "test": tests}
    with caplog.at_level(logging.WARNING):
        classes = Classes.of(changed, hparams_of())
    assert classes.names == ("aa", "cc")
    assert len(classes.splits["train"]) == len(others + third)
    assert len(classes.splits["test"]) == len(tests)
    assert f"{len(short)} training utterances shorter than 0.1 s" in caplog.text
    assert "of 1 classes: ['bb']" in caplog.text
    assert "test: 2 clips are of classes that the training set has not" in caplog.text


def test_clips_of_trials_need_no_known_class(splits, caplog):
    """Their speakers are unseen on purpose."""
    strangers = [replace(one, spk_id="zoe") for one in splits["test"]]
    trials = {"folder": "lists", "split": "test", "cohort_top": 3}
    changed = {**splits, "test": strangers}
    Classes.of(changed, hparams_of(classes="speaker", trials=trials))
    assert not caplog.records
    Classes.of(changed, hparams_of(classes="speaker"))
    assert "'zoe' 4" in caplog.text


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"language": ""}, {}, "dev: 4 of 4 utterances have no language, the first is"),
        ({"spk_id": ""}, {"classes": "speaker"}, "fill the column spk_id"),
        (
            {},
            {"classes": "words"},
            "classes is 'words'; it must be one of language, sp",
        ),
    ],
)
def test_what_cannot_be_learnt_is_one_error(splits, change, options, message):
    """With the split, the clip, and what to do."""
    changed = {**splits, "dev": [replace(one, **change) for one in splits["dev"]]}
    with pytest.raises(InputError, match=message):
        Classes.of(changed, hparams_of(**options))


def test_one_class_is_too_few(splits):
    """And an empty split is named."""
    one = [clip for clip in splits["train"] if clip.language == "aa"]
    with pytest.raises(InputError, match=r"has 1 language \(aa\); two are needed"):
        Classes.of({**splits, "train": one}, hparams_of())
    with pytest.raises(InputError, match="dev has no utterance"):
        Classes.of({**splits, "dev": []}, hparams_of())


def test_the_dev_set_is_heard_once(splits):
    """One crop of each clip there; as many as wanted in the test sets."""
    classes = Classes.of(splits, hparams_of(scoring={"crops": 3, "crop_seconds": 0.2}))
    settings = hparams_of()["data"]
    how = {"rank": 0, "world_size": 1}
    found = {
        split: len(classes.eval_loader(split, settings, **how).dataset)
        for split in ("dev", "test")
    }
    assert found == {"dev": len(splits["dev"]), "test": 3 * len(splits["test"])}
