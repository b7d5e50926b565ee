"""Augmented crops: the same bits whoever loads them, and none where they are scored.

Seen to fail: a seed from a generator, from the clips before, or from the clip itself;
crops that are not cut; as many threads as there are; no augmentation at all.
"""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from xlsr_sb.data.audio import load_audio
from xlsr_sb.hparams import load_hparams
from xlsr_sb.manifest import Utterance
from xlsr_sb.tasks.classes import Classes

AUGMENT = Path(__file__).parents[2] / "hparams" / "augment"
SETTINGS = {
    "classes": "language",
    "min_utterance_seconds": 0.2,
    "max_crop_seconds": 0.5,
    "sampling_alpha": 0.0,
    "seconds_per_update": 2.0,
    "seconds_per_device": 1.2,
    "num_workers": 0,
}
SCORING = {"crops": 2, "crop_seconds": 0.4}
CHANCES = "speed_chance: 0.6\nreverb_chance: 0.6\nnoise_chance: 0.6\ncodec_chance: 0.6"


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    """Ten clips to learn from, four to score by, some of them longer than a crop."""
    folder, random = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)

    def clip(split, number):
        path = folder / f"{split}-{number}.wav"
        num_samples = 5_000 + 1_500 * number
        soundfile.write(path, random.normal(0, 0.1, num_samples), 16_000)
        language, seconds = ("ka", "nl")[number % 2], num_samples / 16_000
        return Utterance(path.stem, str(path), seconds, language=language)

    sizes = {"train": 10, "dev": 4, "test": 4}
    return {
        split: [clip(split, number) for number in range(size)]
        for split, size in sizes.items()
    }


@pytest.fixture(scope="module")
def classes(splits):
    """With every change that there is, of the shipped file."""
    return classes_of(splits, load_hparams(AUGMENT / "speech.yaml", CHANCES))


def classes_of(splits, augment):
    """The classes of a run whose section `augment` is this."""
    sections = {"data": SETTINGS, "scoring": SCORING, "augment": augment}
    return Classes.of(splits, sections)


def crops(classes, *, epoch=0, start=0, num_workers=0, **how):
    """Name, target and bits of every crop, update by update."""
    settings = SETTINGS | {"num_workers": num_workers}
    how = {"seed": 3, "rank": 0, "world_size": 1, "pin_memory": False} | how
    updates = classes.train_loader(settings, **how).epoch(epoch, start=start)
    return [
        [crop for batch in update for crop in crops_in(batch)] for update in updates
    ]


def crops_in(batch):
    """Name, target and bits of the crops of a batch."""
    rows = zip(
        batch.ids,
        batch.targets.tolist(),
        batch.num_samples,
        batch.waveforms,
        strict=True,
    )
    return [(name, *target, one[:n].numpy().tobytes()) for name, target, n, one in rows]


@pytest.fixture(scope="module")
def usual(classes):
    """The second epoch as one process loads it by itself."""
    return crops(classes, epoch=1)


def test_crops_are_changed(classes, splits, usual):
    """Most of them, each time in another way; no longer than a crop may be."""
    as_it_is = classes_of(splits, load_hparams(AUGMENT / "none.yaml"))
    plain = [crop for epoch in (0, 1) for crop in sum(crops(as_it_is, epoch=epoch), [])]
    changed = sum([*crops(classes), *usual], [])
    assert [crop[:2] for crop in plain] == [crop[:2] for crop in changed]
    assert len(plain) == 20
    assert 15 <= sum(map(tuple.__ne__, plain, changed)) < 20
    longest = 4 * 16_000 * SETTINGS["max_crop_seconds"]
    assert max(len(bits) for *_, bits in changed) == longest
    # A clip shorter than a crop is whole each time, but not the same.
    several = [
        name
        for name in ("train-0", "train-1", "train-2")
        if len(set(bits_of(plain, name))) == 1 < len(set(bits_of(changed, name)))
    ]
    assert several


def bits_of(rows, name):
    """Bits of the crops of a clip."""
    return [bits for other, _, bits in rows if other == name]


def test_the_number_of_workers_changes_nothing(classes, usual):
    """They have one thread each, the process itself may have many."""
    assert crops(classes, epoch=1, num_workers=2) == usual
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        assert crops(classes, epoch=1) == usual
    finally:
        torch.set_num_threads(threads)


def test_the_number_of_processes_changes_nothing(classes, usual):
    """Two share the crops of each update, whichever has which."""
    shared = [crops(classes, epoch=1, rank=rank, world_size=2) for rank in (0, 1)]
    assert all(sum(map(len, part)) > 2 for part in shared)
    together = [sorted(one + other) for one, other in zip(*shared, strict=True)]
    assert together == [sorted(update) for update in usual]


def test_a_run_that_goes_on_has_the_same_crops(classes, usual):
    """From any update, without what was drawn before."""
    assert len(usual) > 2
    for start in range(1, len(usual)):
        assert crops(classes, epoch=1, start=start) == usual[start:]


def test_another_seed_has_other_changes(classes, usual):
    found = set(sum(crops(classes, epoch=1, seed=4), []))
    assert len(found & set(sum(usual, []))) < 3  # whole clips that nothing was done to


def test_what_is_scored_is_as_it_is(splits):
    """Whole and in crops, of the dev set too: no change is even asked for."""

    def refuse(*clip_and_seed):
        raise AssertionError(f"{clip_and_seed} was to be changed where it is scored")

    classes = classes_of(splits, {"module": lambda: refuse})
    how = {"rank": 0, "world_size": 1}
    for split in ("dev", "test"):
        whole = classes.crops_of(splits[split], SETTINGS, crops=None, **how)
        for loader in (classes.eval_loader(split, SETTINGS, **how), whole):
            batches = list(loader)
            utterances = [one for batch in batches for one in batch.utterances]
            found = [bits for batch in batches for *_, bits in crops_in(batch)]
            assert len(utterances) >= 4
            for one, bits in zip(utterances, found, strict=True):
                heard = load_audio(one.wav, start=one.start, stop=one.stop)
                assert heard.numpy().tobytes() == bits
    with pytest.raises(AssertionError, match="was to be changed"):
        crops(classes)
