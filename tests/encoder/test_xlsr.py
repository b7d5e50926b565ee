"""The lobe: padding is never seen, frozen means frozen, masks are of training.

Seen to fail: waveforms normalised over the padded length; a channel mask for the whole
batch; a frozen encoder that trains on with dropout.
"""

import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.encoder.models import LENGTHS, ragged_batch, random_lobe
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import num_frames

DROPS = {
    "dropout": 0.1,
    "input_dropout": 0.1,
    "activation_dropout": 0.1,
    "attention_dropout": 0.1,
    "layerdrop": 0.3,
    "mask_time_prob": 0.5,
    "mask_channel_prob": 0.3,
    "mask_channel_length": 4,
}
LOUD = {"mask_time_prob": 0.65, "mask_channel_prob": 0.4, "mask_channel_length": 6}


def entering_positions(lobe, waveforms, num_samples):
    """Masked rows [N, D] of a pass and their layout."""
    seen = []

    def keep(_, inputs):
        seen.extend(inputs)

    with lobe.positions.register_forward_pre_hook(keep), torch.no_grad():
        lobe.encode(waveforms, num_samples)
    rows, packing = seen
    return rows, packing


# Padding


@given(
    lengths=st.lists(st.integers(400, 6_000), min_size=1, max_size=5),
    training=st.booleans(),
)
@settings(max_examples=15, deadline=None)
def test_alone_as_in_a_batch(lengths, training):
    """Whatever stands in the padding, in training without dropout and in evaluation."""
    lobe = random_lobe().train(training)
    waveforms, num_samples = ragged_batch(lengths)
    for waveform, n in zip(waveforms, lengths, strict=True):
        waveform[n:] = torch.nan
    encoded = lobe.encode(waveforms, num_samples)
    assert encoded.num_frames.tolist() == [num_frames(n) for n in lengths]
    for i, n in enumerate(lengths):
        alone = lobe.encode(waveforms[i : i + 1, :n], torch.tensor([n]))
        mine = encoded.features[i]
        count = encoded.num_frames[i]
        torch.testing.assert_close(
            mine[:count], alone.features[0], atol=1e-5, rtol=1e-5
        )
        assert not mine[count:].any()


def test_gradients_do_not_see_padding():
    """Summed over the utterances, they are those of the utterances alone."""
    lobe = random_lobe()
    waveforms, num_samples = ragged_batch()
    lobe.encode(waveforms, num_samples).features.square().sum().backward()
    together = [p.grad.clone() for p in lobe.parameters() if p.grad is not None]
    lobe.zero_grad()
    for waveform, n in zip(waveforms, LENGTHS, strict=True):
        alone = lobe.encode(waveform[None, :n], torch.tensor([n]))
        alone.features.square().sum().backward()
    summed = [p.grad for p in lobe.parameters() if p.grad is not None]
    assert len(summed) == len(together) > 40
    for a, b in zip(together, summed, strict=True):
        scale = b.abs().max().item()
        torch.testing.assert_close(a, b, atol=1e-5 * scale, rtol=1e-4)


# Both calls


def test_call_of_speechbrain_equals_encode():
    """From relative lengths, as ``PaddedBatch`` makes them."""
    lobe = random_lobe().eval()
    waveforms, num_samples = ragged_batch()
    encoded = lobe.encode(waveforms, num_samples)
    fractions = num_samples / waveforms.shape[1]
    assert torch.equal(lobe(waveforms, fractions), encoded.features)
    assert torch.equal(
        lobe(waveforms), lobe.encode(waveforms, torch.tensor([16_000] * 4)).features
    )
    assert encoded.layers == ()


def test_all_layers_are_given_when_asked_for():
    """The input of the first, the output of each; the last are the features."""
    lobe = random_lobe(num_layers=3).eval()
    encoded = lobe.encode(*ragged_batch(), all_layers=True)
    assert len(encoded.layers) == 4
    assert encoded.layers[-1] is encoded.features
    plain = lobe.encode(*ragged_batch())
    assert torch.equal(plain.features, encoded.features)
    for layer in encoded.layers:
        assert layer.shape == encoded.features.shape
        assert not layer[1, encoded.num_frames[1] :].any()
    distances = [(a - encoded.features).abs().max() for a in encoded.layers[:-1]]
    assert min(distances) > 0.01


@pytest.mark.parametrize("layer", range(4))
def test_a_layer_is_given_without_those_above(layer):
    """They are not even run, and only the output of the last one is normalised."""
    lobe = random_lobe(num_layers=3).eval()
    states = lobe.encode(*ragged_batch(), all_layers=True).layers
    ran = []
    for i, module in enumerate(lobe.transformer.layers):
        module.register_forward_hook(lambda *_, i=i: ran.append(i))
    alone = lobe.encode(*ragged_batch(), up_to_layer=layer)
    assert torch.equal(alone.features, states[layer])
    assert alone.layers == ()
    below = lobe.encode(*ragged_batch(), up_to_layer=layer, all_layers=True)
    assert len(below.layers) == layer + 1
    assert all(map(torch.equal, below.layers, states))
    assert ran == [*range(layer)] * 2


@pytest.mark.parametrize("layer", [-1, 4])
def test_layer_that_is_not_there(layer):
    """The message says which ones are."""
    message = f"no layer {layer}; its states are 0, .* to 3, the output of the last"
    with pytest.raises(InputError, match=message):
        random_lobe(num_layers=3).encode(*ragged_batch(), up_to_layer=layer)


@pytest.mark.parametrize(("options", "most"), [({}, 3), ({"all_layers": True}, 9)])
def test_states_that_nobody_wants_are_let_go(options, most):
    """In a pass without gradients a layer's input is freed once it was used."""
    lobe, alive = random_lobe(num_layers=8).eval(), []
    inputs = weakref.WeakSet()

    def note(_, given):
        inputs.add(given[0])
        alive.append(len(inputs))

    for layer in lobe.transformer.layers:
        layer.register_forward_pre_hook(note)
    with torch.no_grad():
        lobe.encode(*ragged_batch(), **options)
    assert max(alive) <= most
    assert len(alive) == 8
    assert (max(alive) == 8) == bool(options)


def test_too_short_utterance_is_named():
    """By its place in the batch."""
    waveforms, _ = ragged_batch()
    with pytest.raises(InputError, match="utterance 2 of the batch has 399 samples"):
        random_lobe().encode(waveforms, torch.tensor([16_000, 400, 399, 400]))


def test_half_precision_of_autocast_comes_close():
    """In training too, with finite gradients."""
    lobe = random_lobe()
    waveforms, num_samples = ragged_batch()
    exact = lobe.encode(waveforms, num_samples).features
    with torch.autocast("cpu", torch.bfloat16):
        rough = lobe.encode(waveforms, num_samples).features
    assert (rough.float() - exact).abs().mean() < 0.05 * exact.abs().mean()
    rough.float().square().sum().backward()
    assert all(
        torch.isfinite(p.grad).all() for p in lobe.parameters() if p.grad is not None
    )


# Masks


def test_masked_frames_hold_the_mask_embedding():
    """Spans of some frames, another mask for each utterance; never in evaluation."""
    lobe = random_lobe(mask_time_prob=0.65)
    waveforms = torch.randn(3, 16_000)
    num_samples = torch.tensor([16_000, 16_000, 12_000])
    rows, packing = entering_positions(lobe, waveforms, num_samples)
    masked = (rows == lobe.mask_embedding).all(1)
    masks = masked.split(packing.num_frames)
    shares = [mask.float().mean().item() for mask in masks]
    assert all(0.25 < share < 0.8 for share in shares)
    assert not torch.equal(masks[0], masks[1])
    clean, _ = entering_positions(lobe.eval(), waveforms, num_samples)
    assert torch.equal(rows[~masked], clean[~masked])
    assert not (clean == lobe.mask_embedding).all(1).any()


def test_channel_masks_are_of_utterances_and_zero_whole_channels():
    """Every frame of an utterance has the same channels zero, others' differ."""
    lobe = random_lobe(mask_channel_prob=0.4, mask_channel_length=6)
    waveforms, num_samples = ragged_batch([16_000, 9_000, 16_000])
    rows, packing = entering_positions(lobe, waveforms, num_samples)
    zeros = [(piece == 0).float().mean(0) for piece in rows.split(packing.num_frames)]
    for shares in zeros:
        assert set(shares.tolist()) == {0.0, 1.0}
        assert 6 <= shares.sum() <= 24
    assert not torch.equal(zeros[0], zeros[2])
    clean, _ = entering_positions(lobe.eval(), waveforms, num_samples)
    kept = rows != 0
    assert torch.equal(rows[kept], clean[kept])


def test_channels_are_zero_under_masked_frames_as_well():
    """First the frames, then the channels, as in fairseq."""
    lobe = random_lobe(**LOUD)
    rows, packing = entering_positions(lobe, *ragged_batch([16_000, 16_000]))
    for piece in rows.split(packing.num_frames):
        silent = (piece == 0).all(0)
        assert silent.any()
        masked = (piece == lobe.mask_embedding)[:, ~silent].all(1)
        assert masked.any()


@pytest.mark.parametrize("same", [False, True])
def test_masks_of_a_batch_can_be_made_equally_large(same):
    """As fairseq does it; by default an utterance's mask has its own size."""
    lobe = random_lobe(mask_time_prob=0.65, require_same_masks=same)
    rows, packing = entering_positions(lobe, *ragged_batch([16_000, 5_000, 9_000]))
    masked = (rows == lobe.mask_embedding).all(1).split(packing.num_frames)
    counts = {int(mask.sum()) for mask in masked}
    assert (len(counts) == 1) == same


def test_mask_embedding_is_learnt():
    """It has a gradient where frames are masked."""
    lobe = random_lobe(mask_time_prob=0.5)
    lobe.encode(*ragged_batch()).features.square().sum().backward()
    assert lobe.mask_embedding.grad.abs().max() > 0


def test_seeds_fix_a_training_pass():
    """Masks and dropout by PyTorch's seed, dropped layers by their own."""
    lobe, batch = random_lobe(**{**DROPS, "num_layers": 8}), ragged_batch()
    passes = []
    for seed, drop_seed in [(1, 1), (1, 1), (2, 1), (1, 2)]:
        torch.manual_seed(seed)
        lobe.seed_layerdrop(drop_seed)
        passes.append(lobe.encode(*batch).features)
    assert torch.equal(passes[0], passes[1])
    assert not torch.equal(passes[0], passes[2])
    assert not torch.equal(passes[0], passes[3])


# Freezing


def test_frozen_encoder_has_no_gradient_and_no_randomness():
    """Even in training mode, where SpeechBrain puts it at each epoch."""
    lobe = random_lobe(**DROPS)
    lobe.train()
    lobe.freeze()
    lobe.train()
    assert not any(module.training for module in lobe.modules())
    assert not any(parameter.requires_grad for parameter in lobe.parameters())
    first, second = (lobe.encode(*ragged_batch()).features for _ in range(2))
    assert torch.equal(first, second)
    assert not first.requires_grad
    assert torch.equal(first, lobe.eval().encode(*ragged_batch()).features)


@pytest.mark.parametrize("freeze_feature_extractor", [True, False])
def test_unfrozen_encoder_trains_again(freeze_feature_extractor):
    """But not the convolutions, unless they are asked for."""
    lobe = random_lobe(
        **{**DROPS, "freeze_feature_extractor": freeze_feature_extractor}
    )
    lobe.freeze()
    assert not lobe.training
    lobe.unfreeze()
    for name, module in lobe.named_modules():
        is_convolution = name.startswith("feature_extractor")
        assert module.training != (is_convolution and freeze_feature_extractor), name
    lobe.encode(*ragged_batch()).features.square().sum().backward()
    for name, parameter in lobe.named_parameters():
        is_convolution = name.startswith("feature_extractor.")
        wanted = not (is_convolution and freeze_feature_extractor)
        assert parameter.requires_grad == wanted, name
        if is_convolution:
            assert (parameter.grad is not None) == wanted, name
    assert lobe.feature_projection.weight.grad.abs().max() > 0


def test_evaluation_mode_survives_freezing():
    """Freezing and freeing do not start training."""
    lobe = random_lobe(**DROPS).eval()
    lobe.freeze()
    lobe.unfreeze()
    assert not lobe.training


def test_no_graph_is_kept_through_frozen_convolutions():
    """Nothing of them is saved for a backward pass that never comes."""
    outputs = []

    def keep(_, __, output):
        outputs.append(output)

    for frozen in (True, False):
        lobe = random_lobe(freeze_feature_extractor=frozen)
        with lobe.feature_extractor.register_forward_hook(keep):
            encoded = lobe.encode(*ragged_batch())
        assert encoded.features.requires_grad
    assert outputs[0].grad_fn is None
    assert not outputs[0].requires_grad
    assert outputs[1].grad_fn is not None


def test_no_graph_without_gradients():
    """``no_grad`` outside is obeyed."""
    lobe = random_lobe()
    with torch.no_grad():
        assert not lobe.encode(*ragged_batch()).features.requires_grad


# Memory for time


def test_activation_checkpointing_gives_the_same_gradients():
    """With masks, all dropouts and layerdrop on, and the same seeds."""
    gradients, batch = [], ragged_batch()
    for checkpointing in (False, True):
        lobe = random_lobe(
            **{**DROPS, "num_layers": 4, "activation_checkpointing": checkpointing}
        )
        torch.manual_seed(9)
        lobe.seed_layerdrop(2)
        lobe.encode(*batch).features.square().sum().backward()
        gradients.append({n: p.grad for n, p in lobe.named_parameters()})
    plain, recomputed = gradients
    for name, gradient in plain.items():
        if gradient is None:
            assert recomputed[name] is None, name
        else:
            assert torch.equal(gradient, recomputed[name]), name


def test_indices_are_made_once_a_batch():
    """Every layer shares them."""
    packing = Packing.of([16_000, 400], random_lobe().config)
    assert packing.padded is packing.padded
    assert packing.boundaries is packing.boundaries
