"""Folders in the layout of transformers' Wav2Vec2 models: read, and what is written."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from xlsr_sb.checkpoints.checkpoint import CLASSIFIER, CTC, PRETRAINING, Checkpoint
from xlsr_sb.checkpoints.huggingface.tokens import read_vocabulary
from xlsr_sb.checkpoints.naming import layer_pairs, rename
from xlsr_sb.checkpoints.peers import PeerNames, restored, sort_out
from xlsr_sb.checkpoints.sizes import completed
from xlsr_sb.checkpoints.weights import read_json, read_weights
from xlsr_sb.errors import InputError

LAYOUT = "huggingface"
CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
PROCESSOR = "processor_config.json"  # of newer versions, with the above inside
WEIGHT = "encoder.pos_conv_embed.conv.parametrizations.weight"
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
HEAD_PAIRS = (
    ("ctc.projection", "lm_head"),
    ("classifier.projection", "projector"),
    ("classifier.classifier", "classifier"),
    ("classifier.layer_weights", "layer_weights"),
    ("pretraining.quantizer.codevectors", "quantizer.codevectors"),
    ("pretraining.quantizer.projection", "quantizer.weight_proj"),
    ("pretraining.target_projection", "project_q"),
    ("pretraining.context_projection", "project_hid"),
)
NAMES = PeerNames(
    PAIRS,
    HEAD_PAIRS,
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    anchors=(
        "feature_projection.projection.weight",
        "encoder.pos_conv_embed.conv.bias",
        "feature_extractor.conv_layers.0.conv.weight",
    ),
    beside=("adapter.",),
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
DETAILS = {  # that need not be there
    "hidden_act": "gelu",
    "feat_extract_activation": "gelu",
    "layer_norm_eps": 1e-5,
    "adapter_attn_dim": None,
}
PREFIX = "wav2vec2."  # of the encoder in a model with a head
ARCHITECTURES = {  # by head
    PRETRAINING: "Wav2Vec2ForPreTraining",
    CTC: "Wav2Vec2ForCTC",
    CLASSIFIER: "Wav2Vec2ForSequenceClassification",
}
OTHER_HEADS = ("Wav2Vec2ForXVector", "Wav2Vec2ForAudioFrameClassification")


def read_folder(folder: Path, given: Mapping[str, object] | None = None) -> Checkpoint:
    """Checkpoint in a folder.

    Parameters
    ----------
    folder : Path
        Holds ``config.json``, weights in one file or in shards, and perhaps the files
        of a tokenizer.
    given : mapping, optional
        Sizes from outside; the folder has them all, so there can be none.

    Raises
    ------
    InputError
        If a file is absent or damaged, the model is not built like XLS-R, or tensors
        are missing, too many, or of another shape.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "config.json").write_text('{"model_type": "hubert"}')
    >>> read_folder(folder)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ...: model_type is 'hubert'; a model built like XLS-R \
has 'wav2vec2'
    """
    config = read_json(folder / CONFIG)
    check_structure(config, folder)
    told = {ours: config[theirs] for ours, theirs in SIZES.items()}
    sizes = completed(told, given or {}, source=str(folder))
    parts = sort_out(read_weights(folder), NAMES)
    encoder = restored(parts, NAMES, sizes, source=str(folder))
    heads, left_out = parts.heads, parts.left_out
    if config.get("add_adapter") or _has_another_head(config):
        heads, left_out = {}, (*left_out, *rename(heads, HEAD_PAIRS))
    rows = heads.get("ctc.projection.bias")
    return Checkpoint(
        source=str(folder),
        layout=LAYOUT,
        sizes=sizes,
        encoder=encoder,
        heads=heads,
        vocabulary=None if rows is None else read_vocabulary(folder, len(rows)),
        labels=_labels(config),
        left_out=left_out,
    )


def check_structure(config: dict, folder: Path) -> None:
    """Raise unless the model is built like XLS-R and hears normalised waveforms.

    Parameters
    ----------
    config : dict
        Of transformers.
    folder : Path
        For messages, and for the settings of the feature extractor.

    Raises
    ------
    InputError
    """
    for name, wanted in {**STRUCTURE, **DETAILS}.items():
        found = config.get(name, DETAILS.get(name))
        if found != wanted:
            raise InputError(
                f"{folder / CONFIG}: {name} is {found!r}; a model built like XLS-R has "
                f"{wanted!r}"
            )
    if missing := [theirs for theirs in SIZES.values() if theirs not in config]:
        raise InputError(f"{folder / CONFIG} has no {missing[0]!r}")
    for name in (PREPROCESSOR, PROCESSOR):
        settings = read_json(folder / name) if (folder / name).exists() else {}
        settings = settings.get("feature_extractor", settings)
        if settings.get("do_normalize") is False:
            raise InputError(
                f"{folder / name}: do_normalize is False: the model was trained on "
                "waveforms as they are, but XLS-R and this encoder normalise each one. "
                "Its features would be wrong"
            )


def _has_another_head(config: dict) -> bool:
    """Whether tensors with names of our heads belong to a head of another kind."""
    return any(name in OTHER_HEADS for name in config.get("architectures") or ())


def _labels(config: dict) -> tuple[str, ...]:
    """Names of the classes, if the configuration has them."""
    names = config.get("id2label") or {}
    return tuple(str(names[id_]) for id_ in sorted(names, key=int))


def config_of(checkpoint: Checkpoint) -> dict[str, object]:
    """Content of ``config.json`` for a checkpoint.

    Example
    -------
    >>> sizes = dict.fromkeys(SIZES, 8) | {"conv_dims": (8,)}
    >>> config_of(Checkpoint("a.pt", "fairseq", sizes, {}))["architectures"]
    ['Wav2Vec2Model']
    """
    config = {theirs: checkpoint.sizes[ours] for ours, theirs in SIZES.items()}
    options = checkpoint.options
    config |= STRUCTURE | {
        "architectures": [architecture(checkpoint)],
        "dtype": "float32",  # to compute in, whatever type the file stores
        "num_feat_extract_layers": len(checkpoint.sizes["conv_dims"]),
        "feat_proj_dropout": options.get("input_dropout", 0.0),
        "hidden_dropout": options.get("dropout", 0.0),
        "attention_dropout": options.get("attention_dropout", 0.0),
        "activation_dropout": options.get("activation_dropout", 0.0),
        "layerdrop": options.get("layerdrop", 0.0),
    }
    return config | _head_config(checkpoint)


def architecture(checkpoint: Checkpoint) -> str:
    """Class of transformers that holds the checkpoint."""
    names = checkpoint.head_names
    return ARCHITECTURES[names[0]] if names else "Wav2Vec2Model"


def _head_config(checkpoint: Checkpoint) -> dict[str, object]:
    """What the configuration says of the head."""
    name = checkpoint.head_names[0] if checkpoint.head_names else ""
    head: Mapping[str, Tensor] = checkpoint.head(name) if name else {}
    if name == PRETRAINING:
        codes, target = head["quantizer.codevectors"], head["target_projection.weight"]
        return {
            "codevector_dim": target.shape[1],
            "proj_codevector_dim": target.shape[0],
            "num_codevector_groups": target.shape[1] // codes.shape[2],
            "num_codevectors_per_group": codes.shape[1]
            * codes.shape[2]
            // target.shape[1],
        }
    if name == CTC:
        vocabulary = checkpoint.vocabulary
        blank = vocabulary.blank if vocabulary else 0
        return {"vocab_size": len(head["projection.bias"]), "pad_token_id": blank}
    if name == CLASSIFIER:
        labels = dict(enumerate(checkpoint.class_labels))
        return {
            "classifier_proj_size": len(head["projection.bias"]),
            "use_weighted_layer_sum": "layer_weights" in head,
            "id2label": {str(id_): label for id_, label in labels.items()},
            "label2id": {label: id_ for id_, label in labels.items()},
        }
    return {}
