"""The length adaptor: exact lengths, nothing seen of padding or neighbours."""

import pytest
import torch
from torch import nn
from transformers import Wav2Vec2Config
from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2Adapter

from tests.checkpoints.peers import shaken
from xlsr_sb.heads.translator import LengthAdaptor, num_memory

COUNTS = [50, 1, 17, 8, 9]


def ragged(dim):
    """Features with noise behind each utterance's own, and their numbers."""
    return torch.randn(len(COUNTS), 53, dim), torch.tensor(COUNTS)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("num_layers", [0, 1, 3])
def test_lengths_are_those_of_the_convolutions(num_layers, stride):
    """For every number of frames, as a number and as a tensor."""
    sizes = {"num_layers": num_layers, "stride": stride}
    adaptor = LengthAdaptor(2, 2, **sizes)
    frames = range(1, 60)
    real = []
    for count in frames:
        channels = torch.zeros(1, 2, count)
        for layer in adaptor.layers:
            channels = nn.functional.glu(layer(channels), dim=1)
        real.append(channels.shape[2])
    assert [num_memory(count, **sizes) for count in frames] == real
    assert num_memory(torch.tensor(frames), **sizes).tolist() == real


@pytest.mark.parametrize(("input_dim", "stride"), [(6, 2), (9, 2), (9, 3)])
def test_a_clip_in_a_batch_is_what_transformers_makes_of_it_alone(input_dim, stride):
    """With a projection and without; noise stands in the padding."""
    config = Wav2Vec2Config(
        hidden_size=input_dim,
        output_hidden_size=6,
        adapter_stride=stride,
        layerdrop=0.0,
    )
    peer = shaken(Wav2Vec2Adapter(config))
    ours = LengthAdaptor(input_dim, 6, stride=stride)
    pairs = zip(ours.state_dict(), peer.state_dict().values(), strict=True)
    ours.load_state_dict(dict(pairs))  # they have their parts in the same order
    features, counts = ragged(input_dim)
    with torch.no_grad():
        memory, num = ours(features, counts)
        for i, count in enumerate(COUNTS):
            alone = peer(features[i : i + 1, :count])[0]
            assert len(alone) == num[i]
            torch.testing.assert_close(memory[i, : num[i]], alone, atol=1e-5, rtol=1e-5)


def test_no_gradient_reaches_the_padding():
    """Nor does anything come of it."""
    adaptor = LengthAdaptor(5, 4)
    features, counts = ragged(5)
    features.requires_grad_()
    memory, num = adaptor(features, counts)
    sum(row[:n].square().sum() for row, n in zip(memory, num, strict=True)).backward()
    for row, count in zip(features.grad, COUNTS, strict=True):
        assert row[:count].any(dim=1).all()
        assert not row[count:].any()


def test_a_dropped_layer_leaves_a_longer_memory():
    """In training alone, and the numbers of frames say so."""
    adaptor = LengthAdaptor(4, 4, layerdrop=0.5)
    features, counts = ragged(4)
    seen = set()
    for seed in range(20):
        adaptor.layerdrop.seed(seed)
        memory, num = adaptor(features, counts)
        left = [n for n in range(4) if num.equal(num_memory(counts, num_layers=n))]
        assert left
        assert memory.shape[1] == num_memory(53, num_layers=left[0])
        seen.add(left[0])
    assert len(seen) > 2
    assert adaptor.eval()(features, counts).num_memory.equal(num_memory(counts))
