"""The decoder of a text model of mBART's kind, to begin speech translation with."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from xlsr_sb.checkpoints.huggingface.translation import folder_of
from xlsr_sb.checkpoints.huggingface.translation_config import CONFIG, decoder_settings
from xlsr_sb.checkpoints.huggingface.translation_names import (
    EMBEDDING,
    OUTPUT,
    from_peer,
    head_tensors,
    to_peer,
)
from xlsr_sb.checkpoints.shapes import check_tensors
from xlsr_sb.checkpoints.weights import read_json, read_weights
from xlsr_sb.errors import InputError

TEXT_ENCODER = "model.encoder."  # before the names of what is left out
SHARED, LOGITS_BIAS = "model.shared.weight", "final_logits_bias"
DECIDED = ("dim", "ffn_dim", "num_heads", "num_layers", "vocab_size", "max_positions")
DECIDED += ("activation", "scale_embeddings")  # what a decoder's weights are made for


def read_text_decoder(
    source: str | Path, settings: Mapping[str, object]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Decoder of a text model.

    Parameters
    ----------
    source : str or Path
        Folder or hub id of an ``MBartForConditionalGeneration`` such as
        ``facebook/mbart-large-50``.
    settings : mapping
        Fields of ``TranslatorConfig`` of the head that the decoder is for.

    Returns
    -------
    decoder : dict of str to Tensor
        All tensors of a ``TranslationHead`` whose names begin with ``decoder.``.
    left_out : tuple of str
        Tensors of the source that are not in it: the text encoder.

    Raises
    ------
    InputError
        If the head's decoder is built otherwise, or tensors are missing, too many, or
        of another shape.

    Example
    -------
    >>> read_text_decoder("nowhere", {})
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: source 'nowhere' does not exist
    """
    folder = folder_of(source)
    _check_decoder(folder / CONFIG, settings)
    tensors = read_weights(folder)
    left_out = tuple(name for name in tensors if name.startswith(TEXT_ENCODER))
    for name in left_out:
        del tensors[name]
    found = _as_wrapped(tensors, folder)
    if settings["tied_embeddings"]:
        output, embedding = found.pop(OUTPUT, None), found.get(EMBEDDING)
        if output is not None and embedding is not None and (output != embedding).any():
            raise InputError(
                f"{folder}: the output layer is not the embedding, so the decoder "
                "needs tied_embeddings: false"
            )
    head = head_tensors(1, {**settings, "adaptor_dim": 1, "adaptor_layers": 0})
    decoder = {name: one for name, one in head.items() if name.startswith("decoder.")}
    wanted = to_peer({}, decoder)
    check_tensors(found, wanted, source=str(folder), what="text decoder of mBART")
    return from_peer(found)[1], left_out


def _check_decoder(path: Path, settings: Mapping[str, object]) -> None:
    """Raise unless a text model's decoder is built as the settings say."""
    told = decoder_settings(read_json(path), path, name="")
    other = [
        f"{name} is {told[name]!r}, not {settings[name]!r}"
        for name in DECIDED
        if told[name] != settings[name]
    ]
    if other:
        raise InputError(
            f"{path} describes another decoder than the one to be filled: "
            f"{', '.join(other)}; give the translation head the same sizes"
        )


def _as_wrapped(tensors: dict[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """Tensors of a text model under the names of a speech translation model.

    Its one embedding may have the name of any of its three uses.
    """
    bias = tensors.pop(LOGITS_BIAS, None)
    if bias is not None and bias.any():
        raise InputError(
            f"{folder}: {LOGITS_BIAS} is not zero; this decoder adds nothing to its "
            "logits"
        )
    shared = tensors.pop(SHARED, None)
    found = {f"decoder.{name}": tensor for name, tensor in tensors.items()}
    embedding = found.get(EMBEDDING, shared)
    if embedding is not None:
        found = {EMBEDDING: embedding, OUTPUT: embedding, **found}
    return found
