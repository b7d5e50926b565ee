"""Models by their names: shipped with this package, or from the Hugging Face hub."""

import re
from pathlib import Path

from xlsr_sb.errors import InputError

ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
TEXTS = ["config.json", "vocab.json", "added_tokens.json", "special_tokens_map.json"]
TEXTS += ["tokenizer_config.json", "preprocessor_config.json", "processor_config.json"]
TEXTS += ["generation_config.json", "sentencepiece.bpe.model"]  # of translators
SAFE = ["model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json"]
PICKLED = ["pytorch_model.bin", "pytorch_model-*-of-*.bin"]
PICKLED += ["pytorch_model.bin.index.json"]
SHIPPED = Path(__file__).parents[1] / "pretrained"  # one folder a model


def locate(source: str | Path) -> Path:
    """Where a source lies: there, in this package, or in the hub's cache.

    Parameters
    ----------
    source : str or Path
        A file or a folder; ``xlsr-tiny``, which is shipped with this package; or a hub
        id such as ``facebook/wav2vec2-xls-r-300m``. What is
        in the cache already is not downloaded again, and needs no network.

    Raises
    ------
    InputError
        If it is none of these, or the hub cannot be reached.

    Example
    -------
    >>> locate("models/a.pt")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: source 'models/a.pt' does not exist
    """
    if Path(source).exists():
        return Path(source)
    if (SHIPPED / str(source) / "config.json").is_file():
        return SHIPPED / str(source)
    is_file = Path(source).suffix in (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
    if not ID.fullmatch(str(source)) or is_file:
        raise InputError(f"source {str(source)!r} does not exist")
    folder = _download(str(source), TEXTS + SAFE)
    if not any((folder / name).exists() for name in (SAFE[0], SAFE[2])):
        folder = _download(str(source), TEXTS + PICKLED)
    return folder


def _download(model: str, patterns: list[str]) -> Path:
    """Folder of a model with the files that fit the patterns."""
    from huggingface_hub import snapshot_download  # slow to import, seldom needed

    try:
        return Path(snapshot_download(model, allow_patterns=patterns))
    except Exception as error:  # the hub's errors share no base class
        raise InputError(
            f"source {model!r} is no folder here, and the hub did not give it "
            f"({type(error).__name__}): it is not in the cache, and either there is no "
            "network, or no such model, or no right to it. Give a folder or a file, or "
            f"run `hf download {model}` where there is a network"
        ) from error
