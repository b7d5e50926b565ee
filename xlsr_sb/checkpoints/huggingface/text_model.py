"""Folders of transformers' MBartForConditionalGeneration, written."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from xlsr_sb.checkpoints.huggingface.translation_config import (
    CONFIG,
    GENERATION,
    OPTIONS,
    SIZES,
    TOKENS,
)
from xlsr_sb.checkpoints.huggingface.translation_names import (
    EMBEDDING,
    LAYER_PARTS,
    to_peer,
)
from xlsr_sb.checkpoints.huggingface.translation_text import (
    LOGITS_BIAS,
    SHARED,
    TEXT_ENCODER,
)
from xlsr_sb.checkpoints.naming import layer_pairs, rename
from xlsr_sb.checkpoints.weights import SAFE
from xlsr_sb.checkpoints.writing import write_safetensors
from xlsr_sb.errors import InputError

ENCODER_PAIRS = (
    ("positions", f"{TEXT_ENCODER}embed_positions"),
    ("embedding_norm", f"{TEXT_ENCODER}layernorm_embedding"),
    *layer_pairs(
        "layers.{i}",
        f"{TEXT_ENCODER}layers.{{i}}",
        {ours: one for ours, one in LAYER_PARTS.items() if "cross" not in ours},
    ),
    ("norm", f"{TEXT_ENCODER}layer_norm"),
)
COMMON = ("dim", "max_positions", "activation", "scale_embeddings")
Part = tuple[Mapping[str, Tensor], Mapping[str, object]]


def write_text_folder(*, encoder: Part, decoder: Part, folder: Path) -> None:
    """Write a text model of mBART's kind.

    Parameters
    ----------
    encoder, decoder : (mapping of str to Tensor, mapping)
        State of a ``TextEncoder`` and of a ``TextDecoder`` with tied embeddings, each
        with the fields of its ``TranslatorConfig``.
    folder : Path
        Made if absent; files of the same names are replaced.

    Raises
    ------
    InputError
        If transformers' model cannot hold the two.
    """
    files = text_files(encoder[1], decoder[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = json.dumps(content, indent=2, sort_keys=True)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    state = {f"decoder.{name}": tensor for name, tensor in decoder[0].items()}
    tensors = rename(encoder[0], ENCODER_PAIRS)
    for name, tensor in to_peer({}, state).items():
        ours = SHARED if name == EMBEDDING else name.removeprefix("decoder.")
        tensors[ours] = tensor
    tensors[LOGITS_BIAS] = torch.zeros(1, len(tensors[SHARED]))
    write_safetensors(tensors, folder / SAFE)


def text_files(
    encoder: Mapping[str, object], decoder: Mapping[str, object]
) -> dict[str, dict[str, object]]:
    """JSON files of a text model.

    Parameters
    ----------
    encoder, decoder : mapping
        Fields of ``TranslatorConfig`` of each.

    Raises
    ------
    InputError
        If transformers' model cannot hold the two.

    Example
    -------
    >>> ours = dict.fromkeys([*SIZES, *OPTIONS, *TOKENS], 8)
    >>> text_files({**ours, "num_layers": 3}, ours)["config.json"]["encoder_layers"]
    3
    >>> text_files({**ours, "dim": 4}, ours)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: a text model: dim of the encoder is 4, of the decoder \
8; they must be the same
    """
    for name in COMMON:
        if encoder[name] != decoder[name]:
            raise InputError(
                f"a text model: {name} of the encoder is {encoder[name]}, of the "
                f"decoder {decoder[name]}; they must be the same"
            )
    tokens = {theirs: decoder[ours] for ours, (theirs, _) in TOKENS.items()}
    tokens = {name: token for name, token in tokens.items() if token is not None}
    config = {theirs: decoder[ours] for ours, theirs in SIZES.items()}
    config |= {theirs: decoder[ours] for ours, (theirs, _) in OPTIONS.items()}
    own = {"ffn_dim": "ffn_dim", "num_heads": "attention_heads", "num_layers": "layers"}
    config |= {f"encoder_{theirs}": encoder[ours] for ours, theirs in own.items()}
    config |= {"encoder_layerdrop": encoder["layerdrop"], "is_encoder_decoder": True}
    config |= {"model_type": "mbart", "dtype": "float32"}
    config |= {"architectures": ["MBartForConditionalGeneration"]}
    return {CONFIG: config | tokens, GENERATION: tokens}
