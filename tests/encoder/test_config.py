"""Sizes of the published models, and what a configuration refuses."""

from dataclasses import FrozenInstanceError

import pytest
import torch

from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.errors import InputError


@pytest.mark.parametrize(
    ("preset", "count"),
    [("300m", 315_438_720), ("1b", 962_497_408), ("2b", 2_159_259_648)],
)
def test_parameter_counts_of_the_released_models(preset, count):
    """To the unit, without the memory."""
    with torch.device("meta"):
        lobe = XLSR(XLSRConfig.preset(preset))
    assert sum(parameter.numel() for parameter in lobe.parameters()) == count


def test_tiny_is_small_and_built_alike():
    """Between five and ten million parameters, and the same arithmetic of frames."""
    tiny, published = XLSRConfig.preset("tiny"), XLSRConfig.preset("300m")
    assert 5e6 < sum(p.numel() for p in XLSR(tiny).parameters()) < 10e6
    assert (tiny.hop, tiny.receptive_field) == (320, 400)
    assert (published.hop, published.receptive_field) == (320, 400)
    assert tiny.conv_kernels == published.conv_kernels


@pytest.mark.parametrize("preset", ["300m", "1b", "2b"])
def test_defaults_are_those_of_the_papers_fine_tuning(preset):
    """Masks, layerdrop and activation dropout; no other dropout; no trained CNN."""
    config = XLSRConfig.preset(preset)
    assert (config.mask_time_prob, config.mask_time_length) == (0.75, 10)
    assert (config.mask_channel_prob, config.mask_channel_length) == (0.25, 64)
    assert (config.layerdrop, config.activation_dropout) == (0.1, 0.1)
    assert config.dropout == config.attention_dropout == config.input_dropout == 0
    assert config.freeze_feature_extractor


def test_every_field_can_be_overridden():
    """With lists as YAML gives them; a configuration cannot be changed later."""
    config = XLSRConfig.preset(
        "1b", conv_dims=[4, 8], conv_kernels=[4, 3], conv_strides=[2, 2], dim=32
    )
    assert config.conv_dims == (4, 8)
    assert (config.hop, config.receptive_field) == (4, 8)
    with pytest.raises(FrozenInstanceError):
        config.dim = 16


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dim": 36, "num_heads": 8}, "dim 36 must be a multiple of num_heads 8"),
        ({"dim": 36, "num_heads": 4}, "dim 36 must be a multiple of pos_conv_groups"),
        ({"conv_dims": [8, 8]}, r"equally many, got \(2, 7, 7\)"),
        ({"layerdrop": 1.0}, r"layerdrop must be in \[0, 1\), got 1.0"),
        ({"activation_dropout": -0.1}, "activation_dropout must be in"),
        ({"mask_time_prob": 1.5}, "mask_time_prob must be in"),
        ({"num_heads": 0}, "num_heads must be at least 1, got 0"),
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"mask_time_length": 0}, "mask_time_length must be at least 1, got 0"),
        ({"conv_strides": [5, 2, 2, 0, 2, 2, 2]}, "conv_strides must be at least 1"),
        ({"mask_time_min_spans": -1}, "mask_time_min_spans must be at least 0"),
    ],
)
def test_unusable_values_are_refused(fields, message):
    """By name, with the value and what is allowed."""
    with pytest.raises(InputError, match=f"^encoder: .*{message}"):
        XLSRConfig.preset("tiny", **fields)


def test_nothing_may_be_dropped_or_masked():
    """Zero as YAML gives it, a whole number."""
    rates = ("dropout", "layerdrop", "mask_time_prob", "mask_channel_prob")
    config = XLSRConfig.preset("tiny", **dict.fromkeys(rates, 0), mask_time_min_spans=0)
    assert config.layerdrop == 0


def test_unknown_names_are_refused_with_the_known_ones():
    """Of presets and of options."""
    with pytest.raises(InputError, match="no preset '3b'.*'300m', '1b', '2b', 'tiny'"):
        XLSRConfig.preset("3b")
    with pytest.raises(InputError, match=r"no option \['droput'\].*'dropout'"):
        XLSRConfig.preset("tiny", droput=0.1)
