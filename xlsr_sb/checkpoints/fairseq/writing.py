"""What a file of fairseq holds beside tensors, so that fairseq itself loads it."""

from collections.abc import Mapping

import torch

from xlsr_sb.checkpoints.checkpoint import CLASSIFIER, CTC, PRETRAINING, Checkpoint
from xlsr_sb.checkpoints.fairseq import ACTIVATIONS, POOLINGS, peer_tensors
from xlsr_sb.checkpoints.fairseq.config import SIZES

LABELS = {CTC: "ltr", CLASSIFIER: "cls"}  # ends of the names of dictionaries
MODELS = {CTC: "wav2vec_ctc", CLASSIFIER: "wav2vec_classification"}
TASKS = {CTC: "audio_finetuning", CLASSIFIER: "audio_classification"}
GROUPS, ENTRIES = 2, 320  # of XLS-R's quantiser
PRETRAINING_MODEL = {  # as XLS-R was pretrained
    "quantize_targets": True,
    "latent_temp": [2.0, 0.1, 0.999995],
    "feature_grad_mult": 1.0,
    "encoder_layerdrop": 0.0,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
}


def file_content(checkpoint: Checkpoint) -> dict[str, object]:
    """What ``torch.save`` writes: builtin types and tensors only.

    Parameters
    ----------
    checkpoint : Checkpoint
        With one head at most.

    Example
    -------
    >>> sizes = {"dim": 4, "ffn_dim": 8, "num_heads": 2, "num_layers": 1}
    >>> sizes |= {"pos_conv_kernel": 16, "pos_conv_groups": 2}
    >>> sizes |= {"conv_dims": (8,), "conv_kernels": (10,), "conv_strides": (5,)}
    >>> content = file_content(Checkpoint("a", "b", sizes, {}))
    >>> content["cfg"]["model"]["conv_feature_layers"]
    '[(8, 10, 5)]'
    """
    head = checkpoint.head_names[0] if checkpoint.head_names else PRETRAINING
    encoder = {
        "_name": "audio_pretraining",
        "data": "",
        "normalize": True,
        "sample_rate": 16_000,
    }
    cfg = {"model": _encoder_model(checkpoint), "task": encoder}
    if head in MODELS:
        cfg = {
            "model": {
                "_name": MODELS[head],
                "w2v_args": cfg,
                "w2v_path": "",
                "data": "",
                "normalize": True,
                **_head_settings(checkpoint, head),
            },
            "task": {**encoder, "_name": TASKS[head], "labels": LABELS[head]},
        }
    return {
        "args": None,
        "cfg": cfg,
        "model": {
            name: one.contiguous() for name, one in peer_tensors(checkpoint).items()
        },
        "optimizer_history": [
            {
                "criterion_name": "",
                "optimizer_name": "",
                "lr_scheduler_state": {},
                "num_updates": 0,
            }
        ],
        "extra_state": {"train_iterator": {"epoch": 1, "iterations_in_epoch": 0}},
        "last_optimizer_state": None,
    }


def _head_settings(checkpoint: Checkpoint, head: str) -> dict[str, object]:
    """Settings of a fine-tuned model's head."""
    if head == CTC:
        return {}
    names = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
    return {
        "pooling": POOLINGS[0],
        "activation_fn": names[checkpoint.activation],
        "latent_embed_dim": len(checkpoint.head(CLASSIFIER)["projection.bias"]),
    }


def _encoder_model(checkpoint: Checkpoint) -> dict[str, object]:
    """Settings of the encoder's model."""
    sizes = checkpoint.sizes
    convs = zip(
        sizes["conv_dims"], sizes["conv_kernels"], sizes["conv_strides"], strict=True
    )
    return {
        "_name": "wav2vec2",
        "extractor_mode": "layer_norm",
        "layer_norm_first": True,
        "conv_bias": True,
        "conv_feature_layers": str([tuple(map(int, conv)) for conv in convs]),
        **{theirs: sizes[ours] for ours, theirs in SIZES.items()},
        **PRETRAINING_MODEL,
        **_quantizer_settings(checkpoint),
    }


def _quantizer_settings(checkpoint: Checkpoint) -> Mapping[str, object]:
    """Sizes of the quantiser, if the checkpoint has one."""
    if PRETRAINING not in checkpoint.head_names:
        return {}
    head = checkpoint.head(PRETRAINING)
    codes, target = head["quantizer.codevectors"], head["target_projection.weight"]
    groups = target.shape[1] // codes.shape[2]
    return {
        "final_dim": target.shape[0],
        "latent_dim": target.shape[1],
        "latent_groups": groups,
        "latent_vars": codes.shape[1] // groups,
    }


def drawn(shape: tuple[int, ...], *, reach: float = 1.0) -> torch.Tensor:
    """Numbers for a part that a model came without; always the same ones.

    Parameters
    ----------
    shape : tuple of int
    reach : float
        The greatest of them, and minus the least.

    Example
    -------
    >>> drawn((2, 3)).shape, bool((drawn((4,)) == drawn((4,))).all())
    (torch.Size([2, 3]), True)
    """
    generator = torch.Generator().manual_seed(0)
    return (2 * torch.rand(shape, generator=generator) - 1) * reach


def drawn_pretraining(sizes: Mapping[str, object]) -> dict[str, torch.Tensor]:
    """Quantiser and projections that fairseq builds around a bare encoder, untrained.

    Parameters
    ----------
    sizes : mapping
        Of the encoder; its width decides that of the codes, as in XLS-R.

    Example
    -------
    >>> parts = drawn_pretraining({"dim": 1024, "conv_dims": (512,) * 7})
    >>> sum(tensor.numel() for tensor in parts.values())
    1951872
    """
    dim, channels = sizes["dim"], sizes["conv_dims"][-1]
    width = {1024: 768, 1280: 1024, 1920: 1024}.get(dim, GROUPS * (dim // GROUPS))
    entries = GROUPS * ENTRIES
    linear = {
        "quantizer.projection": (entries, channels),
        "target_projection": (width, width),
        "context_projection": (width, dim),
    }
    parts = {"quantizer.codevectors": drawn((1, entries, width // GROUPS))}
    for name, (rows, columns) in linear.items():
        parts[f"{name}.weight"] = drawn((rows, columns), reach=columns**-0.5)
        parts[f"{name}.bias"] = torch.zeros(rows)
    return {f"{PRETRAINING}.{name}": tensor for name, tensor in parts.items()}
