"""Tensors of transformers' SpeechEncoderDecoderModel: names, shapes, and ours."""

from collections.abc import Mapping

import torch
from torch import Tensor

from xlsr_sb.checkpoints.huggingface import PAIRS
from xlsr_sb.checkpoints.naming import layer_pairs, rename, restore
from xlsr_sb.checkpoints.shapes import encoder_tensors

ENCODER = "encoder."  # before the names of the encoder
DECODER = "decoder.model.decoder"
EMBEDDING, OUTPUT = f"{DECODER}.embed_tokens.weight", "decoder.lm_head.weight"
KV = ".cross_attention.kv."  # ours; transformers holds keys and values apart
LAYER_PARTS = {
    "attention.q": "self_attn.q_proj",
    "attention.k": "self_attn.k_proj",
    "attention.v": "self_attn.v_proj",
    "attention.output": "self_attn.out_proj",
    "attention_norm": "self_attn_layer_norm",
    "cross_attention.q": "encoder_attn.q_proj",
    "cross_attention.k": "encoder_attn.k_proj",
    "cross_attention.v": "encoder_attn.v_proj",
    "cross_attention.output": "encoder_attn.out_proj",
    "cross_norm": "encoder_attn_layer_norm",
    "ffn_norm": "final_layer_norm",
    "ffn_in": "fc1",
    "ffn_out": "fc2",
}
HEAD_PAIRS = (
    ("adaptor.projection", "encoder.adapter.proj"),
    ("adaptor.norm", "encoder.adapter.proj_layer_norm"),
    ("adaptor.layers.{i}", "encoder.adapter.layers.{i}.conv"),
    ("memory_projection", "enc_to_dec_proj"),
    ("decoder.embeddings", f"{DECODER}.embed_tokens"),
    ("decoder.positions", f"{DECODER}.embed_positions"),
    ("decoder.embedding_norm", f"{DECODER}.layernorm_embedding"),
    *layer_pairs("decoder.layers.{i}", f"{DECODER}.layers.{{i}}", LAYER_PARTS),
    ("decoder.norm", f"{DECODER}.layer_norm"),
    ("decoder.output", "decoder.lm_head"),
)
Sizes = Mapping[str, object]
Shapes = dict[str, tuple[int, ...]]


def to_peer(
    encoder: Mapping[str, Tensor], head: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Tensors under transformers' names, of an encoder and a head under ours.

    Parameters
    ----------
    encoder, head : mapping of str to Tensor
        State of an ``XLSR`` and of a ``TranslationHead``, or parts of them.

    Example
    -------
    >>> head = {"decoder.layers.3.cross_attention.kv.bias": torch.arange(4)}
    >>> names = to_peer({"mask_embedding": torch.ones(1)}, head)
    >>> [name.replace("decoder.model.decoder", "...") for name in names]
    ['encoder.masked_spec_embed', '....layers.3.encoder_attn.k_proj.bias', \
'....layers.3.encoder_attn.v_proj.bias']
    """
    parted: dict[str, Tensor] = {}
    for name, tensor in head.items():
        if KV in name:
            for part, half in zip("kv", tensor.chunk(2), strict=True):
                parted[name.replace(KV, f".cross_attention.{part}.")] = half
        else:
            parted[name] = tensor
    theirs = {f"{ENCODER}{n}": t for n, t in rename(encoder, PAIRS).items()}
    return theirs | rename(parted, HEAD_PAIRS)


def from_peer(
    tensors: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Encoder and head under our names; the inverse of ``to_peer``.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        All of them parts of the model.

    Example
    -------
    >>> tensors = {"encoder.masked_spec_embed": torch.ones(1)}
    >>> tensors["decoder.lm_head.weight"] = torch.ones(3, 1)
    >>> [list(part) for part in from_peer(tensors)]
    [['mask_embedding'], ['decoder.output.weight']]
    """
    encoder, head = {}, {}
    for name, tensor in tensors.items():
        is_encoder = name.startswith(ENCODER) and not name.startswith(
            f"{ENCODER}adapter."
        )
        if is_encoder:
            encoder[name.removeprefix(ENCODER)] = tensor
        else:
            head[name] = tensor
    ours = restore(head, HEAD_PAIRS)
    key = ".cross_attention.k."
    for name in [name for name in ours if key in name]:
        pair = ours.pop(name), ours.pop(name.replace(key, ".cross_attention.v."))
        ours[name.replace(key, KV)] = torch.cat(pair)
    return restore(encoder, PAIRS), ours


def peer_tensors(encoder_sizes: Sizes, settings: Sizes) -> dict[str, Tensor]:
    """Every parameter of a model under transformers' names, without numbers.

    Parameters
    ----------
    encoder_sizes : mapping
        See ``shapes.encoder_tensors``.
    settings : mapping
        ``adaptor_dim``, ``adaptor_layers``, ``dim``, ``ffn_dim``, ``num_layers``,
        ``vocab_size``, ``max_positions`` and ``tied_embeddings`` of
        ``TranslatorConfig``.

    Returns
    -------
    dict of str to Tensor
        On the device ``meta``.

    Example
    -------
    >>> sizes = {"conv_dims": (8,), "conv_kernels": (10,), "dim": 4, "ffn_dim": 6}
    >>> sizes |= {"num_layers": 1, "pos_conv_kernel": 16, "pos_conv_groups": 2}
    >>> settings = {"adaptor_dim": 6, "adaptor_layers": 3, "dim": 6, "ffn_dim": 8}
    >>> settings |= {"num_layers": 1, "vocab_size": 9, "max_positions": 5}
    >>> tensors = peer_tensors(sizes, settings | {"tied_embeddings": False})
    >>> tensors["encoder.adapter.proj.weight"].shape
    torch.Size([6, 4])
    """
    head = head_tensors(encoder_sizes["dim"], settings)
    return to_peer(encoder_tensors(encoder_sizes), head)


def head_tensors(encoder_dim: int, settings: Sizes) -> dict[str, Tensor]:
    """Every parameter of a translation head, under our names, without numbers.

    Parameters
    ----------
    encoder_dim : int
    settings : mapping
        See ``peer_tensors``.

    Example
    -------
    >>> settings = {"adaptor_dim": 1024, "adaptor_layers": 3, "dim": 1024}
    >>> settings |= {"ffn_dim": 4096, "num_layers": 12, "vocab_size": 250_054}
    >>> settings |= {"max_positions": 1024, "tied_embeddings": True}
    >>> tensors = head_tensors(1024, settings)
    >>> decoder = [n for n in tensors if n.startswith("decoder.")]
    >>> sum(tensors[name].numel() for name in decoder)
    458670080
    """
    width, dim = settings["adaptor_dim"], settings["dim"]
    shapes: Shapes = {}
    if width != encoder_dim:
        shapes |= _linear("adaptor.projection", width, encoder_dim)
        shapes |= _norm("adaptor.norm", width)
    for index in range(settings["adaptor_layers"]):
        layer = f"adaptor.layers.{index}"
        shapes[f"{layer}.weight"] = (2 * width, width, 3)
        shapes[f"{layer}.bias"] = (2 * width,)
    if width != dim:
        shapes |= _linear("memory_projection", dim, width)
    shapes["decoder.embeddings.weight"] = (settings["vocab_size"], dim)
    # mBART's table of positions begins with two rows that no token has.
    shapes["decoder.positions.weight"] = (settings["max_positions"] + 2, dim)
    shapes |= _norm("decoder.embedding_norm", dim)
    for index in range(settings["num_layers"]):
        shapes |= _layer(f"decoder.layers.{index}", dim, settings["ffn_dim"])
    shapes |= _norm("decoder.norm", dim)
    if not settings["tied_embeddings"]:
        shapes["decoder.output.weight"] = (settings["vocab_size"], dim)
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def _layer(name: str, dim: int, ffn_dim: int) -> Shapes:
    return {
        **_norm(f"{name}.attention_norm", dim),
        **_linear(f"{name}.attention.qkv", 3 * dim, dim),
        **_linear(f"{name}.attention.output", dim, dim),
        **_norm(f"{name}.cross_norm", dim),
        **_linear(f"{name}.cross_attention.q", dim, dim),
        **_linear(f"{name}.cross_attention.kv", 2 * dim, dim),
        **_linear(f"{name}.cross_attention.output", dim, dim),
        **_norm(f"{name}.ffn_norm", dim),
        **_linear(f"{name}.ffn_in", ffn_dim, dim),
        **_linear(f"{name}.ffn_out", dim, ffn_dim),
    }


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _linear(name: str, rows: int, columns: int) -> Shapes:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}
