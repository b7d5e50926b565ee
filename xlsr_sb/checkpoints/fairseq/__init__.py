"""fairseq's ``.pt`` files: pretrained, fine-tuned with CTC, or for classification."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from xlsr_sb.checkpoints.checkpoint import CLASSIFIER, CTC, Checkpoint
from xlsr_sb.checkpoints.fairseq.config import (
    check_structure,
    config_of,
    config_sizes,
    encoder_config,
)
from xlsr_sb.checkpoints.fairseq.tokens import SPECIAL, ctc_vocabulary, read_symbols
from xlsr_sb.checkpoints.naming import layer_pairs, rename
from xlsr_sb.checkpoints.peers import Parts, PeerNames, restored, sort_out, told_sizes
from xlsr_sb.checkpoints.pickles.torch_files import TorchFile
from xlsr_sb.checkpoints.sizes import completed
from xlsr_sb.checkpoints.weights import named_tensors

LAYOUT = "fairseq"
PAIRS = (
    ("feature_extractor.layers.{i}.norm", "feature_extractor.conv_layers.{i}.2.1"),
    ("feature_extractor.layers.{i}", "feature_extractor.conv_layers.{i}.0"),
    ("feature_norm", "layer_norm"),
    ("feature_projection", "post_extract_proj"),
    ("mask_embedding", "mask_emb"),
    ("positions.magnitude", "encoder.pos_conv.0.weight_g"),
    ("positions.direction", "encoder.pos_conv.0.weight_v"),
    ("positions.bias", "encoder.pos_conv.0.bias"),
    *layer_pairs(
        "transformer.layers.{i}",
        "encoder.layers.{i}",
        {
            "attention.q": "self_attn.q_proj",
            "attention.k": "self_attn.k_proj",
            "attention.v": "self_attn.v_proj",
            "attention.output": "self_attn.out_proj",
            "attention_norm": "self_attn_layer_norm",
            "ffn_norm": "final_layer_norm",
            "ffn_in": "fc1",
            "ffn_out": "fc2",
        },
    ),
    ("transformer.norm", "encoder.layer_norm"),
)
HEAD_PAIRS = (
    ("ctc.projection", "w2v_encoder.proj"),
    ("classifier.projection", "pooling_layer.linear"),
    ("classifier.classifier", "pooling_layer.projection"),
    ("pretraining.quantizer.codevectors", "quantizer.vars"),
    ("pretraining.quantizer.projection", "quantizer.weight_proj"),
    ("pretraining.target_projection", "project_q"),
    ("pretraining.context_projection", "final_proj"),
)
NAMES = PeerNames(
    PAIRS,
    HEAD_PAIRS,
    ("weight_g", "weight_v"),
    anchors=(
        "post_extract_proj.weight",
        "encoder.pos_conv.0.bias",
        "feature_extractor.conv_layers.0.0.weight",
    ),
)
PREFIX = "w2v_encoder.w2v_model."  # of the encoder in a fine-tuned model
POOLINGS = ("mean", "mean_fast")  # two names of one, in newer files and in older
ACTIVATIONS = {"linear": "identity", "gelu": "gelu", "relu": "relu", "tanh": "tanh"}


def is_fairseq(content: object) -> bool:
    """Whether a file's content is that of fairseq's.

    Example
    -------
    >>> is_fairseq({"model": {}, "cfg": {}}), is_fairseq({"weight": 1})
    (True, False)
    """
    return isinstance(content, dict) and isinstance(content.get("model"), dict)


def read_file(
    file: TorchFile, path: Path, given: Mapping[str, object] | None = None
) -> Checkpoint:
    """Checkpoint of an open file.

    Parameters
    ----------
    file : TorchFile
    path : Path
        Where it lies, for messages and for the dictionary beside it.
    given : mapping, optional
        Sizes that the file does not tell.

    Raises
    ------
    InputError
        If the model is not built like XLS-R, a size is not known, or tensors are
        missing, too many, or of another shape.

    Example
    -------
    >>> import torch
    >>> from xlsr_sb.checkpoints.pickles.torch_files import open_torch_file
    >>> path = getfixture("tmp_path") / "wav2vec_small.pt"
    >>> args = {"layer_norm_first": False, "encoder_embed_dim": 768}
    >>> torch.save({"model": {"mask_emb": torch.ones(768)}, "cfg": args}, path)
    >>> with open_torch_file(path) as file:
    ...     read_file(file, path)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ...wav2vec_small.pt: layer_norm_first is False; a model \
built like XLS-R has True
    """
    source = str(path)
    config = config_of(file.content)
    inner = encoder_config(config)
    check_structure(inner, source=source)
    # Averages of weights that training kept are a dictionary among the tensors.
    model = {n: one for n, one in file.content["model"].items() if n != "_ema"}
    tensors = {
        name: file.tensor(stored)
        for name, stored in named_tensors(model, source=source).items()
    }
    parts = sort_out(tensors, NAMES)
    told = told_sizes(parts, NAMES, source=source)
    told |= config_sizes(inner["model"], source=source)
    sizes = completed(told, given or {}, source=source)
    encoder = restored(parts, NAMES, sizes, source=source)
    symbols = read_symbols(file.content, config, path)
    vocabulary = None
    if (rows := parts.heads.get("ctc.projection.bias")) is not None:
        vocabulary = ctc_vocabulary(symbols, len(rows), source=source)
    parts, activation = _with_known_pooling(parts, config["model"])
    return Checkpoint(
        source=source,
        layout=LAYOUT,
        sizes=sizes,
        encoder=encoder,
        heads=parts.heads,
        vocabulary=vocabulary,
        labels=_labels(symbols, parts.heads) if activation else (),
        activation=activation or "identity",
        left_out=parts.left_out,
    )


def _with_known_pooling(
    parts: Parts, model: Mapping[str, object]
) -> tuple[Parts, str | None]:
    """Parts with a classification head only if it is of our kind; its activation."""
    if not any(name.startswith(f"{CLASSIFIER}.") for name in parts.heads):
        return parts, None
    activation = ACTIVATIONS.get(str(model.get("activation_fn") or "gelu"))
    if model.get("pooling", POOLINGS[0]) in POOLINGS and activation:
        return parts, activation
    names = tuple(rename(parts.heads, HEAD_PAIRS))
    return replace(parts, heads={}, left_out=(*parts.left_out, *names)), None


def _labels(symbols: list[str] | None, heads: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Labels of a classification head; the special ones if it has rows for them."""
    rows = heads.get("classifier.classifier.bias", ())
    labels = tuple(symbols or ())
    return (*SPECIAL, *labels) if len(labels) + len(SPECIAL) == len(rows) else labels


def peer_tensors(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Tensors of a checkpoint under fairseq's names.

    Example
    -------
    >>> import torch
    >>> checkpoint = Checkpoint("a", "b", {}, {"mask_embedding": torch.ones(1)},
    ...                         {"ctc.projection.bias": torch.ones(2)})
    >>> list(peer_tensors(checkpoint))
    ['w2v_encoder.w2v_model.mask_emb', 'w2v_encoder.proj.bias']
    """
    is_tuned = {CTC, CLASSIFIER} & set(checkpoint.head_names)
    prefix = PREFIX if is_tuned else ""
    encoder = rename(checkpoint.encoder, PAIRS)
    heads = rename(checkpoint.heads, HEAD_PAIRS)
    return {f"{prefix}{name}": one for name, one in encoder.items()} | heads
