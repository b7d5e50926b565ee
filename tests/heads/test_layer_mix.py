"""The weighted sum of layers is transformers', and learns from frozen encoders.

Seen to fail: weights without a softmax; layers added without their shares; layers not
normalised when they should be.
"""

import pytest
import torch
import torch.nn.functional as F
import transformers

from tests.encoder.models import ragged_batch, random_lobe
from xlsr_sb.heads.layer_mix import LayerMix


def loud(mix):
    """Give each state a share of its own."""
    torch.nn.init.normal_(mix.weights)
    return mix


def test_equals_transformers(tmp_path):
    """What enters the projection of its classifier: to 1e-6 of the same states.

    From its version 5 on, its last state is that before the normalisation; ours is the
    normalised one, as it was before and as in s3prl.
    """
    lobe, waveform = random_lobe(num_layers=3).eval(), torch.randn(1, 12_000)
    lobe.save_pretrained(tmp_path)
    peer = transformers.Wav2Vec2ForSequenceClassification.from_pretrained(
        tmp_path,
        attn_implementation="eager",
        use_weighted_layer_sum=True,
        num_labels=2,
    ).eval()
    mix, seen = loud(LayerMix(3)), []
    peer.projector.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs))
    normalised = F.layer_norm(waveform, (12_000,))
    with torch.no_grad():
        peer.layer_weights.copy_(mix.weights)
        peer(normalised)
        outputs = peer.wav2vec2(normalised, output_hidden_states=True)
        encoded = lobe.encode(waveform, torch.tensor([12_000]), all_layers=True)
        found = mix(outputs.hidden_states)
        torch.testing.assert_close(found, seen[0], rtol=1e-6, atol=2e-6)
        last = outputs.last_hidden_state - outputs.hidden_states[-1]
        wanted = seen[0] + mix.shares[-1] * last
        ours = mix(encoded.layers)
    torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("normalise", [False, True])
def test_is_the_sum_by_hand(normalise):
    """In double precision; shares add up to one."""
    states = torch.randn(4, 2, 5, 8, dtype=torch.double) * 3 + 1
    mix = loud(LayerMix(3, normalise=normalise))
    shares = mix.weights.double().exp() / mix.weights.double().exp().sum()
    values = states
    if normalise:
        centred = states - states.mean(-1, keepdim=True)
        values = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    wanted = torch.einsum("l,lbfd->bfd", shares, values)
    torch.testing.assert_close(mix(states.unbind()), wanted, rtol=1e-6, atol=1e-6)
    assert mix.shares.sum().item() == pytest.approx(1)


def test_all_shares_are_alike_at_first():
    """The mean of all states."""
    states = torch.randn(5, 2, 3, 4)
    torch.testing.assert_close(LayerMix(4)(states.unbind()), states.mean(0))


@pytest.mark.parametrize("normalise", [False, True])
def test_learns_from_a_frozen_encoder(normalise):
    """Only the shares have a gradient; padding stays zero."""
    lobe = random_lobe(num_layers=3)
    lobe.freeze()
    mix = loud(LayerMix(lobe.config.num_layers, normalise=normalise))
    encoded = lobe.encode(*ragged_batch(), all_layers=True)
    mixed = mix(encoded.layers)
    assert not mixed[2, encoded.num_frames[2] :].any()
    mixed.square().sum().backward()
    assert mix.weights.grad.abs().min() > 0
    assert all(parameter.grad is None for parameter in lobe.parameters())


def test_gradients_reach_an_encoder_that_trains():
    """Through every state."""
    lobe = random_lobe(num_layers=3)
    mixed = LayerMix(3)(lobe.encode(*ragged_batch(), all_layers=True).layers)
    mixed.square().sum().backward()
    assert all(p.grad is not None for p in lobe.transformer.parameters())


def test_another_number_of_states_is_refused():
    """Nothing is left out without a word."""
    with pytest.raises(ValueError, match="zip"):
        LayerMix(3)(torch.randn(3, 1, 2, 4).unbind())


def test_states_are_not_stacked():
    """What is allocated at once is no larger than two states."""
    states = [torch.randn(1, 100, 64) for _ in range(9)]
    largest = 0

    class Sizes(torch.overrides.TorchFunctionMode):
        """Notes the size of every tensor that is made."""

        def __torch_function__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            made = function(*args, **(kwargs or {}))
            if isinstance(made, torch.Tensor):
                largest = max(largest, made.numel())
            return made

    with Sizes(), torch.no_grad():
        LayerMix(8)(states)
    assert largest == states[0].numel()
