"""Folders of transformers' SpeechEncoderDecoderModel: read and written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from xlsr_sb.checkpoints import huggingface
from xlsr_sb.checkpoints.checkpoint import Checkpoint
from xlsr_sb.checkpoints.hub import locate
from xlsr_sb.checkpoints.huggingface.translation_config import (
    CONFIG,
    files_of,
    read_config,
)
from xlsr_sb.checkpoints.huggingface.translation_names import (
    EMBEDDING,
    ENCODER,
    OUTPUT,
    from_peer,
    peer_tensors,
    to_peer,
)
from xlsr_sb.checkpoints.shapes import check_tensors
from xlsr_sb.checkpoints.sizes import completed
from xlsr_sb.checkpoints.weights import SAFE, read_weights
from xlsr_sb.checkpoints.writing import PREPROCESSOR, write_safetensors
from xlsr_sb.errors import InputError


@dataclass(frozen=True)
class TranslationCheckpoint:
    """A speech translation model, whatever it was read from.

    Parameters
    ----------
    encoder : Checkpoint
    head : mapping of str to Tensor
        State of a ``TranslationHead``.
    settings : mapping
        Fields of ``TranslatorConfig``.
    """

    encoder: Checkpoint
    head: Mapping[str, Tensor]
    settings: Mapping[str, object]


def read_translator(source: str | Path) -> TranslationCheckpoint:
    """Speech translation model in transformers' layout, strictly.

    Parameters
    ----------
    source : str or Path
        A folder with ``config.json`` and weights in one file or in shards; or a hub id
        such as ``facebook/wav2vec2-xls-r-300m-21-to-en``.

    Raises
    ------
    InputError
        If a file is absent or damaged, the model is built otherwise, or tensors are
        missing, too many, or of another shape; one error names them all.

    Example
    -------
    >>> read_translator("nowhere")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: source 'nowhere' does not exist
    """
    folder = folder_of(source)
    config, settings = read_config(folder)
    huggingface.check_structure(config, folder)
    told = {ours: config[theirs] for ours, theirs in huggingface.SIZES.items()}
    sizes = completed(told, {}, source=str(folder))
    tensors = huggingface.NAMES.present(read_weights(folder))
    settings["tied_embeddings"] = _is_tied(tensors, settings)
    if settings["tied_embeddings"]:
        tensors.pop(OUTPUT, None)
    check_tensors(
        tensors,
        peer_tensors(sizes, settings),
        source=str(folder),
        what="speech translation model",
        optional={f"{ENCODER}masked_spec_embed"},
    )
    encoder, head = from_peer(tensors)
    layout = huggingface.LAYOUT
    return TranslationCheckpoint(
        Checkpoint(str(folder), layout, sizes, encoder), head, settings
    )


def folder_of(source: str | Path) -> Path:
    """Folder of a source, with a configuration in it.

    Raises
    ------
    InputError
        If there is none.

    Example
    -------
    >>> folder_of(getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ... is no folder of transformers: there is no \
config.json in it
    """
    folder = locate(source)
    if not (folder / CONFIG).is_file():
        raise InputError(
            f"{folder} is no folder of transformers: there is no {CONFIG} in it"
        )
    return folder


def _is_tied(tensors: Mapping[str, Tensor], settings: Mapping[str, object]) -> bool:
    """Whether the embeddings are the output layer: by configuration and numbers.

    As in transformers, the configuration does not bind tensors that differ.
    """
    if not settings["tied_embeddings"] or OUTPUT not in tensors:
        return bool(settings["tied_embeddings"])
    return EMBEDDING in tensors and torch.equal(tensors[EMBEDDING], tensors[OUTPUT])


def write_translator(checkpoint: TranslationCheckpoint, folder: Path) -> None:
    """Write a folder that transformers and ``read_translator`` load.

    Parameters
    ----------
    checkpoint : TranslationCheckpoint
    folder : Path
        Made if absent; files of the same names are replaced.

    Example
    -------
    >>> from xlsr_sb import XLSR, SpeechTranslator, XLSRConfig
    >>> from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> config = TranslatorConfig.preset("small", num_layers=1, vocab_size=90)
    >>> translator = SpeechTranslator(encoder, TranslationHead(384, config))
    >>> folder = getfixture("tmp_path")
    >>> translator.save_pretrained(folder / "a")
    >>> write_translator(read_translator(folder / "a"), folder / "b")
    >>> sorted(path.name for path in (folder / "b").iterdir())
    ['config.json', 'generation_config.json', 'model.safetensors', \
'preprocessor_config.json']
    """
    folder.mkdir(parents=True, exist_ok=True)
    encoder = huggingface.config_of(checkpoint.encoder)
    files = files_of(encoder, dict(checkpoint.settings))
    files[huggingface.PREPROCESSOR] = PREPROCESSOR
    for name, content in files.items():
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    tensors = to_peer(checkpoint.encoder.encoder, checkpoint.head)
    write_safetensors(tensors, folder / SAFE)
