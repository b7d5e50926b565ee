"""Our own folders: every field of the configuration, and tensors under our names."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from xlsr_sb.checkpoints.checkpoint import Checkpoint
from xlsr_sb.checkpoints.peers import MASK
from xlsr_sb.checkpoints.shapes import check_tensors, encoder_tensors
from xlsr_sb.checkpoints.sizes import SIZES, completed
from xlsr_sb.checkpoints.vocabulary import PeerVocabulary
from xlsr_sb.checkpoints.weights import read_json, read_tensors
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.errors import InputError

LAYOUT = "xlsr_sb"
CONFIG, WEIGHTS = "encoder.json", "model.safetensors"
HEADS, HEAD_WEIGHTS = "heads.json", "heads.safetensors"
ENCODER = "encoder"  # in a folder that `xlsr-sb export` wrote
EXPORTED_HEAD, EXPORTED_VOCABULARY = "head.ckpt", "vocabulary.txt"


def read_folder(folder: Path, given: Mapping[str, object] | None = None) -> Checkpoint:
    """Checkpoint in a folder that ``files_of`` describes.

    Parameters
    ----------
    folder : Path
    given : mapping, optional
        Sizes from outside; the folder has them all, so there can be none.

    Raises
    ------
    InputError
        If a file is absent or damaged, or tensors are missing, too many, or of another
        shape.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "encoder.json").write_text("{}")
    >>> read_folder(folder)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ... is the folder of a run; `xlsr-sb export` makes a \
model of it
    """
    if not (folder / WEIGHTS).exists():
        raise InputError(
            f"{folder} has no {WEIGHTS}: it is the folder of a run; `xlsr-sb export` "
            "makes a model of it"
        )
    fields = read_json(folder / CONFIG)
    told = {name: fields[name] for name in SIZES if name in fields}
    sizes = completed(told, given or {}, source=str(folder))
    encoder = read_tensors(folder / WEIGHTS)
    wanted = encoder_tensors(sizes)
    check_tensors(encoder, wanted, source=str(folder), optional={MASK})
    heads: dict[str, Tensor] = {}
    about: dict[str, object] = {}
    if (folder / HEADS).exists():
        heads, about = read_tensors(folder / HEAD_WEIGHTS), read_json(folder / HEADS)
    return Checkpoint(
        source=str(folder),
        layout=LAYOUT,
        sizes=sizes,
        encoder=encoder,
        heads=heads,
        vocabulary=_vocabulary(about.get("vocabulary"), folder / HEADS),
        labels=tuple(map(str, about.get("labels") or ())),
        activation=str(about.get("activation", "identity")),
        options={name: fields[name] for name in fields if name not in SIZES},
    )


def _vocabulary(fields: object, path: Path) -> PeerVocabulary | None:
    if fields is None:
        return None
    try:
        tokens, silent = tuple(fields.pop("tokens")), frozenset(fields.pop("silent"))
        return PeerVocabulary(tokens, silent=silent, **fields)
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: its vocabulary cannot be used: {error}") from error


def exported_head(folder: Path) -> tuple[dict[str, Tensor], PeerVocabulary]:
    """CTC head and vocabulary of a folder that ``xlsr-sb export`` wrote.

    Parameters
    ----------
    folder : Path
        With ``head.ckpt`` and ``vocabulary.txt``.

    Raises
    ------
    InputError
        If a file is absent or damaged.
    """
    head = read_tensors(folder / EXPORTED_HEAD)
    vocabulary = Vocabulary.load(folder / EXPORTED_VOCABULARY)
    named = {f"ctc.{name}": tensor for name, tensor in head.items()}
    return named, PeerVocabulary.of(vocabulary)


def config_text(checkpoint: Checkpoint) -> str:
    r"""Content of ``encoder.json``.

    Example
    -------
    >>> config_text(Checkpoint("a", "b", {"dim": 4}, {}, options={"layerdrop": 0.1}))
    '{\n  "dim": 4,\n  "layerdrop": 0.1\n}\n'
    """
    fields = {**checkpoint.sizes, **checkpoint.options}
    return json.dumps(fields, indent=2) + "\n"


def heads_text(checkpoint: Checkpoint) -> str:
    """Content of ``heads.json``.

    Example
    -------
    >>> checkpoint = Checkpoint("a", "b", {}, {}, labels=("en", "fr"))
    >>> json.loads(heads_text(checkpoint))["labels"]
    ['en', 'fr']
    """
    vocabulary = checkpoint.vocabulary and asdict(checkpoint.vocabulary)
    if vocabulary:
        vocabulary["silent"] = sorted(vocabulary["silent"])
    about = {
        "vocabulary": vocabulary,
        "labels": checkpoint.labels,
        "activation": checkpoint.activation,
    }
    return json.dumps(about, indent=2, ensure_ascii=False) + "\n"
