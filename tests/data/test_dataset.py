"""A batch: its tensors, its targets, its segments, its errors."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from tests.data.conftest import assert_same, digits
from xlsr_sb.data.audio import load_audio
from xlsr_sb.data.dataset import SpeechDataset
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance


def test_a_batch_holds_each_clip_and_zeros_after_it(dataset):
    """Axes, types, lengths and order are those of the docstring."""
    batch = dataset[[2, 11, 0]]
    assert (len(batch), batch.ids) == (3, ["clip-3", "clip-12", "clip-1"])
    assert batch.waveforms.shape == (3, 9_600)
    assert batch.waveforms.dtype == torch.float32
    assert batch.num_samples.tolist() == [2_400, 9_600, 800]
    assert batch.targets.tolist() == [[3, 0], [1, 2], [1, 0]]
    assert batch.num_targets.tolist() == [1, 2, 1]
    assert {batch.targets.dtype, batch.num_samples.dtype} == {torch.int64}
    assert batch.num_seconds == pytest.approx(0.8)
    for row, one in zip(batch.waveforms, batch.utterances, strict=True):
        alone = load_audio(one.wav)
        assert torch.equal(row[: len(alone)], alone)
        assert not row[len(alone) :].any()


def test_a_batch_moves_as_a_whole(dataset):
    """To a device, which "meta" stands for; the utterances stay."""
    moved = dataset[[0, 1]].to("meta")
    assert moved.ids == ["clip-1", "clip-2"]
    tensors = (moved.waveforms, moved.num_samples, moved.targets, moved.num_targets)
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_targets_may_all_be_empty(utterances):
    """For tasks without a target."""
    batch = SpeechDataset(utterances, encode_target=lambda _: [])[[0, 1]]
    assert batch.targets.shape == (2, 0)
    assert batch.targets.dtype == torch.int64
    assert batch.num_targets.tolist() == [0, 0]


def test_segments_of_one_long_file(tmp_path):
    """Each clip is its part of the file, at the file's own rate."""
    path = tmp_path / "long.wav"
    noise = np.random.default_rng(0).uniform(-1, 1, 16_000).astype(np.float32)
    soundfile.write(path, noise, 16_000, subtype="FLOAT")
    parts = [
        Utterance(str(start), str(path), 0.1, start=start, stop=start + 1_600)
        for start in range(0, 16_000, 1_600)
    ]
    batch = SpeechDataset(parts, encode_target=lambda _: [0])[range(10)]
    assert np.array_equal(batch.waveforms.flatten().numpy(), noise)


def test_a_dataset_alone_keeps_the_cause(utterances):
    """For whoever looks at the traceback."""
    utterances[0] = replace(utterances[0], wav="none.wav")
    with pytest.raises(InputError, match="clip-1") as caught:
        SpeechDataset(utterances, encode_target=digits)[[0]]
    assert isinstance(caught.value.__cause__, InputError)


def test_a_dataset_can_be_sent_to_a_process(dataset):
    """As platforms without fork do."""
    assert_same(pickle.loads(pickle.dumps(dataset))[[1]], dataset[[1]])
