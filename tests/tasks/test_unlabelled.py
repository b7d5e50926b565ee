"""Speech without transcripts on its way to pretraining, and the units of its frames."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from xlsr_sb.data.audio import load_audio
from xlsr_sb.errors import InputError
from xlsr_sb.heads.units import AcousticUnits
from xlsr_sb.manifest import Utterance
from xlsr_sb.manifest.table import UtteranceTable
from xlsr_sb.manifest.writing import write_manifest
from xlsr_sb.tasks import unlabelled
from xlsr_sb.tasks.unlabelled import UNITS, Unlabelled

SETTINGS = {
    "min_crop_seconds": 0.3,
    "max_crop_seconds": 1.0,
    "language_alpha": 0.5,
    "corpus_alpha": 0.5,
    "utterances_per_epoch": None,
    "seconds_per_update": 3.0,
    "seconds_per_device": 2.0,
    "num_workers": 0,
    "num_units": 3,
}


@pytest.fixture
def loaded(monkeypatch):
    """What is read for the units: path, start and stop, and the waveforms."""
    calls = []

    def load(wav, *, start, stop):
        calls.append((wav, start, stop, load_audio(wav, start=start, stop=stop)))
        return calls[-1][-1]

    monkeypatch.setattr(unlabelled, "load_audio", load)
    return calls


def test_none_are_wanted(tmp_path, corpus, loaded):
    """Nothing is read and nothing written; the loaders are those of crops."""
    labels = Unlabelled.of(corpus.splits, SETTINGS | {"num_units": 0}, tmp_path)
    assert (labels.units, labels.num_classes) == (None, 0)
    assert list(tmp_path.iterdir()) == loaded == []
    batches = [one for update in train_updates(labels) for one in update]
    assert max(int(batch.num_samples.max()) for batch in batches) == 16_000
    assert sum(map(len, labels.eval_loader("dev", SETTINGS))) == 4


def train_updates(labels):
    """Updates of the first epoch."""
    return labels.train_loader(SETTINGS, seed=1, rank=0, world_size=1).epoch(0)


def test_they_are_made_once(tmp_path, corpus, loaded):
    """Of whole training clips that are short enough; a run that goes on keeps them."""
    labels = Unlabelled.of(corpus.splits, SETTINGS, tmp_path)
    short = [one for one in corpus.splits["train"] if one.duration <= 1.0]
    assert 2 < len(short) < len(corpus.splits["train"])
    assert sorted(wav for wav, *_ in loaded) == sorted(one.wav for one in short)
    assert {(start, stop) for _, start, stop, _ in loaded} == {(None, None)}
    wanted = AcousticUnits.fit([one[-1] for one in loaded], num_units=3, seed=0)
    assert torch.equal(labels.units.centroids, wanted.centroids)
    assert labels.num_classes == 3
    count, before = len(loaded), (tmp_path / UNITS).read_bytes()
    other = Unlabelled.of({"train": corpus.splits["dev"]}, SETTINGS, tmp_path)
    assert torch.equal(other.units.centroids, labels.units.centroids)
    assert len(loaded) == count
    assert (tmp_path / UNITS).read_bytes() == before


def test_of_long_recordings_the_middles(tmp_path, loaded):
    """Where none is short enough to be taken whole, at any rate."""
    clips = []
    for number, rate in enumerate((16_000, 8_000, 44_100)):
        path = tmp_path / f"{number}.wav"
        noise = np.random.default_rng(number).normal(0, 0.1, 3 * rate)
        soundfile.write(path, noise, rate)
        clips.append(Utterance(str(number), str(path), 3.0))
    Unlabelled.of({"train": clips}, SETTINGS, tmp_path)
    assert len(loaded) == 3
    for wav, start, stop, waveform in loaded:
        rate = soundfile.info(wav).samplerate
        assert (start, stop) == (rate, 2 * rate)
        assert len(waveform) == 16_000


def test_no_more_is_read_than_is_clustered(tmp_path, corpus, loaded, monkeypatch):
    """Clips at random until there is enough; those without a frame never."""
    monkeypatch.setattr(unlabelled, "CLUSTERED_SECONDS", 2.0)
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(399), 16_000)
    short = [Utterance(f"short {i}", str(path), 399 / 16_000) for i in range(30)]
    train = [*short, *corpus.splits["train"]]
    Unlabelled.of({"train": train}, SETTINGS, tmp_path)
    seconds = [len(one[-1]) / 16_000 for one in loaded]
    assert sum(seconds[:-1]) < 2.0 <= sum(seconds)
    assert str(path) not in [wav for wav, *_ in loaded]
    in_order = [one.wav for one in corpus.splits["train"]]
    assert [wav for wav, *_ in loaded] != in_order[: len(loaded)]


def test_a_table_gives_the_same_units_as_a_list(tmp_path, corpus):
    """Of a large manifest only the rows that are heard are read."""
    write_manifest(tmp_path / "train.csv", corpus.splits["train"])
    table, found = UtteranceTable(tmp_path / "train.csv"), []
    for name, train in {"a": corpus.splits["train"], "b": table}.items():
        labels = Unlabelled.of({"train": train}, SETTINGS, tmp_path / name)
        found.append(labels.units.centroids)
    assert torch.equal(*found)


@pytest.mark.parametrize("number", [-1, 1.5, "three", True, None])
def test_a_number_of_units_that_cannot_be(tmp_path, corpus, number):
    message = r"num_units is .*; it must be a whole number of at least 0"
    with pytest.raises(InputError, match=message):
        Unlabelled.of(corpus.splits, SETTINGS | {"num_units": number}, tmp_path)


def test_too_little_speech(tmp_path, corpus):
    """Fewer frames than units, or no frame at all."""
    one = corpus.splits["train"][0]
    with pytest.raises(InputError, match=r"frames of speech cannot be clustered into"):
        Unlabelled.of({"train": [one]}, SETTINGS | {"num_units": 5000}, tmp_path)
    short = replace(one, duration=0.02)
    with pytest.raises(InputError, match="none of 1 training utterances has 400"):
        Unlabelled.of({"train": [short]}, SETTINGS, tmp_path)
    assert not (tmp_path / UNITS).exists()
