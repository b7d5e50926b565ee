"""Folders in the layout of transformers' Wav2Vec2 models: read and written."""

import json
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from xlsr_sb.checkpoints.naming import layer_pairs, rename, restore
from xlsr_sb.errors import InputError

WEIGHT = "encoder.pos_conv_embed.conv.parametrizations.weight"
CONV = "feature_extractor.conv_layers.{i}"
PAIRS = (
    (
        "feature_extractor.layers.{i}.norm",
        "feature_extractor.conv_layers.{i}.layer_norm",
    ),
    ("feature_extractor.layers.{i}", "feature_extractor.conv_layers.{i}.conv"),
    ("feature_norm", "feature_projection.layer_norm"),
    ("feature_projection", "feature_projection.projection"),
    ("mask_embedding", "masked_spec_embed"),
    ("positions.magnitude", f"{WEIGHT}.original0"),
    ("positions.direction", f"{WEIGHT}.original1"),
    ("positions.bias", "encoder.pos_conv_embed.conv.bias"),
    *layer_pairs("transformer.layers.{i}", "encoder.layers.{i}"),
    ("transformer.norm", "encoder.layer_norm"),
)
SIZES = {  # our field: theirs
    "conv_dims": "conv_dim",
    "conv_kernels": "conv_kernel",
    "conv_strides": "conv_stride",
    "dim": "hidden_size",
    "ffn_dim": "intermediate_size",
    "num_heads": "num_attention_heads",
    "num_layers": "num_hidden_layers",
    "pos_conv_kernel": "num_conv_pos_embeddings",
    "pos_conv_groups": "num_conv_pos_embedding_groups",
}
STRUCTURE = {
    "model_type": "wav2vec2",
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "conv_bias": True,
}
OLD_NAMES = {"conv.weight_g": "original0", "conv.weight_v": "original1"}
PREFIX = "wav2vec2."  # of the encoder in a model with a head
HEADS = ("quantizer.", "project_q.", "project_hid.", "lm_head.", "adapter.")
DAMAGE = (  # what both libraries raise on broken files, and on files with code in them
    SafetensorError,
    pickle.UnpicklingError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
)


def read_folder(folder: Path) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Sizes and weights of the encoder in a folder.

    Parameters
    ----------
    folder : Path
        Holds ``config.json`` and ``model.safetensors`` or ``pytorch_model.bin``.

    Returns
    -------
    sizes : dict
        Fields of ``XLSRConfig``.
    weights : dict of str to Tensor
        Under our names; heads that stand on the encoder are left out.

    Raises
    ------
    InputError
        If a file is absent or damaged, or the model is not built like XLS-R.
    """
    config = _read_config(folder / "config.json")
    for name, wanted in STRUCTURE.items():
        if config.get(name) != wanted:
            raise InputError(
                f"{folder / 'config.json'}: {name} is {config.get(name)!r}; a model "
                f"built like XLS-R has {wanted!r}"
            )
    if missing := [theirs for theirs in SIZES.values() if theirs not in config]:
        raise InputError(f"{folder / 'config.json'} has no {missing[0]!r}")
    sizes = {ours: config[theirs] for ours, theirs in SIZES.items()}
    return sizes, restore(_encoder_only(_read_weights(folder)), PAIRS)


def write_folder(
    folder: Path, sizes: Mapping[str, object], weights: Mapping[str, Tensor]
) -> None:
    """Write a folder that ``transformers.Wav2Vec2Model.from_pretrained`` loads.

    Parameters
    ----------
    folder : Path
        Made if absent.
    sizes : mapping
        Fields of ``XLSRConfig``; others than sizes are left out.
    weights : mapping of str to Tensor
        Under our names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {theirs: sizes[ours] for ours, theirs in SIZES.items()}
    config |= STRUCTURE | {
        "architectures": ["Wav2Vec2Model"],
        "num_feat_extract_layers": len(sizes["conv_dims"]),
        "feat_proj_dropout": sizes["input_dropout"],
        "hidden_dropout": sizes["dropout"],
        "attention_dropout": sizes["attention_dropout"],
        "activation_dropout": sizes["activation_dropout"],
        "layerdrop": sizes["layerdrop"],
    }
    preprocessor = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "feature_size": 1,
        "sampling_rate": 16_000,
        "padding_value": 0.0,
        "do_normalize": True,
        "return_attention_mask": True,
    }
    for name, content in (("config", config), ("preprocessor_config", preprocessor)):
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
        (folder / f"{name}.json").write_text(text)
    tensors = {k: v.contiguous() for k, v in rename(weights, PAIRS).items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    # safetensors gives its owner alone the right to read a file.
    shutil.copymode(folder / "config.json", folder / "model.safetensors")


def _read_config(path: Path) -> dict:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise InputError(f"{path} cannot be read: it is no JSON object")
    return config


def _read_weights(folder: Path) -> dict[str, Tensor]:
    """Tensors of the folder; nothing in a file can run code."""
    safe, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    path = safe if safe.exists() else pickled
    if not path.exists():
        raise InputError(f"{folder} holds neither {safe.name} nor {pickled.name}")
    try:
        if path == safe:
            return load_file(safe)
        weights = torch.load(pickled, map_location="cpu", weights_only=True)
    except DAMAGE as error:
        raise InputError(f"{path}: damaged weights: {error}") from error
    if not isinstance(weights, dict):
        raise InputError(f"{path}: damaged weights: no tensors with names in it")
    return weights


def _encoder_only(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drop the prefix and the heads, and give weight norm its present name."""
    encoder = {}
    has_prefix = any(name.startswith(PREFIX) for name in weights)
    for name, tensor in weights.items():
        short = name.removeprefix(PREFIX)
        if short.startswith(HEADS) or (has_prefix and short == name):
            continue
        for old, new in OLD_NAMES.items():
            if short.endswith(old):
                short = f"{WEIGHT}.{new}"
        encoder[short] = tensor
    return encoder
