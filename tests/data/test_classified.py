"""Crops of speech of known class: which they are depends on nothing but the draw."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from xlsr_sb.data.class_columns import ClassifiedSpeech
from xlsr_sb.data.classified import (
    LearntCrops,
    ScoredCrops,
    check_crops,
    place_of,
)
from xlsr_sb.data.cropping import CropPlan
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance, write_manifest
from xlsr_sb.manifest.table import UtteranceTable
from xlsr_sb.tasks.loaders import speech_eval_loader, speech_train_loader

RATE = 16_000
LENGTHS = {"a": 2.0, "b": 0.5, "c": 1.0, "d": 3.0, "e": 0.4, "f": 2.5}
LANGUAGES = dict(zip(LENGTHS, ("fr", "fr", "fr", "fr", "it", "ka"), strict=True))
SETTINGS = {
    "sampling_alpha": 0.0,
    "seconds_per_update": 2.0,
    "seconds_per_device": 1.0,
    "num_workers": 0,
}
HOW = {"seed": 3, "rank": 0, "world_size": 1, "pin_memory": False}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Ramps, so that each sample tells where it comes from."""
    folder, made = tmp_path_factory.mktemp("ramps"), []
    for name, seconds in LENGTHS.items():
        samples = np.linspace(0, 0.9, round(seconds * RATE))
        soundfile.write(folder / f"{name}.wav", samples, RATE, subtype="FLOAT")
        path = str(folder / f"{name}.wav")
        made.append(Utterance(name, path, seconds, language=LANGUAGES[name]))
    return made


def dataset(clips, **options):
    """Crops of up to a second to learn from."""
    encode = lambda one: [ord(one.id)]  # noqa: E731
    return LearntCrops(clips, encode_target=encode, max_seconds=0.8, **options)


def no_target(utterance):
    """Always the first class."""
    del utterance
    return [0]


def train_loader(speech, settings, *, seed=3, **options):
    """Updates of crops, every language as often."""
    crops = dataset(speech, **options)
    return speech_train_loader(
        crops,
        settings,
        durations=crops.durations,
        groups=speech.classes,
        plan_of=CropPlan,
        **{**HOW, "seed": seed},
    )


def epoch(clips, *, seed=3, workers=0, **options):
    """Ids, starts and waveforms of all crops of the first two epochs."""
    speech = ClassifiedSpeech(clips, "language")
    made = {**SETTINGS, "num_workers": workers}
    loader = train_loader(speech, made, seed=seed, **options)
    return [
        (one.id, one.start, batch.waveforms[row, : batch.num_samples[row]])
        for number in (0, 1)
        for update in loader.epoch(number)
        for batch in update
        for row, one in enumerate(batch.utterances)
    ]


def noisy(waveform, seed):
    """An augmentation that makes clips longer."""
    generator = torch.Generator().manual_seed(seed)
    longer = torch.cat([waveform, waveform])
    return longer + torch.randn(len(longer), generator=generator)


@pytest.mark.parametrize("augment", [None, noisy])
def test_the_same_draw_whoever_loads_it(clips, augment):
    """Bit for bit, again and by two workers; other seeds draw others."""
    found = epoch(clips, augment=augment)
    for again in (
        epoch(clips, augment=augment),
        epoch(clips, augment=augment, workers=2),
    ):
        assert [one[:2] for one in again] == [one[:2] for one in found]
        assert all(torch.equal(a[2], b[2]) for a, b in zip(again, found, strict=True))
    other = epoch(clips, augment=augment, seed=4)
    assert [one[:2] for one in other] != [one[:2] for one in found]
    assert max(len(one[2]) for one in found) == round(0.8 * RATE)


def test_an_augmented_clip_differs_each_time(clips):
    """Its seed is drawn anew for each place of an epoch."""
    short = [one[2] for one in epoch(clips, augment=noisy) if one[0] == "e"]
    assert len(short) > 1
    assert not torch.equal(short[0], short[1])


def test_classes_come_as_often_however_long_they_are(clips):
    """With alpha 0: `it` has 0.4 of 9.4 seconds, and a third of the draws."""
    speech = ClassifiedSpeech(clips, "language")
    loader = train_loader(speech, SETTINGS)
    names = [
        LANGUAGES[speech[index].id]
        for number in range(60)
        for update in loader.plan.epoch(number)
        for batch in update
        for index, _ in batch
    ]
    shares = {name: names.count(name) / len(names) for name in ("fr", "it", "ka")}
    assert shares == pytest.approx(dict.fromkeys(shares, 1 / 3), abs=0.07)


def test_scored_crops_are_set(clips):
    """So many of each longer clip, in places that its name draws; others whole."""
    crops = ScoredCrops(clips, encode_target=no_target, crops=3, crop_seconds=0.9)
    how = {"rank": 0, "world_size": 1}
    starts = {}
    for batch in speech_eval_loader(crops, SETTINGS, **how):
        for one in batch.utterances:
            starts.setdefault(one.id, []).append(one.start)
    assert {name: len(own) for name, own in starts.items()} == {
        name: 3 if seconds > 0.9 else 1 for name, seconds in LENGTHS.items()
    }
    spare = round(2.0 * RATE) - round(0.9 * RATE) + 1
    places = [int(place_of("a", part) * spare) for part in range(3)]
    assert sorted(starts["a"]) == sorted(places)
    assert starts["b"] == [None]


def test_whole_clips_are_scored_without_crops(clips):
    """Whatever their length."""
    crops = ScoredCrops(clips, encode_target=no_target, crops=None, crop_seconds=0.1)
    assert crops.durations == list(LENGTHS.values())


def test_a_manifest_may_stay_on_disk(clips, tmp_path):
    """A table gives what a list gives, and only what is drawn is read."""
    write_manifest(tmp_path / "train.csv", clips)
    table = UtteranceTable(tmp_path / "train.csv")
    for kind, column in (("language", "language"), ("speaker", "spk_id")):
        ours = ClassifiedSpeech(table, kind)
        theirs = ClassifiedSpeech(clips, kind)
        assert ours.classes == theirs.classes == [getattr(one, column) for one in clips]
        assert ours.names == theirs.names
    part = ours.among(ours.durations > 1)
    assert [one.id for one in part] == ["a", "d", "f"]
    found, wanted = epoch(table), epoch(clips)
    assert [one[:2] for one in found] == [one[:2] for one in wanted]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_crop_seconds": 0.05}, "max_crop_seconds is 0.05; it must be at least"),
        ({"max_crop_seconds": 9.0}, "and at most seconds_per_device, 8.0"),
        ({"crops": 0}, "scoring: crops is 0; it must be a whole number of at least 1"),
        ({"crops": 2.5}, "crops is 2.5"),
        ({"crop_seconds": 0.01}, "crop_seconds is 0.01; it must be at least 0.025"),
        ({"top": 0}, "scoring: top is 0"),
        ({"duration_edges": [5, 5]}, r"duration_edges is \[5, 5\]"),
    ],
)
def test_settings_out_of_range_are_refused(changes, message):
    """One sentence each; without changes they are taken."""
    data = {"min_utterance_seconds": 0.1, "max_crop_seconds": 3.0}
    data["seconds_per_device"] = 8.0
    scoring = {"crops": 10, "crop_seconds": 10.0, "top": 5, "duration_edges": [5, 20]}
    check_crops(data, scoring)
    for section in (data, scoring):
        section |= {key: value for key, value in changes.items() if key in section}
    with pytest.raises(InputError, match=message):
        check_crops(data, scoring)


def test_a_clip_cut_by_its_segment_is_cropped_within(clips):
    """The segment of the manifest is what there is."""
    part = replace(clips[3], start=RATE, stop=2 * RATE, duration=1.0)
    crops = ScoredCrops([part], encode_target=no_target, crops=8, crop_seconds=0.5)
    for index in range(8):
        found = crops[[index]].utterances[0]
        assert RATE <= found.start < found.stop <= 2 * RATE
