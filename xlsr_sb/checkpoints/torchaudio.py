"""torchaudio's ``.pth`` files: the state of its ``wav2vec2_model``, nothing else."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from xlsr_sb.checkpoints.checkpoint import Checkpoint
from xlsr_sb.checkpoints.naming import layer_pairs, rename
from xlsr_sb.checkpoints.peers import PeerNames, restored, sort_out, told_sizes
from xlsr_sb.checkpoints.pickles.torch_files import TorchFile
from xlsr_sb.checkpoints.sizes import completed
from xlsr_sb.checkpoints.weights import named_tensors

LAYOUT = "torchaudio"
WEIGHT = "encoder.transformer.pos_conv_embed.conv.parametrizations.weight"
PAIRS = (
    (
        "feature_extractor.layers.{i}.norm",
        "feature_extractor.conv_layers.{i}.layer_norm",
    ),
    ("feature_extractor.layers.{i}", "feature_extractor.conv_layers.{i}.conv"),
    ("feature_norm", "encoder.feature_projection.layer_norm"),
    ("feature_projection", "encoder.feature_projection.projection"),
    ("positions.magnitude", f"{WEIGHT}.original0"),
    ("positions.direction", f"{WEIGHT}.original1"),
    ("positions.bias", "encoder.transformer.pos_conv_embed.conv.bias"),
    *layer_pairs("transformer.layers.{i}", "encoder.transformer.layers.{i}"),
    ("transformer.norm", "encoder.transformer.layer_norm"),
)
HEAD_PAIRS = (("ctc.projection", "aux"),)
NAMES = PeerNames(
    PAIRS,
    HEAD_PAIRS,
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    anchors=(
        "encoder.feature_projection.projection.weight",
        "encoder.transformer.pos_conv_embed.conv.bias",
        "feature_extractor.conv_layers.0.conv.weight",
    ),
)


def is_torchaudio(content: object) -> bool:
    """Whether a file's content has torchaudio's names.

    Example
    -------
    >>> is_torchaudio({"encoder.transformer.layer_norm.bias": 1})
    True
    """
    return isinstance(content, dict) and any(
        "encoder.transformer." in str(name) for name in content
    )


def read_file(
    file: TorchFile, path: Path, given: Mapping[str, object] | None = None
) -> Checkpoint:
    """Checkpoint of an open file.

    Parameters
    ----------
    file : TorchFile
    path : Path
        Where it lies, for messages.
    given : mapping, optional
        Sizes that the file does not tell: ``num_heads`` and ``conv_strides`` of models
        that are not of a published size.

    Raises
    ------
    InputError
        If a size is not known, or tensors are missing, too many, or of another shape.
    """
    source = str(path)
    tensors = {
        name: file.tensor(stored)
        for name, stored in named_tensors(file.content, source=source).items()
    }
    parts = sort_out(tensors, NAMES)
    told = told_sizes(parts, NAMES, source=source)
    sizes = completed(told, given or {}, source=source)
    return Checkpoint(
        source=source,
        layout=LAYOUT,
        sizes=sizes,
        encoder=restored(parts, NAMES, sizes, source=source),
        heads=parts.heads,
        left_out=parts.left_out,
    )


def peer_tensors(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Tensors of a checkpoint under torchaudio's names.

    Example
    -------
    >>> import torch
    >>> checkpoint = Checkpoint("a", "b", {}, {"feature_norm.bias": torch.ones(1)})
    >>> list(peer_tensors(checkpoint))
    ['encoder.feature_projection.layer_norm.bias']
    """
    encoder = rename(checkpoint.encoder, PAIRS)
    return encoder | rename(checkpoint.heads, HEAD_PAIRS)
